"""What the commands that keep a log write on the error stream."""

from __future__ import annotations

import sys

import structlog


def set_up_logs(level: int, form: str = "auto") -> None:
    """Event codes in English on the error stream; nothing personal ever reaches a log call. `form`: json,
    console, or auto (console where a person looks)."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False) if console else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
