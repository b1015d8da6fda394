"""Reads an action's entry: `file.py`, run as a script, or `file.py:function`, called with the event."""

import keyword
import re

from platform_api.core.errors import Unprocessable

_ENTRY = re.compile(r"(?P<path>[A-Za-z0-9_][A-Za-z0-9_./-]*\.py)(?::(?P<function>[A-Za-z_][A-Za-z0-9_]*))?")
_MAX_LENGTH = 250


def entry_path(entry: str) -> str:
    """Returns the path of the file that an entry names; raises Unprocessable when it is no entry."""
    match = _ENTRY.fullmatch(entry) if len(entry) <= _MAX_LENGTH else None
    function = match["function"] if match else None
    if match is None or (function is not None and keyword.iskeyword(function)):
        raise Unprocessable(f"entry: {entry!r} must be `file.py` or `file.py:function` in the app's source tree")
    return match["path"]


def entry_for(slug: str) -> str:
    """Returns the entry for the code of an action that was sent without one."""
    return f"actions/{slug.replace('-', '_')}.py"
