"""Checks paths to one value in a JSON body, as `event.id`; a key that contains a dot is quoted: `["a.b"]`."""

from automio._paths import has_wildcards, steps_of


def check_path(path: str) -> str:
    """Returns the path. Raises ValueError for what would be read as a key that no body has: `a.*`, `$.a`, `/a`."""
    first = steps_of(path)[0]
    if has_wildcards(path):
        raise ValueError(
            f"{path!r} has a wildcard, which finds a list; write the path of one value, such as value.0.id"
        )
    if first.is_plain and (first.name == "$" or first.name.startswith("/")):
        raise ValueError(f"{path!r} is not a path; write keys and list indexes joined by dots, such as event.id")
    return path
