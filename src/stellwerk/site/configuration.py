"""Where Stellwerk is told how to run: the one table of settings, read from the environment or one file."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from stellwerk.site import setting_types
from stellwerk.site.setting_types import Kind, Value, optional

PREFIX = "STELLWERK_"
CONFIG_VARIABLE = "STELLWERK_CONFIG"
ADMIN_PASSWORD_VARIABLE = "STELLWERK_ADMIN_PASSWORD"
# Read by a command, a test or a benchmark rather than by the settings.
OTHER_VARIABLES = (CONFIG_VARIABLE, ADMIN_PASSWORD_VARIABLE, "STELLWERK_TEST_", "STELLWERK_BENCH_")
DEFAULT, ENVIRONMENT = "default", "environment"
LANGUAGES = [("en", _("English"))]
HIDDEN = "********"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class ConfigurationError(ImproperlyConfigured):
    """A setting that the operator must put right; the message is one sentence that says how."""


@dataclass(frozen=True)
class Setting:
    """One thing that an operator may decide; what is `secret` is never shown."""

    name: str
    kind: Kind
    default: Value
    explanation: str
    secret: bool = False

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def masked(self, value: object) -> object:
        """Return the value as it may be shown: without secrets, and without passwords in addresses."""
        if self.secret and value:
            return HIDDEN
        if not isinstance(value, str):
            return value
        without = re.sub(r"(//[^:/]*):.*@", r"\1:***@", value)
        return re.sub(r"(password=)[^&]*", r"\1***", without)


@dataclass(frozen=True)
class Given:
    """What a setting was given, fit or not, and the origin: DEFAULT, ENVIRONMENT or "file PATH"."""

    setting: Setting
    value: object
    origin: str

    def read(self) -> Value:
        """Return the value as its kind has it."""
        if self.origin == DEFAULT:
            return self.setting.default
        try:
            return self.setting.kind.read(self.value)
        except ValueError:
            # The cause is left out because it holds the value, which may be a secret.
            raise ConfigurationError(
                f"{self._place} must be {self.setting.kind.allowed}, not {self.setting.masked(self.value)!r}."
            ) from None

    @property
    def _place(self) -> str:
        if self.origin == ENVIRONMENT:
            return self.setting.variable
        return f"{self.setting.name} in the {self.origin}"


SETTINGS = [
    Setting(
        "mode",
        setting_types.one_of("production", "demo", untold=("test",)),
        "production",
        "`demo` is for a try-out with known sign-ins, which must never face a network.",
    ),
    Setting(
        "secret_key",
        optional(setting_types.key()),
        "",
        "Signs sessions and links; different on every installation, never published. "
        'Make one with `python3 -c "import secrets; print(secrets.token_urlsafe(48))"`.',
        secret=True,
    ),
    Setting(
        "journal_key",
        optional(setting_types.key()),
        "",
        "Key of the journal's hash chains. Without it one is derived from the secret key: then changing the "
        "secret key makes every older chain fail. Keep a copy outside the database and outside its backups.",
        secret=True,
    ),
    Setting(
        "url",
        setting_types.site_address(),
        "http://127.0.0.1:8765",
        "The address under which people reach Stellwerk; decides accepted host names, links in mail and "
        "whether cookies travel over https only.",
    ),
    Setting("extra_hosts", optional(setting_types.hosts()), "", "Further host names to answer to."),
    Setting(
        "data_dir",
        setting_types.filled(),
        "var",
        "Folder of what no database server keeps: SQLite file, attachments, collected static files.",
    ),
    Setting(
        "roster_dir",
        optional(setting_types.filled()),
        "",
        "Folder of the [roster of the journals](journal.md); without it, the data folder. Better one that whoever "
        "administers the database cannot write to.",
    ),
    Setting(
        "roster_hours",
        setting_types.number(1, 24),
        1,
        "Hours between two updates of the roster of the journals.",
    ),
    Setting(
        "database_url",
        optional(setting_types.database_address()),
        "",
        "The database; without it, `stellwerk.sqlite3` in the data folder.",
    ),
    Setting(
        "database_connections",
        setting_types.number(1, 1000),
        8,
        "PostgreSQL only: the most connections that one process keeps open.",
    ),
    Setting(
        "listen",
        setting_types.listen_address(),
        "127.0.0.1:8765",
        "Address and port on which the web server listens.",
    ),
    Setting(
        "web_processes",
        setting_types.number(1, 100),
        1,
        "Web processes under `serve` and `web`; on SQLite one is best.",
    ),
    Setting("web_threads", setting_types.number(1, 1000), 4, "Threads of each web process."),
    Setting(
        "proxies",
        setting_types.number(0, 10),
        0,
        "How many reverse proxies stand in front. Above 0, their X-Forwarded-For and X-Forwarded-Proto "
        "are believed; with 0 they are ignored.",
    ),
    Setting(
        "session_idle_minutes",
        setting_types.number(1, 14 * 24 * 60),
        12 * 60,
        "How long somebody stays signed in without doing anything, in minutes. After two weeks everybody signs in anew.",
    ),
    Setting(
        "api_rate",
        setting_types.number(0, 1_000_000),
        600,
        "How many API requests a token may make in a minute, after as many at once; 0 sets no limit.",
    ),
    Setting(
        "language",
        setting_types.one_of(*(code for code, _name in LANGUAGES)),
        "en",
        "Language of those who chose none.",
    ),
    Setting(
        "time_zone",
        setting_types.time_zone(),
        "UTC",
        "Time zone of those who chose none, of the days on which roles and memberships begin and end, and of nightly jobs.",
    ),
    Setting(
        "log_format",
        setting_types.one_of("json", "text"),
        "json",
        "`json` writes one object per line, `text` is for people.",
    ),
    Setting(
        "log_level", setting_types.one_of(*LOG_LEVELS), "INFO", "The least that is worth a line in the log."
    ),
    Setting("upload_limit_mb", setting_types.number(1, 10_000), 25, "The largest attachment, in megabytes."),
    Setting(
        "mail_url",
        optional(setting_types.mail_server()),
        "",
        "The mail server: `smtp` begins with STARTTLS, `smtps` with TLS; without it no mail is sent.",
    ),
    Setting(
        "mail_from", setting_types.sender(), "stellwerk@localhost", "Sender of the mail that Stellwerk sends."
    ),
    Setting(
        "oidc_url",
        optional(setting_types.provider_address()),
        "",
        "Issuer address of an OpenID Connect provider; with it, people can [sign in there](single-sign-on.md).",
    ),
    Setting("oidc_name", setting_types.filled(), "Single sign-on", "What the button for that sign-in says."),
    Setting("oidc_client_id", setting_types.text(), "", "Client id that the provider gave."),
    Setting(
        "oidc_client_secret", setting_types.text(), "", "Client secret that the provider gave.", secret=True
    ),
    Setting(
        "oidc_verified_domains",
        optional(setting_types.hosts()),
        "",
        "Mail domains whose addresses the provider may be believed although it does not say that they are "
        "verified.",
    ),
    Setting(
        "debug",
        setting_types.flag(),
        False,
        "Django's error pages with source and settings; only together with mode `demo`.",
    ),
]


@dataclass(frozen=True)
class Configuration:
    """The values of all settings, as one installation has them."""

    values: Mapping[str, Value]

    def text(self, name: str) -> str:
        return str(self.values[name])

    def number(self, name: str) -> int:
        return int(self.values[name])

    def flag(self, name: str) -> bool:
        return bool(self.values[name])

    def names(self, name: str) -> list[str]:
        return setting_types.names_in(self.text(name))


def read(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return what the environment says, else the file that STELLWERK_CONFIG names, else the defaults."""
    path = environment.get(CONFIG_VARIABLE, "")
    content = read_file(path)
    refuse_unknown_keys(content, path)
    refuse_unknown_variables(environment)
    return Configuration(
        {setting.name: given(setting, environment, content, path).read() for setting in SETTINGS}
    )


def given(
    setting: Setting, environment: Mapping[str, str], content: Mapping[str, object], path: str
) -> Given:
    """Find what the setting was given; `content` is that of the file at path."""
    if setting.variable in environment:
        return Given(setting, environment[setting.variable], ENVIRONMENT)
    if setting.name in content:
        return Given(setting, content[setting.name], f"file {path}")
    return Given(setting, setting.default, DEFAULT)


def read_file(path: str) -> dict[str, Any]:
    """Return what the TOML file at path holds; nothing where no file is named."""
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read ({error.strerror}): mend it or unset {CONFIG_VARIABLE}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The settings file {path} is not valid TOML: {error}.") from None


def refuse_unknown_keys(content: Mapping[str, object], path: str) -> None:
    """Refuse keys of the file that no one reads, for the same reason as such variables."""
    unknown = sorted(set(content) - {setting.name for setting in SETTINGS})
    if unknown:
        raise ConfigurationError(
            f"The settings file {path} sets {', '.join(unknown)}, which Stellwerk does not know: "
            "`stellwerk settings` lists what it knows."
        )


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


def sign_on_provider(configuration: Configuration) -> dict[str, Any]:
    """Return allauth's table of providers: none, or the one that the settings name."""
    url = configuration.text("oidc_url").rstrip("/")
    if not url:
        return {}
    if not configuration.text("oidc_client_id"):
        raise ConfigurationError(
            "STELLWERK_OIDC_URL needs STELLWERK_OIDC_CLIENT_ID, which the provider gives."
        )
    app = {
        "provider_id": "oidc",
        "name": configuration.text("oidc_name"),
        "client_id": configuration.text("oidc_client_id"),
        "secret": configuration.text("oidc_client_secret"),
        "settings": {"server_url": url, "verified_email": configuration.names("oidc_verified_domains")},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
