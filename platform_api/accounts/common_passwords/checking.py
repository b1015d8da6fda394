"""Refuses passwords that guessing begins with."""

from functools import lru_cache
from importlib.resources import files

_LIST = "passwords.txt"


def refuse_common(password: str) -> str:
    """Returns the password; raises ValueError for one that many people use, in whatever case."""
    if password.casefold() in _common_passwords():
        raise ValueError("is one of the most common passwords, which are guessed first; choose another one")
    return password


@lru_cache(maxsize=1)
def _common_passwords() -> frozenset[str]:
    return frozenset(files(__package__).joinpath(_LIST).read_text().splitlines())
