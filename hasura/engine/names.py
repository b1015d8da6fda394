"""Makes GraphQL names: which are valid, and how those of types and fields come from tables and columns.

Two conventions exist, as in Hasura: `hasura-default` keeps names as they are and joins with underscores
(`article_bool_exp`, `insert_article_one`), `graphql-default` writes types in PascalCase and fields in camelCase
(`ArticleBoolExp`, `insertArticleOne`). Custom names win over both.
"""

import re
from dataclasses import dataclass, fields
from enum import StrEnum

from hasura.engine.catalog.types import PgType, QualifiedName

_VALID_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*\Z")


class NamingConvention(StrEnum):
    """Lists the values of Hasura's `HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION`."""

    HASURA_DEFAULT = "hasura-default"
    GRAPHQL_DEFAULT = "graphql-default"


def is_graphql_name(name: str) -> bool:
    """Returns whether GraphQL's grammar allows the name."""
    return _VALID_NAME.match(name) is not None


def is_enum_value_name(name: str) -> bool:
    """Returns whether GraphQL's grammar allows the name for an enum value (columns and constraints are some)."""
    return is_graphql_name(name) and name not in ("true", "false", "null")


def has_graphql_name(pg_type: PgType) -> bool:
    """Returns whether a type, or what it is an array or a domain of, can be named in GraphQL."""
    base = pg_type.underlying
    return is_graphql_name(base.name) and (base.element is None or has_graphql_name(base.element))


def split_words(name: str) -> list[str]:
    """Returns the words of a snake_case name, as Hasura splits them: at underscores, empty words dropped."""
    return [word for word in name.split("_") if word]


def camel_case(name: str) -> str:
    """Returns `userId` for `user_id`; what is already camelCase stays."""
    words = split_words(name)
    if not words:
        return name
    return words[0][:1].lower() + words[0][1:] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def pascal_case(name: str) -> str:
    """Returns `UserId` for `user_id`."""
    words = split_words(name)
    return "".join(word[:1].upper() + word[1:] for word in words) or name


def capitalized(name: str) -> str:
    """Returns the name with its first letter in upper case, the rest as it is."""
    return name[:1].upper() + name[1:]


def default_table_name(table: QualifiedName) -> str:
    """Returns the GraphQL name of a table without a custom name: the schema leads unless it is `public`."""
    return table.name if table.schema == "public" else f"{table.schema}_{table.name}"


@dataclass(frozen=True, slots=True)
class RootFieldNames:
    """Holds the names of a table's root fields."""

    select: str
    select_by_pk: str
    select_aggregate: str
    select_stream: str
    insert: str
    insert_one: str
    update: str
    update_by_pk: str
    update_many: str
    delete: str
    delete_by_pk: str

    def query_fields(self) -> tuple[tuple[str, str], ...]:
        """Returns (kind, name) of the fields of `query_root`; kinds are this class's attribute names."""
        return tuple((kind, getattr(self, kind)) for kind in ("select", "select_by_pk", "select_aggregate"))

    def mutation_fields(self) -> tuple[tuple[str, str], ...]:
        """Returns (kind, name) of the fields of `mutation_root`."""
        kinds = [item.name for item in fields(self) if not item.name.startswith("select")]
        return tuple((kind, getattr(self, kind)) for kind in kinds)


def default_root_field_names(base: str, convention: NamingConvention) -> RootFieldNames:
    """Returns the root fields of a table whose GraphQL name is `base` (the custom name, when it has one)."""
    if convention is NamingConvention.GRAPHQL_DEFAULT:
        camel, pascal = camel_case(base), pascal_case(base)
        return RootFieldNames(
            select=camel,
            select_by_pk=f"{camel}ByPk",
            select_aggregate=f"{camel}Aggregate",
            select_stream=f"{camel}Stream",
            insert=f"insert{pascal}",
            insert_one=f"insert{pascal}One",
            update=f"update{pascal}",
            update_by_pk=f"update{pascal}ByPk",
            update_many=f"update{pascal}Many",
            delete=f"delete{pascal}",
            delete_by_pk=f"delete{pascal}ByPk",
        )
    return RootFieldNames(
        select=base,
        select_by_pk=f"{base}_by_pk",
        select_aggregate=f"{base}_aggregate",
        select_stream=f"{base}_stream",
        insert=f"insert_{base}",
        insert_one=f"insert_{base}_one",
        update=f"update_{base}",
        update_by_pk=f"update_{base}_by_pk",
        update_many=f"update_{base}_many",
        delete=f"delete_{base}",
        delete_by_pk=f"delete_{base}_by_pk",
    )
