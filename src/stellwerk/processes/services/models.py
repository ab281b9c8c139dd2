"""Every model of service portfolio management, collected here because Django looks in this module."""

from stellwerk.processes.services.service import Service

__all__ = ["Service"]
