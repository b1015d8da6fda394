"""Paths to one value in a JSON body, as `event.id`; a key that holds a dot is quoted: `["a.b"]`."""

from automio._paths import has_wildcards, steps_of


def check_path(path: str) -> str:
    """The path itself. Raises ValueError for what would be read as a key that no body has: `a.*`, `$.a`, `/a`."""
    first = steps_of(path)[0]
    if has_wildcards(path):
        raise ValueError(f"{path!r} has a wildcard, which finds a list; one value is meant, as value.0.id")
    if first.is_plain and (first.name == "$" or first.name.startswith("/")):
        raise ValueError(f"{path!r} is not a path; write keys and list indexes joined by dots, as event.id")
    return path
