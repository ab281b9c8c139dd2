"""What can be set, told twice from the one table: as a page of the documentation and for a terminal."""

import re
import textwrap
from collections.abc import Mapping

from stellwerk.site.configuration import (
    CONFIG_VARIABLE,
    DEFAULT,
    SETTINGS,
    ConfigurationError,
    Given,
    given,
    read_file,
)

WIDTH = 100


def settings_page() -> str:
    """Return docs/operating/settings.md, so that the page cannot say anything else than the table."""
    rows = "\n".join(
        f"| `{setting.variable}` | {_code(_word(setting.default))} | {setting.kind.allowed} | {setting.explanation} |"
        for setting in SETTINGS
    )
    return f"{PAGE_INTRODUCTION}\n| variable | default | allowed | what it decides |\n|---|---|---|---|\n{rows}\n"


def settings_text(environment: Mapping[str, str]) -> str:
    """Return for a terminal what is in force and where it comes from."""
    path = environment.get(CONFIG_VARIABLE, "")
    content = read_file(path)
    blocks = [_block(given(setting, environment, content, path)) for setting in SETTINGS]
    return "\n".join([_plain(INTRODUCTION), *blocks])


def _block(one: Given) -> str:
    setting = one.setting
    allowed = setting.kind.allowed
    told = f"{_plain(setting.explanation)} Allowed: {allowed}."
    lines = textwrap.fill(told, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"{setting.variable} = {_in_force(one)} ({', '.join(_origin(one))})\n{lines}\n"


def _in_force(one: Given) -> str:
    try:
        value: object = one.read()
    except ConfigurationError:
        value = one.value
    return _word(one.setting.masked(value)) or "none"


def _origin(one: Given) -> list[str]:
    origin = [one.origin]
    if one.origin != DEFAULT:
        origin.append(f"default {_word(one.setting.default) or 'none'}")
    try:
        one.read()
    except ConfigurationError:
        origin.append("refused")
    return origin


def _word(value: object) -> str:
    return str(value) if not isinstance(value, bool) else "yes" if value else "no"


def _code(word: str) -> str:
    return f"`{word}`" if word else ""


def _plain(text: str) -> str:
    """Drop what Markdown marks code and links with."""
    return re.sub(r"\[(.+?)\]\(.+?\)", r"\1", text).replace("`", "")


INTRODUCTION = """\
Each setting is an environment variable, or a key in one TOML file that `STELLWERK_CONFIG` names. In the file
the keys have no prefix and are in lower case: `secret_key = "..."`. A variable wins over the file. A name
that Stellwerk does not know is refused, so that a misspelt one is noticed, and so is a value that is not
allowed: every command then says which it is, and begins nothing.

Outside the demo, `STELLWERK_SECRET_KEY` is required; everything else has a default.
"""
PAGE_INTRODUCTION = f"""# Settings

Generated from `src/stellwerk/site/configuration.py`; `make docs` writes it, a test compares it. `stellwerk settings` prints
it with the values in force and where each comes from: the environment, the file or the default. Secrets are not shown.

{INTRODUCTION}"""
