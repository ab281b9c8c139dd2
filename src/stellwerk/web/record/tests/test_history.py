from django.core.files.base import ContentFile

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.identity.person import Person
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.record.tests.conftest import SignIn


def test_the_history_names_files_and_does_not_take_a_comment_for_a_link(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    comment(incident, "A word", by=maria)
    attach(incident, ContentFile(b"line"), "server.log", by=maria)
    html = sign_in(maria).get(f"/records/{incident.reference}/history/").content.decode()
    assert '<li>File: <span class="after">server.log</span></li>' in html
    assert "a record that you cannot see" not in html
