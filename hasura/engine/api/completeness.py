"""Checks metadata before it is stored: its form, each object once, expressions that can be read again."""

from collections.abc import Callable, Iterable

from hasura.engine.exact_json import Json
from hasura.engine.metadata.parsing import PERMISSION_LISTS, RELATIONSHIP_LISTS
from hasura.engine.metadata.reading import Reader

# Far more than anyone writes, and few enough for every recursive reader of metadata.
MAX_EXPRESSION_LEVELS = 200


def refuse_incomplete(metadata: Reader) -> None:
    """Raises ParseFailed for an invalid version, or for a document that does not say what it holds.

    Replacing metadata by it would drop everything without a word.
    """
    version = metadata.get("version")
    number = 3 if version is None and "sources" in metadata else 1 if version is None else version.integer()
    if number not in (1, 2, 3):
        assert version is not None
        raise version.fail(f"expected 1, 2 or 3, encountered {number}")
    metadata["sources" if number == 3 else "tables"].array()


def refuse_duplicates(what: str, items: Iterable[Reader], name: Callable[[Reader], object]) -> None:
    """Raises ParseFailed when two of a list's elements have one name: all but one would be lost."""
    seen: set[str] = set()
    doubles: dict[str, Reader] = {}
    for item in items:
        text = str(name(item))
        if text in seen:
            doubles.setdefault(text, item)
        seen.add(text)
    if doubles:
        first = next(iter(doubles.values()))
        place = Reader(first.value, *first.path[:-1])
        raise place.fail(f"multiple declarations exist for the following {what}: {', '.join(doubles)}")


def refuse_endless_expressions(permission: Reader) -> None:
    """Raises ParseFailed when an expression of a permission's entry is nested too deeply.

    Only what comes in is looked at: what is stored must be readable at the next start.
    """
    rules = permission["permission"]
    for key in ("filter", "check"):
        if key in rules and _has_more_levels(rules[key].value, MAX_EXPRESSION_LEVELS):
            raise rules[key].fail(f"the expression has more than {MAX_EXPRESSION_LEVELS} levels")


def _has_more_levels(document: Json, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        below: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if not below:
            return False
        level = below
    return True


def refuse_duplicates_of_table(table: Reader) -> None:
    """Raises ParseFailed when two of a table's objects of one kind have one name."""
    both = [item for name in RELATIONSHIP_LISTS if name in table for item in table[name].items()]
    refuse_duplicates("relationships", both, lambda item: item["name"].name())
    if "computed_fields" in table:
        refuse_duplicates("computed fields", table["computed_fields"].items(), lambda item: item["name"].name())
    for list_name in PERMISSION_LISTS:
        if list_name in table:
            roles = table[list_name].items()
            refuse_duplicates(list_name.replace("_", " "), roles, lambda item: item["role"].name())
