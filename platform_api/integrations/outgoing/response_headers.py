"""The headers of an upstream's answer as a plain mapping."""

from multidict import CIMultiDictProxy


def combined(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """Each header once, several of one name joined by commas (RFC 9110 §5.3); of cookies, which are no list, one."""
    plain: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in headers.items():
        known = names.setdefault(name.lower(), name)
        if known not in plain:
            plain[known] = value
        elif known.lower() != "set-cookie":
            plain[known] = f"{plain[known]}, {value}"
    return plain
