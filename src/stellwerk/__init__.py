"""Stellwerk, the service management system."""

__version__ = "0.1.0"
