"""Defines GraphQL's own types about types: what `__schema` and `__type` can be asked for."""

from hasura.engine.schema.types import (
    BOOLEAN,
    STRING,
    EnumMember,
    EnumType,
    Field,
    InputField,
    ListOf,
    NonNull,
    ObjectType,
    TypeRef,
)

_KINDS = ("ENUM", "INPUT_OBJECT", "INTERFACE", "LIST", "NON_NULL", "OBJECT", "SCALAR", "UNION")
_LOCATIONS = (
    "ARGUMENT_DEFINITION",
    "ENUM",
    "ENUM_VALUE",
    "FIELD",
    "FIELD_DEFINITION",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "INPUT_FIELD_DEFINITION",
    "INPUT_OBJECT",
    "INTERFACE",
    "MUTATION",
    "OBJECT",
    "QUERY",
    "SCALAR",
    "SCHEMA",
    "SUBSCRIPTION",
    "UNION",
    "VARIABLE_DEFINITION",
)

TYPE_KIND = EnumType("__TypeKind", {name: EnumMember(name) for name in _KINDS})
DIRECTIVE_LOCATION = EnumType("__DirectiveLocation", {name: EnumMember(name) for name in _LOCATIONS})

_INCLUDE_DEPRECATED = InputField(
    "includeDeprecated", BOOLEAN, "includeDeprecated", default_text="false", is_exact=True
)


def _field(name: str, kind: TypeRef, *, has_deprecated: bool = False) -> Field:
    return Field(name, kind, name, {"includeDeprecated": _INCLUDE_DEPRECATED} if has_deprecated else {})


def _many(kind: TypeRef) -> ListOf:
    return ListOf(NonNull(kind))


def _by_name(*fields: Field) -> dict[str, Field]:
    return {field.name: field for field in fields}


_DEPRECATION = (_field("isDeprecated", NonNull(BOOLEAN)), _field("deprecationReason", STRING))

TYPE: ObjectType = ObjectType(
    "__Type",
    lambda: _by_name(
        _field("description", STRING),
        _field("enumValues", _many(ENUM_VALUE), has_deprecated=True),
        _field("fields", _many(FIELD), has_deprecated=True),
        _field("inputFields", _many(INPUT_VALUE), has_deprecated=True),
        _field("interfaces", _many(TYPE)),
        _field("kind", NonNull(TYPE_KIND)),
        _field("name", STRING),
        _field("ofType", TYPE),
        _field("possibleTypes", _many(TYPE)),
        _field("specifiedByURL", STRING),
    ),
)
INPUT_VALUE: ObjectType = ObjectType(
    "__InputValue",
    lambda: _by_name(
        _field("defaultValue", STRING),
        *_DEPRECATION,
        _field("description", STRING),
        _field("name", NonNull(STRING)),
        _field("type", NonNull(TYPE)),
    ),
)
FIELD: ObjectType = ObjectType(
    "__Field",
    lambda: _by_name(
        _field("args", NonNull(_many(INPUT_VALUE)), has_deprecated=True),
        *_DEPRECATION,
        _field("description", STRING),
        _field("name", NonNull(STRING)),
        _field("type", NonNull(TYPE)),
    ),
)
ENUM_VALUE: ObjectType = ObjectType(
    "__EnumValue",
    lambda: _by_name(*_DEPRECATION, _field("description", STRING), _field("name", NonNull(STRING))),
)
DIRECTIVE: ObjectType = ObjectType(
    "__Directive",
    lambda: _by_name(
        _field("args", NonNull(_many(INPUT_VALUE)), has_deprecated=True),
        _field("description", STRING),
        _field("isRepeatable", NonNull(BOOLEAN)),
        _field("locations", NonNull(_many(DIRECTIVE_LOCATION))),
        _field("name", NonNull(STRING)),
    ),
)
SCHEMA: ObjectType = ObjectType(
    "__Schema",
    lambda: _by_name(
        _field("description", STRING),
        _field("directives", NonNull(_many(DIRECTIVE))),
        _field("mutationType", TYPE),
        _field("queryType", NonNull(TYPE)),
        _field("subscriptionType", TYPE),
        _field("types", NonNull(_many(TYPE))),
    ),
)

META_TYPES = (SCHEMA, TYPE, FIELD, INPUT_VALUE, ENUM_VALUE, DIRECTIVE, TYPE_KIND, DIRECTIVE_LOCATION)
