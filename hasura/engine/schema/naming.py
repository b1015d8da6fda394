"""Names types, fields, arguments and enum values under the two conventions."""

from dataclasses import dataclass

from hasura.engine.metadata.types import SourceCustomization
from hasura.engine.names import NamingConvention, camel_case, capitalized, pascal_case


@dataclass(frozen=True, slots=True)
class Naming:
    """Makes names for one convention and source customization."""

    convention: NamingConvention
    customization: SourceCustomization

    @property
    def is_graphql_default(self) -> bool:
        """Returns whether names are in camelCase and PascalCase."""
        return self.convention is NamingConvention.GRAPHQL_DEFAULT

    def type(self, base: str, suffix: str = "", *, suffix_is_name: bool = False) -> str:
        """Returns `article_bool_exp` or `ArticleBoolExp` for `type("article", "bool_exp")`."""
        return self.customized_type(self.plain_type(base, suffix))

    def plain_type(self, base: str, suffix: str = "") -> str:
        """Returns the name without the source's prefix and suffix, which Hasura gives to most types, not to all."""
        if self.is_graphql_default:
            return pascal_case(base) + (pascal_case(suffix) if suffix else "")
        return f"{base}_{suffix}" if suffix else base

    def customized_type(self, name: str) -> str:
        """Returns a type's name with the prefix and suffix of the source."""
        parts = (self.customization.type_names_prefix, name, self.customization.type_names_suffix)
        return "".join(capitalized(part) if self.is_graphql_default else part for part in parts)

    def aggregate_predicate(self, base: str, function: str) -> str:
        """Returns `article_aggregate_bool_exp_bool_and` or `articleAggregateBoolExpBool_and`, as Hasura does."""
        if not self.is_graphql_default:
            return f"{base}_aggregate_bool_exp_{function}"
        return f"{camel_case(base)}AggregateBoolExp{capitalized(function)}"

    def extended(self, name: str, suffix: str) -> str:
        """Returns a name made here with more words behind it."""
        return name + pascal_case(suffix) if self.is_graphql_default else f"{name}_{suffix}"

    def select_column_of(self, base: str, purpose: str) -> str:
        """Returns `article_select_column_<purpose>`: some of a table's columns."""
        if not self.is_graphql_default:
            return f"{base}_select_column_{purpose}"
        return f"{pascal_case(base)}SelectColumn{capitalized(purpose)}"

    def shared_type(self, scalar: str, suffix: str) -> str:
        """Returns `Int_comparison_exp` or `IntComparisonExp`."""
        return self.type(scalar, suffix)

    def field(self, name: str) -> str:
        """Returns fields and arguments the engine adds: `order_by` or `orderBy`, `_is_null` or `_isNull`."""
        if not self.is_graphql_default:
            return name
        return f"_{camel_case(name[1:])}" if name.startswith("_") else camel_case(name)

    def suffixed(self, name: str, suffix: str) -> str:
        """Returns `articles_aggregate` or `articlesAggregate`; the relationship's own name stays as it is."""
        return self.field(f"{name}_{suffix}")

    def enum_value(self, name: str) -> str:
        """Returns `asc_nulls_first` or `ASC_NULLS_FIRST`."""
        return name.upper() if self.is_graphql_default else name
