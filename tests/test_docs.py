"""What the pages of the project refer to is there."""

import re
import runpy
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from stellwerk.site import cli

ROOT = Path(__file__).parent.parent
WORDS = [
    *(command.name for command in cli.COMMANDS),
    *(django.words for django in cli.DJANGO_COMMANDS if django.command),
]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_every_generated_page_says_what_the_code_says() -> None:
    """After a change of a declaration or a setting: `make docs`."""
    generated = runpy.run_path(str(ROOT / "tools" / "write_docs.py"))["pages"]()
    written = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in generated}
    assert written == generated
    assert {path.name for path in (ROOT / "docs" / "types").iterdir()} == {
        Path(name).name for name in generated if name.startswith("types/")
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [
        target
        for target in targets
        if not target.startswith(("http://", "https://")) and not (page.parent / target).exists()
    ]
    assert missing == []


def test_every_command_is_in_the_readme_and_every_command_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = " ".join(line.split("|")[1] for line in readme.splitlines() if line.startswith("| `"))
    named = {word.removeprefix("stellwerk ") for word in re.findall(r"`([^`]+)`", table)}
    existing = {command.name for command in cli.COMMANDS} | {django.words for django in cli.DJANGO_COMMANDS}
    explained_elsewhere = {"manage", "jobs", "describe", "journal", "search"}
    assert named - {"journal verify", "search rebuild"} == existing - explained_elsewhere


@pytest.mark.parametrize("command", WORDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.dispatch([*command.split(), "--help"])
    assert ended.value.code == 0
    assert f"usage: stellwerk {command}" in capsys.readouterr().out


def test_an_unknown_type_is_answered_with_a_sentence() -> None:
    with pytest.raises(CommandError, match="No record type has the prefix 'XYZ'"):
        call_command("describe", "XYZ")
    with pytest.raises(CommandError, match=r"No record type is called 'ticket'; there are .*incident"):
        call_command("describe", "ticket")
