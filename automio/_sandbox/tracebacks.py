"""Formats tracebacks for the author of a script: only their own files and lines, nothing of the harness."""

import traceback

_ERROR_CHARACTERS = 16_000


def describe(error: BaseException, *, bundle: str) -> str:
    """Returns the traceback of `error`, shortened, with frames and relative file names of the bundle only."""
    described = traceback.TracebackException.from_exception(error)
    _keep_frames_of(bundle.rstrip("/") + "/", described, seen=set())
    text = "".join(described.format()).rstrip("\n")
    if len(text) > _ERROR_CHARACTERS:
        half = _ERROR_CHARACTERS // 2
        text = f"{text[:half]}\n  [...]\n{text[-half:]}"
    return text


def is_in_bundle(path: str | None, *, bundle: str) -> bool:
    """Tells whether a file belongs to the user's source tree."""
    return path is not None and path.startswith(bundle.rstrip("/") + "/")


def _keep_frames_of(prefix: str, described: traceback.TracebackException, *, seen: set[int]) -> None:
    if id(described) in seen:
        return
    seen.add(id(described))
    frames = [frame for frame in described.stack if frame.filename.startswith(prefix)]
    for frame in frames:
        frame.filename = frame.filename.removeprefix(prefix)
    described.stack[:] = frames
    if (filename := getattr(described, "filename", None)) is not None:
        described.filename = filename.removeprefix(prefix)
    for related in (described.__cause__, described.__context__, *(described.exceptions or ())):
        if related is not None:
            _keep_frames_of(prefix, related, seen=seen)
