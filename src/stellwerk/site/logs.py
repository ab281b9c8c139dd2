"""Logging: one JSON object per line for machines, or aligned text for people."""

import logging
from typing import Any

import structlog
from structlog.typing import EventDict

SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def logging_settings(form: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING; loggers of the standard library and of structlog come out alike."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *renderers(form),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "filters": {"refusals": {"()": Refusals}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}
        },
        "root": {"handlers": ["stderr"], "level": level},
        # Django's own handlers would print the same line a second time.
        "loggers": {name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},
    }


class Refusals(logging.Filter):
    """Drop the traceback of a request that was refused as it should be: only faults of ours need one."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = None
        return True


def renderers(form: str) -> list[Any]:
    if form == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [in_one_line, structlog.dev.ConsoleRenderer(colors=False)]


def in_one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Keep what was sent from outside from writing lines and colours of its own; JSON does so by itself."""
    text = str(event["event"])
    event["event"] = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
    return event
