"""The PostgreSQL that the benchmarks run on: an embedded one, with an installation's own options."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from platform_api.supervisor.postgres import EmbeddedPostgres


@contextlib.contextmanager
def empty_database() -> Iterator[str]:
    """The URL of a new server's database; server and data are gone after the block."""
    with tempfile.TemporaryDirectory(prefix="amb-") as directory:
        server = EmbeddedPostgres(Path(directory))
        server.prepare()
        server.start()
        try:
            asyncio.run(server.wait_ready())
            yield server.url()
        finally:
            server.stop()
