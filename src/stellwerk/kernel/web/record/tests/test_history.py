from django.core.files.base import ContentFile

from stellwerk.kernel.access.person import Person
from stellwerk.kernel.attachments.services import attach
from stellwerk.kernel.comments.services import comment
from stellwerk.kernel.web.record.tests.conftest import SignIn
from stellwerk.processes.incidents.incident import Incident


def test_the_history_names_files_and_does_not_take_a_comment_for_a_link(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    comment(incident, "A word", by=maria)
    attach(incident, ContentFile(b"line"), "server.log", by=maria)
    html = sign_in(maria).get(f"/records/{incident.reference}/history/").content.decode()
    assert '<li>File: <span class="after">server.log</span></li>' in html
    assert "a record that you cannot see" not in html
