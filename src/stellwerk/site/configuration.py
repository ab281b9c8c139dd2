"""Where Stellwerk is told how to run: the one table of settings, read from the environment or one file."""

import os
import re
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "STELLWERK_"
CONFIG_VARIABLE = "STELLWERK_CONFIG"
ADMIN_PASSWORD_VARIABLE = "STELLWERK_ADMIN_PASSWORD"
# Read by a command, a test or a benchmark rather than by the settings.
OTHER_VARIABLES = (CONFIG_VARIABLE, ADMIN_PASSWORD_VARIABLE, "STELLWERK_TEST_", "STELLWERK_BENCH_")
LOOPBACK = ("localhost", "127.0.0.1")
MODES = ("production", "demo", "test")


class ConfigurationError(ImproperlyConfigured):
    """A setting that the operator must put right; the message is one sentence that says how."""


@dataclass(frozen=True)
class Setting:
    """One thing that an operator may decide; its default's type is the setting's type."""

    name: str
    default: str | int | bool
    explanation: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def parse(self, value: object) -> str | int | bool:
        """Return the value in the type of the default; a TOML file may give it in that type already."""
        if isinstance(self.default, bool):
            return self._parse_bool(value)
        if isinstance(self.default, int):
            return self._parse_int(value)
        if isinstance(value, str):
            return value.strip()
        raise ConfigurationError(f"{self.variable} must be text, not {value!r}: put it in quotes.")

    def _parse_bool(self, value: object) -> bool:
        words = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False}
        words |= {"off": False, "": False}
        if isinstance(value, bool):
            return value
        if str(value).strip().lower() in words:
            return words[str(value).strip().lower()]
        raise ConfigurationError(f"{self.variable} must be yes or no, not {value!r}.")

    def _parse_int(self, value: object) -> int:
        try:
            return int(str(value))
        except ValueError:
            raise ConfigurationError(f"{self.variable} must be a whole number, not {value!r}.") from None


SETTINGS = [
    Setting(
        "mode",
        "production",
        "`production`, or `demo` for a try-out with known sign-ins, which must never face a network.",
    ),
    Setting(
        "secret_key",
        "",
        "Signs sessions and links; at least 50 characters, different on every installation, never published. "
        'Make one with `python3 -c "import secrets; print(secrets.token_urlsafe(48))"`.',
    ),
    Setting(
        "journal_key",
        "",
        "Key of the journal's hash chains. Without it one is derived from the secret key: then changing the "
        "secret key makes every older chain fail. Keep a copy outside the database and outside its backups.",
    ),
    Setting(
        "url",
        "http://127.0.0.1:8765",
        "The address under which people reach Stellwerk; decides accepted host names, links in mail and "
        "whether cookies travel over https only.",
    ),
    Setting("extra_hosts", "", "Further host names to answer to, separated by commas."),
    Setting(
        "data_dir",
        "var",
        "Folder of what no database server keeps: SQLite file, attachments, collected static files.",
    ),
    Setting(
        "database_url",
        "",
        "`sqlite:///absolute/path.sqlite3` or `postgres://user:password@host:5432/name`; "
        "without it, `stellwerk.sqlite3` in the data folder.",
    ),
    Setting("database_connections", 8, "PostgreSQL only: the most connections that one process keeps open."),
    Setting("listen", "127.0.0.1:8765", "Address and port on which the web server listens."),
    Setting("web_processes", 1, "Web processes under `serve` and `web`; on SQLite one is best."),
    Setting("web_threads", 4, "Threads of each web process."),
    Setting(
        "proxies",
        0,
        "How many reverse proxies stand in front. Above 0, their X-Forwarded-For and X-Forwarded-Proto "
        "are believed; with 0 they are ignored.",
    ),
    Setting(
        "api_rate",
        600,
        "How many API requests a token may make in a minute, after as many at once; 0 sets no limit.",
    ),
    Setting("language", "en", "Language of those who chose none."),
    Setting("time_zone", "UTC", "Time zone of those who chose none, for example `Europe/Berlin`."),
    Setting("log_format", "json", "`json`, one object per line, or `text` for people."),
    Setting("log_level", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`."),
    Setting("upload_limit_mb", 25, "The largest attachment, in megabytes."),
    Setting(
        "mail_url",
        "",
        "`smtp://user:password@host:587` (STARTTLS) or `smtps://...:465`; without it no mail is sent.",
    ),
    Setting("mail_from", "stellwerk@localhost", "Sender of the mail that Stellwerk sends."),
    Setting(
        "oidc_url",
        "",
        "Issuer address of an OpenID Connect provider; with it, people can [sign in there](single-sign-on.md).",
    ),
    Setting("oidc_name", "Single sign-on", "What the button for that sign-in says."),
    Setting("oidc_client_id", "", "Client id that the provider gave."),
    Setting("oidc_client_secret", "", "Client secret that the provider gave."),
    Setting(
        "oidc_verified_domains",
        "",
        "Mail domains, separated by commas, whose addresses the provider may be believed although it does not "
        "say that they are verified.",
    ),
    Setting("debug", False, "Django's error pages with source and settings; only together with mode `demo`."),
]


@dataclass(frozen=True)
class Configuration:
    """The values of all settings, as one installation has them."""

    values: Mapping[str, str | int | bool]

    def text(self, name: str) -> str:
        return str(self.values[name])

    def number(self, name: str) -> int:
        return int(self.values[name])

    def flag(self, name: str) -> bool:
        return bool(self.values[name])


def read(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return what the environment says, else the file that STELLWERK_CONFIG names, else the defaults."""
    from_file = read_file(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else {}
    values = {}
    for setting in SETTINGS:
        given = environment.get(setting.variable, from_file.get(setting.name))
        values[setting.name] = setting.default if given is None else setting.parse(given)
    refuse_unknown_variables(environment)
    configuration = Configuration(values)
    if configuration.text("mode") not in MODES:
        raise ConfigurationError(
            f"STELLWERK_MODE must be production or demo, not {configuration.text('mode')!r}."
        )
    return configuration


def read_file(path: str) -> dict[str, Any]:
    """Return the settings in the TOML file at path; every key must be a setting's name."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read ({error.strerror}): mend it or unset {CONFIG_VARIABLE}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The settings file {path} is not valid TOML: {error}.") from None
    unknown = sorted(set(content) - {setting.name for setting in SETTINGS})
    if unknown:
        raise ConfigurationError(
            f"The settings file {path} sets {', '.join(unknown)}, which Stellwerk does not know: "
            "`stellwerk settings` lists what it knows."
        )
    return content


def refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """Refuse STELLWERK_ variables that no one reads, because a misspelt one would silently do nothing."""
    known = {setting.variable for setting in SETTINGS}
    ours = {name for name in environment if name.startswith(PREFIX)}
    unknown = sorted(name for name in ours - known if not name.startswith(OTHER_VARIABLES))
    if unknown:
        raise ConfigurationError(
            f"{', '.join(unknown)} is set, but Stellwerk does not know it: "
            "`stellwerk settings` lists what it knows."
        )


def parse_database_url(url: str) -> dict[str, Any]:
    """Return Django's engine, name, host ... for a sqlite:// or postgres:// address."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and parts.path:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path).replace("//", "/")}
    if parts.scheme in {"postgres", "postgresql"} and parts.path.strip("/"):
        query = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": query,
        }
    raise ConfigurationError(
        "STELLWERK_DATABASE_URL must look like sqlite:///var/lib/stellwerk/stellwerk.sqlite3 "
        "or postgres://user:password@host:5432/name."
    )


def parse_mail_url(url: str) -> dict[str, Any]:
    """Return Django's EMAIL_ settings for an smtp:// or smtps:// address."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ConfigurationError("STELLWERK_MAIL_URL must look like smtp://user:password@host:587.")
    implicit = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if implicit else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        # A password never travels in the clear; only a relay on this machine may do without TLS.
        "EMAIL_USE_TLS": not implicit and parts.hostname not in LOOPBACK,
    }


def sign_on_provider(configuration: Configuration) -> dict[str, Any]:
    """Return allauth's table of providers: none, or the one that the settings name."""
    url = configuration.text("oidc_url").rstrip("/")
    if not url:
        return {}
    parts = urlsplit(url)
    # The answer's signature is not looked at, because it comes straight from the provider, over TLS.
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise ConfigurationError("STELLWERK_OIDC_URL must begin with https://.")
    if not configuration.text("oidc_client_id"):
        raise ConfigurationError(
            "STELLWERK_OIDC_URL needs STELLWERK_OIDC_CLIENT_ID, which the provider gives."
        )
    domains = [domain.strip() for domain in configuration.text("oidc_verified_domains").split(",")]
    app = {
        "provider_id": "oidc",
        "name": configuration.text("oidc_name"),
        "client_id": configuration.text("oidc_client_id"),
        "secret": configuration.text("oidc_client_secret"),
        "settings": {"server_url": url, "verified_email": [domain for domain in domains if domain]},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}


def settings_page() -> str:
    """Return docs/operating/settings.md, so that the page cannot say anything else than the table."""
    rows = "\n".join(
        f"| `{setting.variable}` | {_shown(setting.default)} | {setting.explanation} |"
        for setting in SETTINGS
    )
    return f"{PAGE_INTRODUCTION}\n| variable | default | what it decides |\n|---|---|---|\n{rows}\n"


def settings_text() -> str:
    """Return the same for a terminal, for whoever has the wheel only."""
    blocks = [plain(TERMINAL_INTRODUCTION)]
    for setting in SETTINGS:
        default = _shown(setting.default) or "none"
        told = textwrap.fill(plain(setting.explanation), 100, initial_indent="    ", subsequent_indent="    ")
        blocks.append(f"{setting.variable} ({plain(default)})\n{told}\n")
    return "\n".join(blocks)


def plain(text: str) -> str:
    """Drop what Markdown marks code and links with."""
    return re.sub(r"\[(.+?)\]\(.+?\)", r"\1", text).replace("`", "")


def _shown(default: str | int | bool) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"`{default}`" if default != "" else ""


TERMINAL_INTRODUCTION = """\
Each setting is an environment variable, or a key in one TOML file that `STELLWERK_CONFIG` names. In the file
the keys have no prefix and are in lower case: `secret_key = "..."`. A variable wins over the file. A name
that Stellwerk does not know is refused, so that a misspelt one is noticed.

Outside the demo, `STELLWERK_SECRET_KEY` is required; everything else has a default.
"""
PAGE_INTRODUCTION = f"""# Settings

Generated from `src/stellwerk/site/configuration.py`; `make docs` writes it, a test compares it, and `stellwerk settings`
prints it.

{TERMINAL_INTRODUCTION}"""
