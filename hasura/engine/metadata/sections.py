"""Parses settings in metadata: the source's `customization`, `api_limits`, who may introspect."""

from collections.abc import Callable, Iterator, Mapping

from hasura.engine.exact_json import JsonObject
from hasura.engine.metadata.reading import Reader
from hasura.engine.metadata.types import SourceCustomization
from hasura.engine.names import NamingConvention, is_graphql_name


def parse_customization(document: Reader | None) -> SourceCustomization:
    """Returns the `customization` of a source."""
    if document is None:
        return SourceCustomization()
    convention = document.optional_text("naming_convention")
    if convention is not None and convention not in set(NamingConvention):
        raise document["naming_convention"].fail('expected "hasura-default" or "graphql-default"')
    root_fields = document.get("root_fields") or Reader({}, *document.path, "root_fields")
    type_names = document.get("type_names") or Reader({}, *document.path, "type_names")
    return SourceCustomization(
        naming_convention=convention,
        root_fields_prefix=_name_part(root_fields, "prefix"),
        root_fields_suffix=_name_part(root_fields, "suffix"),
        root_fields_namespace=_name_part(root_fields, "namespace") or None,
        type_names_prefix=_name_part(type_names, "prefix"),
        type_names_suffix=_name_part(type_names, "suffix"),
    )


def _name_part(document: Reader, key: str) -> str:
    """Returns what customization adds to names, or nothing; a suffix may begin with a digit."""
    text = document.optional_text(key) or ""
    if text and not is_graphql_name(f"_{text}" if key == "suffix" else text):
        raise document[key].fail(f'"{text}" is not a valid GraphQL name')
    return text


# --- api_limits ---------------------------------------------------------------------------------------------------


def parse_api_limits(document: Reader) -> JsonObject:
    """Returns `api_limits` as they stand."""
    for member in limits_of(document):
        parse_limit(member)
    return document.object()


def limits_of(document: Reader) -> Iterator[Reader]:
    """Yields the members of `api_limits` that are not null."""
    return (member for key in document.object() if (member := document.get(key)) is not None)


def parse_limit(member: Reader) -> Reader:
    """Returns one member of `api_limits`: a switch, or a limit for all roles and for some."""
    name = str(member.path[-1])
    if name == "disabled":
        member.boolean()
    elif (parse := _LIMITS.get(name)) is not None:
        if (everybody := member.get("global")) is not None:
            parse(everybody)
        roles = member.get("per_role")
        for role in roles.object() if roles is not None else ():
            parse(member["per_role"][role])
    return member


def _whole(limit: Reader) -> None:
    limit.integer()


def _seconds(limit: Reader) -> None:
    if isinstance(limit.value, bool) or not isinstance(limit.value, int | float):
        raise limit.mismatch("Number", "Number")


def _rate(limit: Reader) -> None:
    limit["max_reqs_per_min"].integer()
    unique = limit.get("unique_params")
    if unique is not None and unique.value != "IP":
        unique.names()


_LIMITS: Mapping[str, Callable[[Reader], None]] = {
    "depth_limit": _whole,
    "node_limit": _whole,
    "batch_limit": _whole,
    "time_limit": _seconds,
    "rate_limit": _rate,
}
SERVED_LIMITS = frozenset({"disabled", *_LIMITS})


def parse_introspection(document: Reader) -> frozenset[str]:
    """Returns the roles that may not introspect, out of `graphql_schema_introspection`."""
    return frozenset(document["disabled_for_roles"].names())
