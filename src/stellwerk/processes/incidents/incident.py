"""Incidents: something does not work as agreed (PR9)."""

from stellwerk.kernel.declare import _, register
from stellwerk.processes.incidents.ticket import Ticket, TicketType


class Incident(Ticket):
    """An unplanned disruption or degradation of a service."""

    class Meta(Ticket.Meta):
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")


@register
class IncidentType(TicketType[Incident]):
    model = Incident
    prefix = "INC"
    icon = "siren"
