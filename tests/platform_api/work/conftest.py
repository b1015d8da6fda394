"""A PostgreSQL of the module's own, which a test may stop, and an organization with an app, a table and a sync."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from platform_api.core.database import Database
from platform_api.migrations import migrate
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.platform_api.conftest import make_settings, running_platform
from tests.platform_api.syncs.working import Upstream, open_bench
from tests.platform_api.work.cases import empty


class Server(EmbeddedPostgres):
    """The server, all of whose processes can be stopped."""

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """No statement gets on as long as the block runs, and none fails."""
        stopped: list[int] = []
        try:
            # Again, until none has been born meanwhile.
            while born := [pid for pid in self._pids() if pid not in stopped]:
                for pid in born:
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            yield
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        parent = int((self.paths.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    directory = Path(tempfile.mkdtemp(prefix="amw-"))
    server = Server(directory, options={"fsync": "off", "max_connections": "100"})
    server.prepare()
    server.start()
    asyncio.run(server.wait_ready())
    yield server
    server.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    """The migrated database; the platform that made what is in it has stopped."""

    async def prepare() -> None:
        await migrate(server.url())
        async with running_platform(make_settings(server.url())) as platform:
            bench = await open_bench(platform, Upstream(url="http://127.0.0.1:9"))
            await bench.declared(connection_ids=[bench.connection])

    asyncio.run(prepare())
    return server.url()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """No job is in it."""
    database = Database(url, pool_size=8)
    await empty(database)
    yield database
    await database.close()
