"""Every way a run ends, with its true cause, and nothing of it left behind."""

import os
import time
from pathlib import Path

import pytest

from tests.sandbox_runner.conftest import Ended, LiveRunner


def processes_of_jails() -> set[int]:
    """Processes of this test process's runs: whatever is below it, ready-made jails excepted."""
    return {int(path.name) for path in Path("/proc").glob("[0-9]*") if _runs_user_code(path)}


def _runs_user_code(process: Path) -> bool:
    try:
        return b"left-behind-marker" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def assert_failed(ended: Ended, cause: str, words: str = "") -> None:
    assert (ended.status, ended.cause) == ("failed", cause), ended
    assert words in ended.error, ended


def test_an_endless_loop_ends_with_the_cpu_limit(live: LiveRunner) -> None:
    ended = live.execute("while True: pass\n", limits={"cpu_seconds": 1, "wall_seconds": 20})
    assert_failed(ended, "cpu_limit", "1 s of processor time")
    assert ended.usage["cpu_ms"] >= 900


def test_sleeping_too_long_ends_with_a_timeout(live: LiveRunner) -> None:
    ended = live.execute("import time\nprint('begun')\ntime.sleep(60)\n", limits={"wall_seconds": 0.5})
    assert_failed(ended, "timeout", "longer than 0.5 s")
    assert ended.stdout == ["begun"]


def test_a_memory_bomb_ends_with_the_memory_limit(live: LiveRunner) -> None:
    ended = live.execute("parts = []\nwhile True: parts.append(bytearray(10_000_000))\n", limits={"memory_mb": 128})
    assert_failed(ended, "memory_limit", "out of memory")
    assert 'File "main.py", line 2' in ended.error


def test_one_giant_allocation_ends_with_the_memory_limit(live: LiveRunner) -> None:
    assert_failed(live.execute("x = bytearray(10 ** 11)\n", limits={"memory_mb": 128}), "memory_limit")


def test_a_memory_bomb_of_many_processes_ends_with_the_memory_limit(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os, time\n"
        "for number in range(6):\n"
        "    if os.fork() == 0:\n"
        "        block = bytearray(os.urandom(1024)) * 60_000\n"
        "        time.sleep(60)\n"
        "for number in range(6):\n"
        "    os.wait()\n",
        limits={"memory_mb": 128, "wall_seconds": 30},
    )
    assert_failed(ended, "memory_limit", "128 MB")


def test_a_caught_memory_error_lets_the_script_go_on(live: LiveRunner) -> None:
    ended = live.execute(
        "try:\n    x = bytearray(10 ** 11)\nexcept MemoryError:\n    result = 'less then'\n",
        limits={"memory_mb": 128},
    )
    assert (ended.status, ended.result) == ("completed", "less then")


def test_a_fork_bomb_ends_with_the_process_limit(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os\nwhile True: os.fork()\n", limits={"processes": 20, "wall_seconds": 20, "cpu_seconds": 10}
    )
    assert_failed(ended, "process_limit")


def test_a_fork_bomb_that_swallows_errors_is_ended_too(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n",
        limits={"processes": 20, "wall_seconds": 3, "cpu_seconds": 60},
    )
    assert_failed(ended, "timeout")
    again = bubblewrap_runner.execute("result = 1\n")
    assert again.status == "completed"


def test_a_thread_bomb_ends_with_the_process_limit(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
        limits={"processes": 20},
    )
    assert_failed(ended, "process_limit")


def test_a_fork_bomb_at_the_landlock_level_gets_no_second_process(landlock_runner: LiveRunner) -> None:
    ended = landlock_runner.execute("import os\nwhile True: os.fork()\n")
    assert_failed(ended, "exception", "PermissionError")


def test_endless_output_ends_with_the_output_limit(live: LiveRunner) -> None:
    ended = live.execute("while True: print('x' * 100)\n", limits={"output_kb": 64})
    assert_failed(ended, "output_limit", "more than 64 KB")
    written = sum(len(line) + 1 for line in ended.stdout)
    assert 32_000 < written <= 64 * 1024


def test_endless_empty_lines_end_with_the_output_limit(live: LiveRunner) -> None:
    ended = live.execute("while True: print()\n", limits={"output_kb": 64})
    assert_failed(ended, "output_limit")
    assert 1_000 < len(ended.stdout) <= 64 * 1024 / 17 + 100


def test_endless_output_of_a_child_process_ends_with_the_output_limit(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: print(1)'])\n",
        limits={"output_kb": 64},
    )
    assert_failed(ended, "output_limit")


def test_a_line_without_end_is_cut_and_counted(live: LiveRunner) -> None:
    ended = live.execute("import os\nos.write(1, b'y' * 40_000)\n")
    assert ended.status == "completed"
    assert [len(line) for line in ended.stdout] == [16_384, 16_384, 7_232]


def test_a_huge_file_is_refused(live: LiveRunner) -> None:
    ended = live.execute(
        "with open('big', 'wb') as file:\n    for number in range(100): file.write(bytes(1_000_000))\n",
        limits={"file_size_mb": 8},
    )
    assert_failed(ended, "exception", "File too large")


def test_many_files_fill_only_the_jails_own_space(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "for number in range(40):\n    open(str(number), 'wb').write(bytes(16_000_000))\n",
        limits={"memory_mb": 2048, "file_size_mb": 32},
    )
    assert_failed(ended, "exception", "No space left on device")


def test_many_files_on_the_hosts_disk_end_the_run(landlock_runner: LiveRunner) -> None:
    ended = landlock_runner.execute(
        "import time\n"
        "for number in range(20):\n    open(str(number), 'wb').write(bytes(16_000_000))\n"
        "time.sleep(10)\n",
        limits={"file_size_mb": 32},
    )
    assert_failed(ended, "killed", "work directory")


_HELD = {
    "deleted": "file = open(f'{number}', 'wb'); os.unlink(file.name)",
    "without a name": "file = open(os.open('.', os.O_TMPFILE | os.O_RDWR), 'wb')",
    "in memory": "file = open(os.memfd_create('x'), 'wb')",
}


@pytest.mark.parametrize("way", _HELD)
def test_deleted_files_that_are_still_open_end_the_run(live: LiveRunner, way: str) -> None:
    if live.level == "bubblewrap" and way != "in memory":
        pytest.skip("the file system of the work directory counts them itself")
    ended = live.execute(
        "import os, time\n"
        "kept = []\n"
        f"for number in range(20):\n    {_HELD[way]}\n"
        "    file.write(bytes(16_000_000)); file.flush(); kept.append(file)\n"
        "time.sleep(20)\n",
        limits={"file_size_mb": 32, "memory_mb": 2048},
    )
    assert_failed(ended, "killed", "work directory")


def test_files_count_once_and_closed_ones_not_at_all(landlock_runner: LiveRunner) -> None:
    ended = landlock_runner.execute(
        "import os, time\n"
        "file = open('one', 'wb'); file.write(bytes(16_000_000)); file.flush()\n"
        "for number in range(40): os.link('one', f'link-{number}')\n"
        "again = [open('one', 'rb') for number in range(40)]\n"
        "for number in range(30):\n"
        "    with open('gone', 'wb') as gone: gone.write(bytes(16_000_000)); os.unlink('gone')\n"
        "held = open(os.memfd_create('x'), 'wb'); held.write(bytes(16_000_000)); held.flush()\n"
        "copies = [os.dup(held.fileno()) for number in range(40)]\n"
        "time.sleep(1)\n"
        "result = 'kept'\n",
        limits={"file_size_mb": 32},
    )
    assert (ended.status, ended.result) == ("completed", "kept"), ended


def test_many_empty_files_on_the_hosts_disk_end_the_run(landlock_runner: LiveRunner) -> None:
    ended = landlock_runner.execute(
        "import os, time\n"
        "for number in range(70_000):\n    os.close(os.open(str(number), os.O_CREAT | os.O_WRONLY))\n"
        "time.sleep(20)\n",
        limits={"cpu_seconds": 30, "wall_seconds": 60},
    )
    assert_failed(ended, "killed", "each file and directory counts as at least 4 KB")


def test_too_large_a_result_is_named(live: LiveRunner) -> None:
    ended = live.execute("result = 'x' * 50_000\n", limits={"result_kb": 16})
    assert_failed(ended, "result_too_large", "the limit is 16,384")


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (11, "SIGSEGV"), (6, "SIGABRT")])
def test_a_process_that_kills_itself_is_reported_with_the_signal(live: LiveRunner, number: int, name: str) -> None:
    ended = live.execute(f"import os\nprint('so far')\nos.kill(os.getpid(), {number})\n")
    assert_failed(ended, "killed", name)
    assert ended.stdout == ["so far"]


def test_leaving_without_the_interpreter(live: LiveRunner) -> None:
    assert_failed(live.execute("import os\nos._exit(3)\n"), "exit", "status 3")
    ended = live.execute("import os\nos._exit(0)\n")
    assert (ended.status, ended.cause) == ("completed", "exit")


def test_children_and_daemons_end_with_the_run(bubblewrap_runner: LiveRunner) -> None:
    before = processes_of_jails()
    ended = bubblewrap_runner.execute(
        "import os, subprocess, sys\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(600)', 'left-behind-marker']\n"
        "subprocess.Popen(sleep)\n"
        "subprocess.Popen(sleep, start_new_session=True)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: os.execv(sys.executable, sleep)\n"
        "    os._exit(0)\n"
        "result = 'away'\n"
    )
    assert (ended.status, ended.result) == ("completed", "away"), ended
    assert processes_of_jails() == before


def test_zombies_do_not_outlive_the_run(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os, time\n"
        "for number in range(10):\n"
        "    if os.fork() == 0: os._exit(0)\n"
        "time.sleep(0.1)\n"
        "result = 'zombies left'\n"
    )
    assert ended.result == "zombies left"
    assert not [path for path in Path("/proc").glob("[0-9]*") if _is_zombie_of_a_jail(path)]


def _is_zombie_of_a_jail(process: Path) -> bool:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return fields[0] == "Z" and process.stat().st_uid > 1_000_000_000
    except OSError:
        return False


def test_a_cancelled_script_may_clean_up_and_ends_as_stopped(live: LiveRunner) -> None:
    run = live.submit(
        "import time\ntry:\n    print('begun')\n    time.sleep(60)\nfinally:\n    print('cleaned up')\n"
    )
    live.wait_for_line(run, "begun")
    run.cancel = True
    live.wait_for_line(run, "cleaned up")
    live.call(_ended(run))
    assert run.finished is not None
    assert (run.finished["status"], run.finished["cause"]) == ("stopped", "cancelled")


def test_a_script_that_swallows_the_cancellation_is_killed(live: LiveRunner) -> None:
    run = live.submit(
        "import time\n"
        "while True:\n"
        "    try:\n"
        "        print('begun'); time.sleep(60)\n"
        "    except BaseException: print('no')\n"
    )
    live.wait_for_line(run, "begun")
    run.cancel = True
    live.call(_ended(run))
    assert run.finished is not None
    assert (run.finished["status"], run.finished["cause"]) == ("stopped", "cancelled")


async def _ended(run: object) -> None:
    await run.ended.wait()  # type: ignore[attr-defined]


def test_jails_leave_neither_directories_nor_groups_behind(live: LiveRunner, state_directory: Path) -> None:
    live.execute("open('note', 'w').write('x')\n")
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        homes = [path for path in state_directory.glob(f"jails-{os.getpid()}-*/*-*") if path.is_dir()]
        groups = list(Path("/sys/fs/cgroup/pids").glob(f"automio-runner-{os.getpid()}-*/*/"))
        # Two levels, each with two ready-made jails.
        if len(homes) <= 4 and len(groups) <= 4:
            return
        time.sleep(0.05)
    raise AssertionError((homes, groups))


def test_a_script_that_terminates_itself_was_not_cancelled(live: LiveRunner) -> None:
    assert_failed(live.execute("import os, time\nos.kill(os.getpid(), 15)\ntime.sleep(5)\n"), "killed", "SIGTERM")
