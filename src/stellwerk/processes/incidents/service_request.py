"""Service requests: a user asks for information, advice, access or something standard (PR9)."""

from stellwerk.kernel.declare import _, register
from stellwerk.processes.incidents.ticket import Ticket, TicketType


class ServiceRequest(Ticket):
    """A user's request for information, advice, access to a service or a pre-approved change."""

    class Meta(Ticket.Meta):
        verbose_name = _("service request")
        verbose_name_plural = _("service requests")


@register
class ServiceRequestType(TicketType[ServiceRequest]):
    model = ServiceRequest
    prefix = "REQ"
    icon = "hand-helping"
