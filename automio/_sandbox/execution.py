"""Executes the entry of a run and reports how it ended."""

import _thread
import asyncio
import atexit
import contextlib
import importlib.util
import inspect
import os
import signal
import sys
import threading
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from .limits import allow_reporting_memory
from .output import flush_output
from .tracebacks import describe, is_in_bundle
from .values import NotJson, to_json

_forking = threading.local()
_THREAD_REFUSED = "can't start new thread"


class RunCancelled(BaseException):
    """Reports that the run was cancelled; raised in the main thread so that `finally` blocks still run."""


class EntryNotFound(Exception):
    """Reports that the action's entry names a file or function that the bundle does not have."""


@dataclass(frozen=True, slots=True)
class End:
    """Describes the end of user code, in the terms of the runner protocol; `result` is JSON text."""

    status: str
    cause: str
    result: str = "null"
    error: str | None = None
    notice: str | None = None

    def message(self) -> dict[str, Any]:
        """Returns the control message that reports this end."""
        return {
            "kind": "end",
            "status": self.status,
            "cause": self.cause,
            "result": self.result,
            "error": self.error,
            "notice": self.notice,
        }


def execute(*, entry: str, event: dict[str, Any], bundle: str, result_bytes: int) -> End:
    """Runs `entry` (a path, or `path:function`) to the end, including its threads and exit handlers."""
    harness = os.getpid()
    signal.signal(signal.SIGTERM, _cancel)
    os.register_at_fork(before=_hold_sigterm, after_in_parent=_release_sigterm, after_in_child=_die_of_sigterm)
    threading.excepthook = lambda ended: _show_thread_error(ended, bundle=bundle)
    path, _, function = entry.partition(":")
    try:
        end = _outcome(lambda: _value(bundle, path, function, event), bundle=bundle, is_script=not function)
        end = _after_threads(end, bundle=bundle)
    except RunCancelled:
        end = End("stopped", "cancelled", error="the run was cancelled")
    if os.getpid() != harness:
        _leave_forked_child(end)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if end.error is not None and end.cause != "cancelled":
        _show(end.error)
    flush_output()
    if len(end.result) > result_bytes:
        return End(
            "failed",
            "result_too_large",
            error=f"the result is {len(end.result):,} bytes of JSON, the limit is {result_bytes:,}",
        )
    return end


def _cancel(number: int, frame: types.FrameType | None) -> NoReturn:
    raise RunCancelled


# A forked child must die of SIGTERM as usual. It does not get the run's cancellation, but process pools end their
# workers with SIGTERM and wait for them. A Python handler only runs between two instructions, so a worker that is
# about to wait for work would never notice; and a signal before the child's first instruction is lost unless the
# kernel holds it back.


def _hold_sigterm() -> None:
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _die_of_sigterm() -> None:
    if signal.getsignal(signal.SIGTERM) is _cancel:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _release_sigterm()


def _show(error: str) -> None:
    """Writes the error to `sys.stderr`, if user code has not removed it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(error + "\n")


def _show_thread_error(ended: threading.ExceptHookArgs, *, bundle: str) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        name = ended.thread.name if ended.thread is not None else "?"
        _show(f"Exception in thread {name}:\n{describe(ended.exc_value, bundle=bundle)}")


def _leave_forked_child(end: End) -> NoReturn:
    """Exits a forked child that ran to the end of user code, so that it does not report for its run."""
    if end.error is not None:
        _show(end.error)
    flush_output()
    os._exit(0 if end.status == "completed" else 1)


def _value(bundle: str, path: str, function: str, event: dict[str, Any]) -> object:
    source = Path(bundle, path)
    if not source.is_file():
        raise EntryNotFound(f"the entry file {path} is not in the app's source tree")
    if not function:
        return _run_script(source)
    return _call(_function(source, path, function), event)


def _run_script(source: Path) -> object:
    code = compile(source.read_bytes(), str(source), "exec", dont_inherit=True)
    module = types.ModuleType("__main__")
    module.__file__ = str(source)
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.argv = [str(source)]
    try:
        exec(code, module.__dict__)  # noqa: S102  (running user code is what the jail is for)
    except SystemExit as exit_request:
        # A script that calls `exit()` after it assigned a result keeps the result.
        if exit_request.code in (None, 0):
            exit_request.args = (exit_request.code, module.__dict__.get("result"))
        raise
    return module.__dict__.get("result")


def _function(source: Path, path: str, name: str) -> Callable[..., object]:
    module_name = path.removesuffix(".py").replace("/", ".")
    spec = importlib.util.spec_from_file_location(module_name, source)
    if spec is None or spec.loader is None:
        raise EntryNotFound(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise EntryNotFound(f"{path} has no function {name}")
    return cast(Callable[..., object], function)


def _call(function: Callable[..., object], event: dict[str, Any]) -> object:
    value = function(event) if _takes_an_argument(function) else function()
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _takes_an_argument(function: Callable[..., object]) -> bool:
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(parameter.kind in positional for parameter in inspect.signature(function).parameters.values())


def _outcome(run: Callable[[], object], *, bundle: str, is_script: bool) -> End:
    try:
        return _returned(run(), is_script=is_script)
    except RunCancelled:
        raise
    except SystemExit as exit_request:
        return _exited(exit_request, is_script=is_script)
    except EntryNotFound as error:
        return End("failed", "exception", error=str(error))
    except MemoryError as error:
        allow_reporting_memory()
        error.__traceback__ = _innermost_first(error)
        return End("failed", "memory_limit", error=f"{describe(error, bundle=bundle)}\nthe run is out of memory")
    except BaseException as error:
        return End("failed", _cause(error, bundle=bundle), error=describe(error, bundle=bundle))


def _innermost_first(error: BaseException) -> types.TracebackType | None:
    """Frees the local variables of all frames, and returns the traceback with its lines for the report."""
    walk = error.__traceback__
    while walk is not None:
        if walk.tb_frame is not sys._getframe():
            # RuntimeError: a frame of the harness that is still executing.
            with contextlib.suppress(RuntimeError):
                walk.tb_frame.clear()
        walk = walk.tb_next
    return error.__traceback__


def _returned(value: object, *, is_script: bool) -> End:
    try:
        return End("completed", "returned", result=to_json(value))
    except NotJson as error:
        if is_script:
            # Any script may have a global of this name: it does not fail if the value is not JSON.
            return End("completed", "returned", notice=f"the value of `result` is not stored: {error}")
        return End("failed", "exception", error=f"the returned value cannot be stored: {error}")


def _exited(request: SystemExit, *, is_script: bool) -> End:
    code = request.args[0] if request.args else None
    if code in (None, 0):
        returned = _returned(request.args[1] if len(request.args) > 1 else None, is_script=is_script)
        return End(returned.status, "exit", result=returned.result, error=returned.error, notice=returned.notice)
    shown = f"the script exited with status {code}" if isinstance(code, int) else str(code)
    return End("failed", "exit", error=shown)


def _cause(error: BaseException, *, bundle: str) -> str:
    if isinstance(error, SyntaxError) and is_in_bundle(error.filename, bundle=bundle):
        return "syntax_error"
    return "process_limit" if _is_out_of_processes(error) else "exception"


def _is_out_of_processes(error: BaseException) -> bool:
    """Tells whether the limit of processes was reached: a non-blocking read raises BlockingIOError, too."""
    if isinstance(error, RuntimeError):
        return _THREAD_REFUSED in str(error)
    if not isinstance(error, BlockingIOError):
        return False
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    starts_processes = ("fork" in (innermost.line or ""), "/subprocess.py" in innermost.filename)
    return any(starts_processes) or not _can_start_a_thread()


def _can_start_a_thread() -> bool:
    try:
        _thread.start_new_thread(int, ())
    except RuntimeError:
        return False
    return True


def _after_threads(end: End, *, bundle: str) -> End:
    """Waits for ordinary threads and runs exit handlers, as the interpreter does at exit."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except RunCancelled:
        raise
    except BaseException as error:
        if end.status == "completed":
            return End("failed", _cause(error, bundle=bundle), error=describe(error, bundle=bundle))
    return end
