"""Starts an embedded PostgreSQL for the benchmarks, with the options of an installation."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from platform_api.supervisor.postgres import EmbeddedPostgres


@contextlib.contextmanager
def empty_database() -> Iterator[str]:
    """Provides the URL of a new server's database; stops the server and deletes its data afterwards."""
    with tempfile.TemporaryDirectory(prefix="amb-") as directory:
        server = EmbeddedPostgres(Path(directory))
        server.prepare()
        server.start()
        try:
            asyncio.run(server.wait_ready())
            yield server.url()
        finally:
            server.stop()
