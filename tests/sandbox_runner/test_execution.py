"""What a script or function of an app does in the sandbox, from claim to recorded end."""

import pytest

from tests.sandbox_runner.conftest import LiveRunner


def test_a_script_ends_with_its_result_and_its_lines_in_order(live: LiveRunner) -> None:
    ended = live.execute(
        "import sys\n"
        "for number in range(50):\n"
        "    print('out', number)\n"
        "    print('err', number, file=sys.stderr)\n"
        "result = {'rows': 3}\n"
    )
    assert (ended.status, ended.cause, ended.result) == ("completed", "returned", {"rows": 3})
    expected = [line for number in range(50) for line in (f"out {number}", f"err {number}")]
    assert ended.run.text.split("\n") == expected
    assert sorted(ended.run.lines) == list(range(1, 101))


def test_a_script_without_result_ends_with_null(live: LiveRunner) -> None:
    ended = live.execute("x = 1")
    assert (ended.status, ended.result) == ("completed", None)


def test_a_function_entry_is_called_with_the_event(live: LiveRunner) -> None:
    files = {
        "jobs/sync.py": "from jobs.helper import twice\ndef run(event):\n    return twice(event['input']['n'])\n",
        "jobs/helper.py": "def twice(n):\n    return 2 * n\n",
    }
    ended = live.execute(files, entry="jobs/sync.py:run", event={"input": {"n": 21}})
    assert (ended.status, ended.result) == ("completed", 42)


def test_a_function_without_parameters_and_an_async_function_are_called(bubblewrap_runner: LiveRunner) -> None:
    script = (
        "import asyncio\ndef plain():\n    return 1\nasync def later():\n    await asyncio.sleep(0)\n    return 2\n"
    )
    assert bubblewrap_runner.execute(script, entry="main.py:plain").result == 1
    assert bubblewrap_runner.execute(script, entry="main.py:later").result == 2


@pytest.mark.parametrize(
    ("entry", "words"), [("gone.py", "gone.py is not in"), ("main.py:gone", "main.py has no function gone")]
)
def test_a_missing_entry_is_named(bubblewrap_runner: LiveRunner, entry: str, words: str) -> None:
    ended = bubblewrap_runner.execute("x = 1", entry=entry)
    assert (ended.status, ended.cause) == ("failed", "exception")
    assert words in ended.error


def test_a_script_runs_as_main(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import sys\nclass Row: pass\n"
        "if __name__ == '__main__':\n"
        "    result = [__name__, Row.__module__, sys.modules['__main__'].Row is Row, len(sys.argv)]\n"
    )
    assert ended.result == ["__main__", "__main__", True, 1]


def test_an_exception_shows_the_users_frames_only(live: LiveRunner) -> None:
    files = {
        "main.py": "import json\nfrom lib.parse import read\nread('{')\n",
        "lib/parse.py": "import json\ndef read(text):\n    return json.loads(text)\n",
    }
    ended = live.execute(files)
    assert (ended.status, ended.cause) == ("failed", "exception")
    assert ended.error.startswith(
        "Traceback (most recent call last):\n"
        '  File "main.py", line 3, in <module>\n'
        "    read('{')\n"
        '  File "lib/parse.py", line 3, in read\n'
    )
    assert "json.decoder.JSONDecodeError: Expecting property name" in ended.error
    assert "automio_sandbox" not in ended.error and "/automio/" not in ended.error
    assert "\n".join(ended.stderr) == ended.error


def test_chained_exceptions_and_groups_keep_their_form(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "def low():\n    raise KeyError('inner')\n"
        "try:\n    low()\nexcept KeyError as error:\n"
        "    raise ExceptionGroup('several', [ValueError('one'), TypeError('two')]) from error\n"
    )
    assert "The above exception was the direct cause" in ended.error
    assert "ValueError: one" in ended.error and "TypeError: two" in ended.error
    assert 'File "main.py", line 2, in low' in ended.error


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"main.py": "x = 1\nif True\n    pass\n"}, 'File "main.py", line 2'),
        ({"main.py": "import other\n", "other.py": "def broken(:\n"}, 'File "other.py", line 1'),
    ],
)
def test_a_syntax_error_names_file_and_line(live: LiveRunner, files: dict[str, str], place: str) -> None:
    ended = live.execute(files)
    assert (ended.status, ended.cause) == ("failed", "syntax_error"), ended
    assert place in ended.error and "SyntaxError" in ended.error


@pytest.mark.parametrize(
    ("statement", "status", "error"),
    [
        ("exit()", "completed", ""),
        ("raise SystemExit(0)", "completed", ""),
        ("import sys; sys.exit(3)", "failed", "the script exited with status 3"),
        ("import sys; sys.exit('no rows')", "failed", "no rows"),
    ],
)
def test_leaving_early(bubblewrap_runner: LiveRunner, statement: str, status: str, error: str) -> None:
    ended = bubblewrap_runner.execute(f"result = 5\n{statement}\nprint('never')\n")
    assert (ended.status, ended.cause, ended.error) == (status, "exit", error)
    assert ended.stdout == []
    assert ended.result == (5 if status == "completed" else None)


def test_values_that_json_has_no_form_for(bubblewrap_runner: LiveRunner) -> None:
    script = (
        "import datetime, decimal, uuid\n"
        "result = {'day': datetime.date(2030, 1, 2), 'amount': decimal.Decimal('1.50'),\n"
        "          'id': uuid.UUID(int=1), 'both': (1, 2)}\n"
    )
    assert bubblewrap_runner.execute(script).result == {
        "day": "2030-01-02",
        "amount": "1.50",
        "id": "00000000-0000-0000-0000-000000000001",
        "both": [1, 2],
    }
    by_chance = bubblewrap_runner.execute("result = object()\n")
    assert (by_chance.status, by_chance.result) == ("completed", None)
    notice = "the value of `result` is not stored: a value of type object has no JSON form"
    assert by_chance.run.stream("system") == [notice]
    returned = bubblewrap_runner.execute("def run():\n    return {1, object}\n", entry="main.py:run")
    assert (returned.status, returned.cause) == ("failed", "exception")
    assert "the returned value cannot be stored" in returned.error


def test_what_the_database_cannot_store_is_replaced(live: LiveRunner) -> None:
    ended = live.execute("print('a\\0b', '\\ud800')\nresult = {'x\\0': 'a\\0b\\ud800'}\n")
    assert ended.stdout == ["a\ufffdb \\ud800"]
    assert ended.result == {"x\ufffd": "a\ufffdb?"}


def test_threads_and_exit_handlers_finish_before_the_run_does(live: LiveRunner) -> None:
    ended = live.execute(
        "import atexit, threading, time\n"
        "atexit.register(print, 'at exit')\n"
        "def later():\n    time.sleep(0.2); print('thread done')\n"
        "threading.Thread(target=later).start()\n"
        "result = 'main done'\n"
    )
    assert ended.result == "main done"
    assert ended.stdout == ["thread done", "at exit"]


def test_a_forked_child_that_falls_through_does_not_end_the_run(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os, time\nif os.fork() == 0:\n    raise ValueError('in the child')\nos.wait()\nresult = 'parent'\n"
    )
    assert (ended.status, ended.result) == ("completed", "parent"), ended
    assert "ValueError: in the child" in ended.stderr


def test_multiprocessing_works(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "from multiprocessing import get_context\n"
        "def square(n):\n    return n * n\n"
        "if __name__ == '__main__':\n"
        "    results = []\n"
        "    for method in ('fork', 'spawn'):\n"
        "        with get_context(method).Pool(2) as pool:\n"
        "            results.append(pool.map(square, range(4)))\n"
        "    result = results\n"
    )
    assert ended.result == [[0, 1, 4, 9], [0, 1, 4, 9]], ended


def test_a_forked_child_dies_of_sigterm_at_any_moment(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os, signal, time\n"
        "def end_of_child():\n"
        "    if (child := os.fork()) == 0:\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "    os.kill(child, signal.SIGTERM)\n"
        "    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "result = sorted({end_of_child() for _ in range(100)})\n"
    )
    assert ended.result == [-15], ended


def test_output_of_child_processes_and_of_plain_descriptors_is_kept(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os, subprocess, sys\n"
        "print('first', flush=True)\n"
        "subprocess.run([sys.executable, '-c', 'import sys; print(1); print(2, file=sys.stderr)'])\n"
        "os.write(2, b'raw\\n')\n"
    )
    assert ended.stdout == ["first", "1"]
    assert ended.stderr == ["2", "raw"]


def test_lines_arrive_while_the_script_runs(live: LiveRunner) -> None:
    run = live.submit("import time\nprint('now')\ntime.sleep(1.5)\nprint('later')\n")
    live.wait_for_line(run, "now")
    assert run.finished is None and "later" not in run.text


def test_a_line_without_newline_is_kept_at_the_end(live: LiveRunner) -> None:
    assert live.execute("print('no newline', end='')\n").stdout == ["no newline"]


def test_many_lines_arrive_complete_and_in_order(live: LiveRunner) -> None:
    ended = live.execute("for n in range(20_000): print(n)\n")
    assert ended.stdout == [str(number) for number in range(20_000)]


def test_each_run_gets_a_jail_of_its_own(live: LiveRunner) -> None:
    script = "import builtins, os\nresult = [hasattr(builtins, 'mark'), os.listdir('.')]\n"
    script += "builtins.mark = 1; open('mark', 'w').close()\n"
    assert [live.execute(script).result for _ in range(3)] == [[False, []]] * 3


def test_a_result_may_hold_integers_of_any_size(bubblewrap_runner: LiveRunner) -> None:
    assert bubblewrap_runner.execute("result = 2 ** 100\n").result == 2**100


def test_temporary_files_and_the_home_directory_can_be_used(live: LiveRunner) -> None:
    ended = live.execute(
        "import os, pathlib, tempfile\n"
        "with tempfile.TemporaryDirectory() as directory:\n"
        "    pathlib.Path(directory, 'x').write_text('kept')\n"
        "    found = pathlib.Path(directory, 'x').read_text()\n"
        "pathlib.Path('~/note').expanduser().write_text('1')\n"
        "result = [found, os.path.exists('note')]\n"
    )
    assert ended.result == ["kept", True], ended


def test_an_exception_in_a_thread_is_shown_and_does_not_fail_the_run(live: LiveRunner) -> None:
    ended = live.execute(
        "import threading\n"
        "def work():\n    raise ValueError('in a thread')\n"
        "thread = threading.Thread(target=work, name='worker')\nthread.start(); thread.join()\nresult = 1\n"
    )
    assert (ended.status, ended.result) == ("completed", 1), ended
    assert ended.stderr[0] == "Exception in thread worker:"
    assert '  File "main.py", line 3, in work' in ended.stderr and ended.stderr[-1] == "ValueError: in a thread"


def test_a_read_that_would_block_is_no_process_limit(live: LiveRunner) -> None:
    ended = live.execute("import os\nread, write = os.pipe()\nos.set_blocking(read, False)\nos.read(read, 1)\n")
    assert (ended.status, ended.cause) == ("failed", "exception"), ended
