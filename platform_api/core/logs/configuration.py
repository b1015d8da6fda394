"""Writes log lines: an event name and fields, with the request id on every line; our own and the libraries' alike."""

import logging
import os
import sys

import structlog

from platform_api.core.logs.redaction import mask_event
from platform_api.core.settings import LogFormat


def configure_logging(*, level: str = "INFO", log_format: LogFormat = LogFormat.CONSOLE) -> None:
    """Sends every log line of this process to stderr in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderers: list[structlog.typing.Processor]
    if log_format is LogFormat.JSON:
        renderers = [structlog.processors.JSONRenderer()]
    else:
        # Plain tracebacks: the decorated ones show local variables, and those hold secrets.
        has_colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        console = structlog.dev.ConsoleRenderer(colors=has_colors, exception_formatter=structlog.dev.plain_traceback)
        renderers = [console]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # A traceback is text before secrets are masked: an error may name the address that it happened at.
                structlog.processors.format_exc_info,
                mask_event,
                *renderers,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # One line of ours instead of one for each migration.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
