"""The two keys of an installation: required outside the demo, made once for it."""

import hashlib
import hmac
import secrets
from pathlib import Path

from stellwerk.site import data_folder
from stellwerk.site.configuration import Configuration, ConfigurationError


def secret_key(configuration: Configuration, data_dir: Path) -> str:
    """Return the installation's own secret key; the demo makes one on its first start and keeps it."""
    key = configuration.text("secret_key")
    if key:
        return key
    if configuration.text("mode") == "production":
        raise ConfigurationError(
            "Stellwerk does not start without its own secret key: set STELLWERK_SECRET_KEY to the output of "
            'python3 -c "import secrets; print(secrets.token_urlsafe(48))" and keep it.'
        )
    return kept_key(data_dir / "secret-key")


def journal_key(configuration: Configuration, secret: str) -> bytes:
    """Return the key of the journal's hash chains, derived from the secret key unless it is set."""
    key = configuration.text("journal_key")
    if key:
        return key.encode()
    return hmac.digest(secret.encode(), b"stellwerk journal", hashlib.sha256)


def kept_key(path: Path) -> str:
    """Return the key in the file at path, which is made when there is none."""
    if not path.exists():
        data_folder.make(path.parent)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8")
