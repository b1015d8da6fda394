"""Which tests need no server: `pytest --unit` runs them, and them alone.

A test needs one when it uses a fixture that starts one, however far down, or when it stands in a folder whose tests
start processes themselves. What is wrongly taken for a unit test is refused when it starts a server all the same.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).parent
# Fixtures that start PostgreSQL, Redis, the sandbox or an installation; others use these.
_SERVER_FIXTURES = frozenset({"postgres", "redis_port", "redis_url", "live", "bubblewrap_runner", "landlock_runner"})
# Nothing in here is a unit test, so that nothing in here is even imported.
_NO_UNIT_TESTS = (
    "console",
    "docs",
    "integration",
    "sandbox_runner",
    "hasura/engine/errors",
    "hasura/engine/schema",
    "hasura/engine/serving",
    "hasura/engine/subscriptions",
    "platform_api/accounts",
    "platform_api/actions",
    "platform_api/apps",
    "platform_api/cache",
    "platform_api/files",
    "platform_api/graphql",
    "platform_api/limits",
    "platform_api/notifications",
    "platform_api/ops",
    "platform_api/outbox",
    "platform_api/runs",
    "platform_api/supervisor",
    "platform_api/syncs",
    "platform_api/test_tenancy.py",
    "platform_api/web",
    "platform_api/work/test_every_queue.py",
)
_SERVERS = frozenset({"postgres", "initdb", "redis-server", "bwrap", "pip", "npm"})


@cache
def has_unit_tests(path: Path) -> bool:
    """Returns whether to look for unit tests in this file or folder."""
    return not any(path.is_relative_to(_TESTS / name) for name in _NO_UNIT_TESTS)


def needs_server(item: pytest.Item) -> bool:
    """Returns whether a test needs more than Python."""
    fixtures = getattr(item, "fixturenames", ())
    return not _SERVER_FIXTURES.isdisjoint(fixtures) or not has_unit_tests(item.path)


def refuse_servers(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises RuntimeError when a server is started. An audit hook."""
    if event != "subprocess.Popen":
        return
    program = Path(os.fsdecode(arguments[0])).name
    if program in _SERVERS:
        raise RuntimeError(f"a unit test starts {program}: use a fixture named in tests/kinds.py, or add its folder")
