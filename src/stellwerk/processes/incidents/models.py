"""Every model of incident and service request management, collected here because Django looks in this module."""

from stellwerk.processes.incidents.closure import ClosureScheme
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest

__all__ = ["ClosureScheme", "Incident", "ServiceRequest"]
