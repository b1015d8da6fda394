"""Reports the failures of a command that starts an installation: a sentence and status 1, never a stack trace."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import click

from platform_api.core.logs.configuration import configure_logging
from platform_api.core.settings import InvalidSettings
from platform_api.supervisor.data_directory import DataDirectoryError
from platform_api.supervisor.listener import ListenError
from platform_api.supervisor.postgres import PostgresError
from platform_api.supervisor.processes.children import ChildError, ChildRefused
from platform_api.supervisor.processes.identity import IdentityError
from platform_api.supervisor.processes.leftovers import LeftoverError

_EXPECTED = (
    ChildError,
    DataDirectoryError,
    IdentityError,
    InvalidSettings,
    LeftoverError,
    ListenError,
    PostgresError,
)


@contextmanager
def reported(*, log_level: str = "INFO") -> Iterator[None]:
    """Turns the failures of a start into the command's error message."""
    configure_logging(level=log_level)
    try:
        yield
    except ChildRefused as error:
        raise SystemExit(1) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = f" ({error.filename})" if error.filename else ""
        raise click.ClickException(f"there is no space left on the disk{place}") from error
    except _EXPECTED as error:
        raise click.ClickException(str(error)) from error
