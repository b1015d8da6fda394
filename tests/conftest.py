"""Fixtures that all rooms share: one real PostgreSQL per test run, an empty database per test."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest

from platform_api.supervisor.postgres import EmbeddedPostgres

_numbers = itertools.count(1)

# How fast examples are made and tried says something of the machine, nothing of what is tested.
hypothesis.settings.register_profile("calm", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("calm")

_server = pytest.StashKey[EmbeddedPostgres]()


def _start_server() -> EmbeddedPostgres:
    """A server without durability: a test's data never outlives it."""
    # Sockets have a path limit of 107 bytes, so not below pytest's long temporary directories.
    directory = Path(tempfile.mkdtemp(prefix="amt-"))
    server = EmbeddedPostgres(
        directory,
        options={
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "300",
        },
    )
    server.prepare()
    server.start()
    asyncio.run(server.wait_ready())
    return server


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the process that distributes tests over workers: start the one server all of them share."""
    if _server not in node.config.stash:
        node.config.stash[_server] = _start_server()
    node.workerinput["postgres_directory"] = str(node.config.stash[_server].paths.root)


def pytest_unconfigure(config: pytest.Config) -> None:
    if (server := config.stash.get(_server, None)) is not None:
        server.stop()
        shutil.rmtree(server.paths.root, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> EmbeddedPostgres:
    """The PostgreSQL server of this test run."""
    workerinput = getattr(request.config, "workerinput", None)
    if workerinput is not None:
        return EmbeddedPostgres(Path(workerinput["postgres_directory"]))
    if _server not in request.config.stash:
        request.config.stash[_server] = _start_server()
    return request.config.stash[_server]


async def _admin(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def create_database(postgres: EmbeddedPostgres) -> Iterator[Callable[..., str]]:
    """Makes empty databases (or copies of a template) and drops them after the test; returns their libpq URL."""
    made: list[str] = []

    def create(*, template: str | None = None) -> str:
        name = f"t{os.getpid()}_{next(_numbers)}"
        asyncio.run(_admin(postgres, f'create database "{name}"' + (f' template "{template}"' if template else "")))
        made.append(name)
        return postgres.url(name)

    yield create
    for name in made:
        asyncio.run(_admin(postgres, f'drop database if exists "{name}" with (force)'))


@pytest.fixture
def database_url(create_database: Callable[..., str]) -> str:
    """An empty database of the test's own, as the superuser."""
    return create_database()
