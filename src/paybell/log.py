"""One wide line per unit of work, as JSON on standard error; ids always, secrets never."""

import logging
import sys
from typing import BinaryIO

import msgspec
import structlog

_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def configure(level: str = "info", stream: BinaryIO | None = None) -> None:
    """Send lines of ``level`` and above to ``stream`` (standard error by default).

    Control characters are escaped by the JSON encoding, so that a hostile header cannot forge a line.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def _render(_logger: object, _method: str, event: structlog.typing.EventDict) -> bytes:
    return _ENCODER.encode(event)
