"""Which isolation level a runner takes: the strongest that really works, never silently none."""

import asyncio
from pathlib import Path

import pytest

from sandbox_runner.errors import IsolationUnavailable
from sandbox_runner.isolation.policy import IsolationLevel
from sandbox_runner.jails.jail import JailFactory
from sandbox_runner.jails.pool import JailPool
from sandbox_runner.jails.probe import choose_isolation, landlock_abi, open_workshop
from sandbox_runner.settings import IsolationChoice
from tests.sandbox_runner.conftest import LiveRunner


def chosen(state: Path, choice: str) -> IsolationLevel:
    async def choose() -> IsolationLevel:
        workshop = open_workshop(state)
        try:
            return (await choose_isolation(workshop, IsolationChoice(choice))).policy.level
        finally:
            workshop.close()

    return asyncio.run(choose())


@pytest.fixture
def without_bubblewrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_auto_takes_bubblewrap_where_it_works(bubblewrap_runner: LiveRunner, state_directory: Path) -> None:
    assert chosen(state_directory, "auto") is IsolationLevel.BUBBLEWRAP


@pytest.mark.skipif(landlock_abi() < 3, reason="the kernel has no Landlock")
@pytest.mark.usefixtures("without_bubblewrap")
def test_auto_falls_back_to_landlock_without_bubblewrap(state_directory: Path) -> None:
    assert chosen(state_directory, "auto") is IsolationLevel.LANDLOCK


@pytest.mark.usefixtures("without_bubblewrap")
def test_a_level_asked_for_by_name_is_not_exchanged_for_a_weaker_one(state_directory: Path) -> None:
    with pytest.raises(IsolationUnavailable, match="bwrap is not installed"):
        chosen(state_directory, "bubblewrap")


@pytest.mark.usefixtures("without_bubblewrap")
def test_nothing_that_works_is_an_error_and_not_no_isolation(
    state_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox_runner.jails.probe.landlock_abi", lambda: 0)
    with pytest.raises(IsolationUnavailable, match="SANDBOX_ISOLATION=none"):
        chosen(state_directory, "auto")


def test_no_isolation_must_be_asked_for_by_name(state_directory: Path) -> None:
    assert chosen(state_directory, "none") is IsolationLevel.NONE


@pytest.mark.skipif(landlock_abi() < 3, reason="the kernel has no Landlock")
def test_a_jail_that_does_not_hold_is_not_used(state_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that lets everything through is noticed from within the jail."""
    monkeypatch.setattr("sandbox_runner.isolation.seccomp._rules_everywhere", lambda architecture: iter(()))
    monkeypatch.setattr("sandbox_runner.isolation.seccomp._rules_without_namespaces", lambda *_: iter(()))
    with pytest.raises(IsolationUnavailable, match="it can make sockets"):
        chosen(state_directory, "landlock")


def with_factory(state: Path, test: "object") -> None:
    async def run() -> None:
        workshop = open_workshop(state)
        try:
            factory = await choose_isolation(workshop, IsolationChoice.AUTO)
            await test(factory)  # type: ignore[operator]
        finally:
            workshop.close()

    asyncio.run(run())


def test_a_ready_jail_that_died_is_not_given_away(bubblewrap_runner: LiveRunner, state_directory: Path) -> None:
    async def test(factory: JailFactory) -> None:
        pool = JailPool(factory, size=1)
        async with asyncio.timeout(240):
            while pool.ready < 1:  # noqa: ASYNC110  (the pool tells nobody that a jail is ready)
                await asyncio.sleep(0.02)
            dead = pool._ready[0]
            dead.kill()
            await dead.gone()
            taken = await pool.take()
        assert taken is not dead and taken.is_alive
        await taken.destroy()
        await pool.close()

    with_factory(state_directory, test)


def test_cancelling_a_start_leaves_no_jail_behind(bubblewrap_runner: LiveRunner, state_directory: Path) -> None:
    async def test(factory: JailFactory) -> None:
        starting = asyncio.create_task(factory.start())
        await asyncio.sleep(0.01)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert list(factory._directory.glob("*-*")) == []

    with_factory(state_directory, test)
