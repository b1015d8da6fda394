"""The PostgreSQL server that the tests of one run share."""

import asyncio
import shutil
from pathlib import Path

import asyncpg

from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.memory import quick_directory


class SharedServer:
    """A server without durability: a test's data never outlives it."""

    def __init__(self) -> None:
        self.postgres = EmbeddedPostgres(
            Path(quick_directory()) / "shared",
            options={
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "max_connections": "300",
                # Hashing a password thousands of times is for passwords that people choose.
                "scram_iterations": "1",
            },
        )

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.postgres.prepare()
        self.postgres.start()
        asyncio.run(self._make_ready())

    async def _make_ready(self) -> None:
        await self.postgres.wait_ready()
        connection = await asyncpg.connect(self.postgres.url())
        await connection.execute(f"alter role {self.postgres.superuser} password '{self.postgres.password}'")
        await connection.close()

    def stop(self) -> None:
        """Ends it and removes what it wrote."""
        self.postgres.stop()
        shutil.rmtree(self.postgres.paths.root, ignore_errors=True)
