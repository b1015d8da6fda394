"""Scripts of a runner that is root run as a user of their own, also where Python is in a closed home."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from sandbox_runner.errors import SandboxError
from sandbox_runner.isolation.host import python_installation, reachable_by_others
from sandbox_runner.isolation.policy import PythonInstallation
from sandbox_runner.jails.own_python import is_reachable, reachable_copy
from sandbox_runner.jails.probe import choose_isolation, landlock_abi, open_workshop
from sandbox_runner.settings import IsolationChoice, RunnerSettings
from tests.sandbox_runner.conftest import LiveRunner

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives jails users of their own")
needs_landlock = pytest.mark.skipif(landlock_abi() < 3, reason="the kernel has no Landlock")


@pytest.fixture(scope="module")
def open_state() -> Iterator[Path]:
    """Provides a directory that others can enter; those of pytest are closed."""
    with tempfile.TemporaryDirectory(prefix="automio-state-") as directory:
        Path(directory).chmod(0o755)
        assert reachable_by_others(directory + "/x")
        yield Path(directory) / "runner"


@pytest.fixture(scope="module")
def closed_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonInstallation]:
    """Provides an interpreter in a home that only its owner enters."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    yield reachable_copy(python_installation(), home)
    shutil.rmtree(home, ignore_errors=True)


@needs_root
@needs_landlock
def test_a_script_is_not_root_where_python_is_in_a_closed_home(
    open_state: Path, closed_python: PythonInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_reachable(closed_python)
    monkeypatch.setattr("sandbox_runner.jails.probe.python_installation", lambda: closed_python)
    prefix = str(Path(closed_python.executable).parents[1])
    monkeypatch.setattr("sandbox_runner.jails.own_python.reachable_copy.__kwdefaults__", {"prefix": prefix})
    live = LiveRunner("landlock", open_state)
    live.start()
    try:
        ended = live.execute(
            "import decimal, json, os, sqlite3, ssl, zoneinfo\n"
            "try: outside = os.listdir('/root')\n"
            "except OSError as error: outside = error.errno\n"
            "open('own', 'w').write('x')\n"
            "result = {'users': os.getresuid(), 'groups': os.getresgid(), 'library': os.__file__,\n"
            "          'outside': outside}\n"
        )
    finally:
        live.stop()
    assert ended.status == "completed", ended
    assert live.runner._runs_as_root is False, "which /health would show"
    assert min(*ended.result["users"], *ended.result["groups"]) > 1000, ended
    assert ended.result["library"].startswith(str(open_state)), ended


@needs_root
@needs_landlock
def test_the_copy_is_made_once(
    open_state: Path, closed_python: PythonInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = str(Path(closed_python.executable).parents[1])
    first = reachable_copy(closed_python, open_state, prefix=prefix)
    made = Path(first.executable).stat().st_ino
    assert reachable_copy(closed_python, open_state, prefix=prefix) == first
    assert Path(first.executable).stat().st_ino == made
    assert is_reachable(first) and not list(Path(first.directories[0]).glob("site-packages"))


def test_an_installation_in_several_places_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be copied"):
        reachable_copy(python_installation(), tmp_path, prefix=str(tmp_path))


@needs_root
@needs_landlock
def test_a_state_directory_that_others_cannot_enter_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    async def choose() -> bool:
        workshop = open_workshop(tmp_path / "state", preload=())
        try:
            return (await choose_isolation(workshop, IsolationChoice("landlock"))).runs_as_root
        finally:
            workshop.close()

    with structlog.testing.capture_logs() as logged:
        assert asyncio.run(choose()) is True
    assert "isolation.runs_as_root" in [line["event"] for line in logged]


@needs_root
@pytest.mark.parametrize("live", ["bubblewrap"], indirect=True)
def test_bubblewrap_of_root_needs_no_user_namespace(live: LiveRunner) -> None:
    """A jail that fails to seal itself is replaced by a weaker kind, which runs as root."""
    ended = live.execute("import os\nresult = [os.getuid(), open('/proc/self/uid_map').read().split()]\n")
    user_id, mapping = ended.result
    assert user_id > 1000 and mapping == Path("/proc/self/uid_map").read_text().split(), ended


@needs_root
def test_the_state_directory_of_root_is_one_that_others_can_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "RUNNER_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    settings = RunnerSettings(server="http://127.0.0.1:1", token="x")  # type: ignore[arg-type]
    assert settings.state_directory == Path("/var/cache/automio/runner")
