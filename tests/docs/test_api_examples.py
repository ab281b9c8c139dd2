"""What docs/api.md shows beside a record answers as it says there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from stellwerk.api.operation import OPERATIONS
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^    (curl .*?\$API/.*)  # (\d{3})$", PAGE, re.MULTILINE)
BESIDE = ("comments", "attachments", "links", "watchers", "journal")


@pytest.fixture
def names(maria: Person, gus: Person, agent: Person, desk: Team) -> dict[str, str]:
    """What the references of the page are called here: Gus's two tickets, and Arno who watches one."""
    grant(maria, Role.VIEWER, gus.party)
    tickets = [
        create(Incident, {"title": title, "requester": gus, "team": desk}, by=maria)
        for title in ("Mail is down", "Mail is slow")
    ]
    references = (*(ticket.reference for ticket in tickets), agent.reference)
    return dict(zip(("INC-000042", "INC-000043", "PER-000012"), references, strict=True))


def test_every_example_answers_with_the_status_beside_it(maria: Person, names: dict[str, str]) -> None:
    program = Program(maria)
    made = ""
    for command, status in EXAMPLES:
        for example, name in names.items():
            command = command.replace(example, name)
        answer = run(program, re.sub(r"/7\b", f"/{made}", command))
        assert answer.status_code == int(status), (command, answer.content)
        if status == "201" and "id" in answer.json():
            made = answer.json()["id"]


def test_the_examples_cover_everything_that_stands_beside_a_record() -> None:
    shown = {(method_of(command), place_of(command)) for command, _status in EXAMPLES}
    offered = {
        (operation.method, re.sub(r"\{(id|person)\}", "*", operation.path.split("/", 2)[2]))
        for operation in OPERATIONS
        if operation.path.startswith("{type}/{reference}/") and operation.path.split("/")[2] in BESIDE
    }
    assert shown == offered


def run(program: Program, command: str) -> Any:
    """Send what curl would send."""
    words = shlex.split(command)
    path = next(word for word in words if word.startswith("$API/")).removeprefix("$API/")
    form = [words[place + 1] for place, word in enumerate(words) if word == "-F"]
    if form:
        fields = dict(part.split("=", 1) for part in form)
        return program.upload(
            path, **(fields | {"file": SimpleUploadedFile(fields["file"][1:], b"a picture")})
        )
    body = words[words.index("--json") + 1] if "--json" in words else None
    return program.ask(method_of(command), path, body)


def method_of(command: str) -> str:
    if "-X DELETE" in command:
        return "DELETE"
    return "POST" if "--json" in command or "-F" in command else "GET"


def place_of(command: str) -> str:
    found = re.search(r"INC-\d+/(\S+)", command)
    assert found is not None
    return re.sub(r"/(7|me)$", "/*", found[1])
