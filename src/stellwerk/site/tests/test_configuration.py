"""Settings come from the environment or one file, and every fault in them is one clear sentence."""

from pathlib import Path

import pytest

from stellwerk.site.configuration import SETTINGS, ConfigurationError, read
from stellwerk.site.databases import database
from stellwerk.site.keys import journal_key, secret_key
from stellwerk.site.setting_types import parse_database_url, parse_listen_address, parse_mail_url
from stellwerk.site.settings_list import settings_page, settings_text

LONG = "a key that is long enough for an installation of its own"
DOCS = Path(__file__).parents[4] / "docs"


def test_without_any_settings_the_defaults_hold() -> None:
    configuration = read({})
    assert configuration.text("mode") == "production"
    assert configuration.number("web_threads") == 4
    assert configuration.flag("debug") is False


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "stellwerk.toml"
    file.write_text('url = "https://desk.example.org"\nweb_threads = 8\n', encoding="utf-8")
    configuration = read({"STELLWERK_CONFIG": str(file), "STELLWERK_WEB_THREADS": "2"})
    assert configuration.text("url") == "https://desk.example.org"
    assert configuration.number("web_threads") == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("url = ", "is not valid TOML"),
        ('colour = "red"', "sets colour, which Stellwerk does not know"),
        ("web_threads = true", "must be a whole number from 1 to 1000, not True"),
        ("data_dir = 5", "data_dir in the file .*stellwerk.toml must be a text that is not empty, not 5"),
    ],
)
def test_a_faulty_file_is_refused_with_a_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "stellwerk.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=sentence):
        read({"STELLWERK_CONFIG": str(file)})


def test_a_missing_file_is_refused_with_its_name() -> None:
    with pytest.raises(
        ConfigurationError, match=r"/nowhere/stellwerk.toml cannot be read \(No such file or directory\)"
    ):
        read({"STELLWERK_CONFIG": "/nowhere/stellwerk.toml"})


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="STELLWERK_DATABSE_URL is set, but Stellwerk does not know it"
    ):
        read({"STELLWERK_DATABSE_URL": "x"})


NOT_ALLOWED = [
    ("mode", "staging", "production or demo"),
    ("url", "desk.example.org", "an address such as https://desk.example.org, without a path"),
    (
        "url",
        "https://desk.example.org/stellwerk",
        "an address such as https://desk.example.org, without a path",
    ),
    ("url", "https://desk.example.org:port", "an address such as https://desk.example.org, without a path"),
    ("url", "https://", "an address such as https://desk.example.org, without a path"),
    ("url", "", "an address such as https://desk.example.org, without a path"),
    ("extra_hosts", "https://desk", "host names such as desk.example.org, separated by commas, or empty"),
    ("data_dir", " ", "a text that is not empty"),
    ("database_connections", "0", "a whole number from 1 to 1000"),
    ("listen", "abc", "an address and a port from 1 to 65535, such as 127.0.0.1:8765"),
    ("listen", "127.0.0.1:0", "an address and a port from 1 to 65535, such as 127.0.0.1:8765"),
    ("listen", "127.0.0.1:65536", "an address and a port from 1 to 65535, such as 127.0.0.1:8765"),
    ("web_processes", "0", "a whole number from 1 to 100"),
    ("web_threads", "0", "a whole number from 1 to 1000"),
    ("web_threads", "four", "a whole number from 1 to 1000"),
    ("web_threads", "9" * 5000, "a whole number from 1 to 1000"),
    ("proxies", "-1", "a whole number from 0 to 10"),
    ("api_rate", "-5", "a whole number from 0 to 1000000"),
    ("language", "xx", "en"),
    ("time_zone", "Europe/Nowhere", "the name of a time zone, such as Europe/Berlin"),
    ("time_zone", "Europe", "the name of a time zone, such as Europe/Berlin"),
    ("time_zone", "../etc/passwd", "the name of a time zone, such as Europe/Berlin"),
    ("log_format", "xml", "json or text"),
    ("log_level", "LOUD", "DEBUG, INFO, WARNING or ERROR"),
    ("upload_limit_mb", "-1", "a whole number from 1 to 10000"),
    ("upload_limit_mb", "0", "a whole number from 1 to 10000"),
    (
        "mail_url",
        "mail.example.org",
        "like smtp://user:password@host:587 or smtps://user:password@host:465, or empty",
    ),
    ("mail_from", "nobody", "an address such as desk@example.org"),
    ("oidc_url", "http://id.example.org", "an address that begins with https://, or empty"),
    (
        "oidc_verified_domains",
        "@example.org",
        "host names such as desk.example.org, separated by commas, or empty",
    ),
    ("debug", "perhaps", "yes or no"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), NOT_ALLOWED)
def test_a_value_that_is_not_allowed_is_refused_with_its_variable_and_what_is_allowed(
    name: str, value: str, allowed: str
) -> None:
    variable = f"STELLWERK_{name.upper()}"
    with pytest.raises(ConfigurationError) as refused:
        read({variable: value})
    assert str(refused.value) == f"{variable} must be {allowed}, not {value!r}."


@pytest.mark.parametrize(("name", "value", "allowed"), NOT_ALLOWED)
def test_the_same_value_in_the_file_is_refused_with_its_key(
    tmp_path: Path, name: str, value: str, allowed: str
) -> None:
    file = tmp_path / "stellwerk.toml"
    file.write_text(f"{name} = '{value}'", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read({"STELLWERK_CONFIG": str(file)})
    assert str(refused.value) == f"{name} in the file {file} must be {allowed}, not {value!r}."


@pytest.mark.parametrize(
    ("name", "value", "understood"),
    [
        ("mode", "Demo", "demo"),
        ("log_level", "debug", "DEBUG"),
        ("web_threads", " 1000 ", 1000),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("url", "https://desk.example.org:8443/", "https://desk.example.org:8443/"),
        ("url", "http://[::1]:8765", "http://[::1]:8765"),
        ("listen", "[::1]:8765", "[::1]:8765"),
        ("extra_hosts", "desk.example.org, .example.com", "desk.example.org, .example.com"),
        ("mail_from", "Desk <desk@example.org>", "Desk <desk@example.org>"),
        ("database_url", "", ""),
        ("oidc_url", "http://localhost:9000", "http://localhost:9000"),
    ],
)
def test_a_value_that_is_allowed_is_understood(name: str, value: str, understood: object) -> None:
    assert read({f"STELLWERK_{name.upper()}": value}).values[name] == understood


def test_every_default_is_allowed() -> None:
    assert [
        setting.name for setting in SETTINGS if setting.kind.read(setting.default) != setting.default
    ] == []


def test_names_are_separated_by_commas_with_or_without_a_space() -> None:
    assert read({"STELLWERK_EXTRA_HOSTS": "a.example.org, b.example.org,"}).names("extra_hosts") == [
        "a.example.org",
        "b.example.org",
    ]


def test_the_address_to_listen_on_is_taken_apart() -> None:
    assert parse_listen_address("127.0.0.1:8765") == ("127.0.0.1", 8765)
    assert parse_listen_address("[::1]:80") == ("::1", 80)
    assert parse_listen_address(":80") == ("0.0.0.0", 80)  # noqa: S104  that is what it means


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STELLWERK_SECRET_KEY", "hunter2"),
        ("STELLWERK_JOURNAL_KEY", "hunter2"),
        ("STELLWERK_DATABASE_URL", "mysql://ada:hunter2@db.example.org/desk"),
        ("STELLWERK_DATABASE_URL", "postgres://db.example.org/?user=ada&password=hunter2"),
        ("STELLWERK_MAIL_URL", "imap://ada:hunt/er2@hunter2@mail.example.org"),
    ],
)
def test_a_refusal_does_not_tell_a_secret(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable} must be") as refused:
        read({variable: value})
    assert "hunter2" not in str(refused.value)
    assert "***" in str(refused.value)
    assert refused.value.__suppress_context__ is True


def test_production_does_not_start_without_its_own_secret_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not start without its own secret key"):
        secret_key(read({}), tmp_path)
    with pytest.raises(ConfigurationError, match="at least 50 characters"):
        secret_key(read({"STELLWERK_SECRET_KEY": "secret"}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_demos_have_different_keys_and_each_keeps_its_own(tmp_path: Path) -> None:
    demo = read({"STELLWERK_MODE": "demo"})
    first, second = secret_key(demo, tmp_path / "first"), secret_key(demo, tmp_path / "second")
    assert first != second
    assert secret_key(demo, tmp_path / "first") == first
    assert (tmp_path / "first" / "secret-key").stat().st_mode & 0o777 == 0o600


def test_the_journal_key_is_derived_from_the_secret_key_unless_it_is_set() -> None:
    derived = journal_key(read({}), LONG)
    assert len(derived) == 32
    assert LONG.encode() not in derived
    assert journal_key(read({"STELLWERK_JOURNAL_KEY": LONG + "!"}), LONG) == f"{LONG}!".encode()
    with pytest.raises(
        ConfigurationError, match="STELLWERK_JOURNAL_KEY must be a text of at least 50 characters"
    ):
        journal_key(read({"STELLWERK_JOURNAL_KEY": "short"}), LONG)


def test_a_postgresql_address_is_taken_apart() -> None:
    parsed = parse_database_url("postgres://ada:p%40ss@db.example.org:5433/desk?sslmode=require")
    assert parsed["ENGINE"] == "django.db.backends.postgresql"
    assert (parsed["USER"], parsed["PASSWORD"]) == ("ada", "p@ss")
    assert (parsed["HOST"], parsed["PORT"], parsed["NAME"]) == ("db.example.org", "5433", "desk")
    assert parsed["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "postgres://host", "sqlite://", "postgres", "postgres://host:port/name"]
)
def test_another_database_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="STELLWERK_DATABASE_URL must be like"):
        read({"STELLWERK_DATABASE_URL": url})


def test_sqlite_is_durable_outside_the_demo_and_writers_wait_their_turn(tmp_path: Path) -> None:
    durable = database(read({}), tmp_path)
    assert durable["NAME"] == str(tmp_path / "stellwerk.sqlite3")
    assert durable["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in durable["OPTIONS"]["init_command"]
    demo = database(read({"STELLWERK_MODE": "demo"}), tmp_path)
    assert "synchronous=NORMAL" in demo["OPTIONS"]["init_command"]


def test_a_mail_password_never_travels_in_the_clear() -> None:
    assert parse_mail_url("smtp://ada:secret@mail.example.org")["EMAIL_USE_TLS"] is True
    assert parse_mail_url("smtps://ada:secret@mail.example.org")["EMAIL_USE_SSL"] is True
    assert parse_mail_url("smtp://localhost:25")["EMAIL_USE_TLS"] is False


def test_the_settings_page_is_the_one_that_the_table_gives() -> None:
    assert (DOCS / "operating" / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_the_settings_are_listed_for_a_terminal_with_what_is_in_force_and_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "stellwerk.toml"
    file.write_text('web_threads = 8\nproxies = 1\ndebug = true\nunknown = "x"', encoding="utf-8")
    text = settings_text(
        {"STELLWERK_CONFIG": str(file), "STELLWERK_PROXIES": "2", "STELLWERK_API_RATE": "-5"}
    )
    assert [setting.variable for setting in SETTINGS if f"\n{setting.variable} = " not in text] == []
    lines = text.splitlines()
    assert f"STELLWERK_WEB_THREADS = 8 (file {file}, default 4)" in lines
    assert "    Threads of each web process. Allowed: a whole number from 1 to 1000." in lines
    assert "STELLWERK_PROXIES = 2 (environment, default 0)" in lines
    assert f"STELLWERK_DEBUG = yes (file {file}, default no)" in lines
    assert "STELLWERK_LISTEN = 127.0.0.1:8765 (default)" in lines
    assert "STELLWERK_MAIL_URL = none (default)" in lines
    assert "STELLWERK_API_RATE = -5 (environment, default 600, refused)" in lines
    assert "people can sign in there." in " ".join(text.split())
    assert "`" not in text


def test_the_list_of_settings_shows_no_secret() -> None:
    text = settings_text(
        {
            "STELLWERK_SECRET_KEY": LONG,
            "STELLWERK_JOURNAL_KEY": "hunter2",
            "STELLWERK_OIDC_CLIENT_SECRET": "hunter2",
            "STELLWERK_DATABASE_URL": "postgres://ada:hunter2@db.example.org/desk?sslpassword=hunter2&a=b",
            "STELLWERK_MAIL_URL": "smtp://ada:hunter2@mail.example.org",
        }
    )
    assert LONG not in text
    assert "hunter2" not in text
    assert "STELLWERK_SECRET_KEY = ******** (environment, default none)" in text
    assert "STELLWERK_DATABASE_URL = postgres://ada:***@db.example.org/desk?sslpassword=***&a=b (env" in text
    assert "STELLWERK_MAIL_URL = smtp://ada:***@mail.example.org (environment, default none)" in text
