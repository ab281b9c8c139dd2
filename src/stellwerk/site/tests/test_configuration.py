"""Settings come from the environment or one file, and every fault in them is one clear sentence."""

from pathlib import Path

import pytest

from stellwerk.site.configuration import (
    SETTINGS,
    ConfigurationError,
    parse_database_url,
    parse_mail_url,
    read,
    settings_page,
    settings_text,
)
from stellwerk.site.databases import database
from stellwerk.site.keys import journal_key, secret_key

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
        ("web_threads = true", "STELLWERK_WEB_THREADS must be a whole number"),
        ("url = 5", "STELLWERK_URL must be text"),
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


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"STELLWERK_DATABSE_URL": "x"}, "STELLWERK_DATABSE_URL is set, but Stellwerk does not know it"),
        ({"STELLWERK_MODE": "staging"}, "STELLWERK_MODE must be production or demo, not 'staging'"),
        ({"STELLWERK_DEBUG": "perhaps"}, "STELLWERK_DEBUG must be yes or no, not 'perhaps'"),
    ],
)
def test_a_faulty_variable_is_refused_with_a_sentence(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        read(environment)


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
    with pytest.raises(ConfigurationError, match="STELLWERK_JOURNAL_KEY is too short"):
        journal_key(read({"STELLWERK_JOURNAL_KEY": "short"}), LONG)


def test_a_postgresql_address_is_taken_apart() -> None:
    parsed = parse_database_url("postgres://ada:p%40ss@db.example.org:5433/desk?sslmode=require")
    assert parsed["ENGINE"] == "django.db.backends.postgresql"
    assert (parsed["USER"], parsed["PASSWORD"]) == ("ada", "p@ss")
    assert (parsed["HOST"], parsed["PORT"], parsed["NAME"]) == ("db.example.org", "5433", "desk")
    assert parsed["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["mysql://x/y", "postgres://host", "sqlite://", "postgres"])
def test_another_database_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="STELLWERK_DATABASE_URL must look like"):
        parse_database_url(url)


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
    with pytest.raises(ConfigurationError, match="STELLWERK_MAIL_URL must look like"):
        parse_mail_url("mail.example.org")


def test_the_settings_page_is_the_one_that_the_table_gives() -> None:
    assert (DOCS / "operating" / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_the_settings_are_listed_for_a_terminal_too() -> None:
    text = settings_text()
    assert [setting.variable for setting in SETTINGS if f"\n{setting.variable} (" not in text] == []
    assert "\nSTELLWERK_WEB_THREADS (4)\n    Threads of each web process.\n" in text
    assert "people can sign in there." in " ".join(text.split())
    assert "`" not in text
