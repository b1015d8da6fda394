"""Control groups: the v2 layout on a made-up tree, the real ones where this machine lets us make them."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox_runner.isolation.cgroups import open_cgroups
from tests.sandbox_runner.conftest import LiveRunner


def made_up_v2(root: Path, *, controllers: str = "cpu memory pids", delegated: str = "memory pids") -> Path:
    group = root / "system.slice" / "automio.service"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text(controllers)
    (group / "cgroup.subtree_control").write_text(delegated)
    (group / "cgroup.procs").write_text(f"{os.getpid()}\n")
    return group


def test_v2_limits_are_written_below_our_own_group(tmp_path: Path) -> None:
    group = made_up_v2(tmp_path)
    cgroups = open_cgroups(root=tmp_path, membership="0::/system.slice/automio.service\n")
    assert cgroups is not None and cgroups.limits_processes
    jail = cgroups.create("1-a")
    jail.limit(memory_bytes=1 << 20, processes=7)
    (directory,) = group.glob(f"automio-runner-{os.getpid()}-*/1-a")
    assert (directory / "memory.max").read_text() == str(1 << 20)
    assert (directory / "memory.swap.max").read_text() == "0"
    assert (directory / "pids.max").read_text() == "7"
    (directory / "memory.events").write_text("low 0\nmax 4\noom 1\noom_kill 3\n")
    (directory / "pids.events").write_text("max 9\n")
    (directory / "memory.peak").write_text("4096\n")
    assert (jail.out_of_memory_kills(), jail.refused_processes(), jail.peak_memory()) == (3, 9, 4096)


def test_v2_controllers_are_handed_down_when_they_are_not_yet(tmp_path: Path) -> None:
    group = made_up_v2(tmp_path, delegated="")
    assert open_cgroups(root=tmp_path, membership="0::/system.slice/automio.service\n") is not None
    assert (group / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_v2_without_the_controllers_there_are_no_groups(tmp_path: Path) -> None:
    made_up_v2(tmp_path, controllers="cpu")
    assert open_cgroups(root=tmp_path, membership="0::/system.slice/automio.service\n") is None


def test_without_any_mounted_hierarchy_there_are_no_groups(tmp_path: Path) -> None:
    assert open_cgroups(root=tmp_path, membership="3:memory:/x\n0::/\n") is None


def test_groups_of_dead_runners_are_cleared(tmp_path: Path) -> None:
    group = made_up_v2(tmp_path)
    (group / "automio-runner-4194305-ab" / "1-dead").mkdir(parents=True)
    open_cgroups(root=tmp_path, membership="0::/system.slice/automio.service\n")
    assert not (group / "automio-runner-4194305-ab").exists()


def test_a_real_group_bounds_and_ends_processes(bubblewrap_runner: LiveRunner) -> None:
    cgroups = open_cgroups()
    if cgroups is None:
        pytest.skip("no control group can be made here")
    jail = cgroups.create("test-real")
    jail.limit(memory_bytes=64 << 20, processes=5)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        jail.add(process.pid)
        jail.kill_all()
        assert process.wait(timeout=240) == -9
    assert asyncio.run(_removed(jail))


async def _removed(jail: object) -> bool:
    for _ in range(1500):
        if jail.remove():  # type: ignore[attr-defined]
            return True
        await asyncio.sleep(0.02)
    return False
