"""Lists the directives that documents may use."""

from dataclasses import dataclass

from hasura.engine.schema.types import BOOLEAN, INT, InputField, NonNull


@dataclass(frozen=True, slots=True)
class Directive:
    """Describes a directive, where it may stand, and what it takes."""

    name: str
    description: str
    locations: tuple[str, ...]
    arguments: tuple[InputField, ...]


_SELECTIONS = ("FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT")
_CONDITION = (InputField("if", NonNull(BOOLEAN), is_exact=True),)

CACHED = Directive(
    "cached",
    "whether this query should be cached (Hasura Cloud only)",
    ("QUERY",),
    (
        InputField(
            "refresh", NonNull(BOOLEAN), description="refresh the cache entry", default_text="false", is_exact=True
        ),
        InputField("ttl", NonNull(INT), description="measured in seconds", default_text="60", is_exact=True),
    ),
)
INCLUDE = Directive("include", "whether this query should be included", _SELECTIONS, _CONDITION)
SKIP = Directive("skip", "whether this query should be skipped", _SELECTIONS, _CONDITION)
MULTIPLE_FIELDS = Directive(
    "_multiple_top_level_fields", "INTERNAL: allow several root fields in a subscription", ("SUBSCRIPTION",), ()
)

LISTED_DIRECTIVES = (CACHED, INCLUDE, SKIP)
"""What introspection shows."""

DIRECTIVES = {directive.name: directive for directive in (*LISTED_DIRECTIVES, MULTIPLE_FIELDS)}
