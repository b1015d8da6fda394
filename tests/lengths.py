"""How long a check goes on: short in `make test`, at length in `make test-full`.

`pytest --full` chooses the long form before test modules are imported. A case that only the long form has is marked:
`pytest.param(…, marks=pytest.mark.full)`.
"""

_is_full = False


def choose_full() -> None:
    """Makes everything that is imported from now on choose its long form."""
    global _is_full
    _is_full = True


def at_length(short: int, full: int) -> int:
    """Returns how often to repeat something, or how many examples to try."""
    return full if _is_full else short
