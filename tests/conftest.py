"""Fixtures that all rooms share: one real PostgreSQL per test run, an empty database per test."""

import asyncio
import gc
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest

from platform_api.supervisor.postgres import EmbeddedPostgres
from tests import kinds, lengths
from tests.server import SharedServer

_numbers = itertools.count(1)

# How fast examples are made and tried says something of the machine, nothing of what is tested.
_calm = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("calm", _calm, max_examples=30)
hypothesis.settings.register_profile("full", _calm, max_examples=100)
hypothesis.settings.load_profile("calm")

_server = pytest.StashKey[SharedServer]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("automio")
    group.addoption("--unit", action="store_true", help="only tests that need no server")
    group.addoption("--full", action="store_true", help="also the long form of checks, see tests/lengths.py")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.full:
        hypothesis.settings.load_profile("full")
        lengths.choose_full()
    if config.option.unit:
        sys.addaudithook(kinds.refuse_servers)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.option.unit and not kinds.has_unit_tests(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # So that no process of a test run ends with one of them.
    items.sort(key=lambda item: item.get_closest_marker("first") is None)
    left_out = {item for item in items if _is_left_out(item, config)}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spares the garbage collector the thousands of tests and what they import: all of it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _is_left_out(item: pytest.Item, config: pytest.Config) -> bool:
    if item.get_closest_marker("full") is not None and not config.option.full:
        return True
    # A property is tried with many examples, and its first takes a look at every module.
    is_property = getattr(getattr(item, "function", None), "is_hypothesis_test", False)
    is_quick = item.get_closest_marker("slow") is None and not is_property
    return bool(config.option.unit) and not (is_quick and not kinds.needs_server(item))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the process that distributes tests over workers: start the one server all of them share."""
    if not node.config.option.unit and _server not in node.config.stash:
        _start_server(node.config)
    if (server := node.config.stash.get(_server, None)) is not None:
        node.workerinput["postgres_directory"] = str(server.postgres.paths.root)


def _start_server(config: pytest.Config) -> None:
    config.stash[_server] = SharedServer()
    config.stash[_server].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (server := config.stash.get(_server, None)) is not None:
        server.stop()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> EmbeddedPostgres:
    """The PostgreSQL server of this test run."""
    workerinput = getattr(request.config, "workerinput", None)
    if workerinput is not None:
        return EmbeddedPostgres(Path(workerinput["postgres_directory"]))
    if _server not in request.config.stash:
        _start_server(request.config)
    return request.config.stash[_server].postgres


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
