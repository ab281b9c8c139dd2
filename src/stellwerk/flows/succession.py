"""A scheme that is put into force supersedes the version before it."""

from django.utils.translation import gettext as _

from stellwerk.foundation.scheme import Scheme
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.events import Event
from stellwerk.kernel.write.services import transition


def supersede_the_version_before(event: Event) -> None:
    scheme = event.record
    if not isinstance(scheme, Scheme):
        return
    before = type(scheme).objects.filter(status=Scheme.Status.IN_FORCE).exclude(pk=scheme.pk)
    for version in before.order_by("pk"):
        transition(version, "supersede", by=SYSTEM, reason=_("Superseded by %s.") % scheme.reference)
