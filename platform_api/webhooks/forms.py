"""Parses URL-encoded text: the query of a call, and a form in its body."""

from urllib.parse import parse_qs

from platform_api.core.errors import BadRequest

MAX_PARAMETERS = 200
MAX_FIELDS = 1000


def parse_query(text: str) -> dict[str, list[str]]:
    """Returns each parameter's values. Raises BadRequest when there are too many."""
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise BadRequest(f"the query has more than {MAX_PARAMETERS} parameters") from error


def parse_form(text: str, *, encoding: str = "utf-8") -> dict[str, list[str]]:
    """Returns each field's values. Raises BadRequest when there are too many."""
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding=encoding)
    except ValueError as error:
        raise BadRequest(f"the form has more than {MAX_FIELDS} fields") from error
