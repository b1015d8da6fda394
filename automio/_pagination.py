"""Describes how a third-party service splits its lists into pages."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from automio._decode import as_boolean, as_integer, as_list, as_object, as_text
from automio._integration_models import Integration

Style = Literal["link", "cursor", "page", "offset"]


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """Describes the way from one page of a service's list to the next.

    `style` is the way to the next page: `link` (a URL: the `Link` header's `rel="next"`, or the value at `next`),
    `cursor` (a value for the next request: the value at `next`, or the field `last_item` of the last item), `page` (a
    number that grows by one) or `offset` (the number of items so far).

    The place of a value in the answer is a path (`data.orders`, `["@odata.nextLink"]`) or `header:<name>`.

    `items`: path of the list; empty when the answer is the list. `products.*`: the values of an object,
    `edges.*.node`: a part of each item, `?`: the only list in the answer, under any key.
    `parameter`: name of the parameter for cursor, page or offset; in a body a path.
    `size_parameter`, `size`: the page size to ask for; a page with fewer items after a full page is the last one.
    `first`: number of the first page (default 1) or item (default 0).
    `location`: where the parameters go; by default the query, or the JSON body for POST, PUT and PATCH.
    `has_more`, `is_last`: flags that tell whether there are more pages.
    `total`, `total_pages`: number of items or pages.
    `omits_empty`: the service leaves out empty values: the list of a page without items, the cursor, link or flag of
    the last page.
    `empty_is_last`: a page without items is the last one, even if it has a link or cursor to another.
    `continue_at`: the endpoint of all pages but the first; it is called with the cursor alone.
    `end_statuses`: error statuses with which the service answers a request beyond the last page.
    """

    style: Style
    items: str = ""
    parameter: str | None = None
    size_parameter: str | None = None
    size: int | None = None
    next: str | None = None
    last_item: str | None = None
    first: int | None = None
    location: Literal["query", "body"] | None = None
    has_more: str | None = None
    is_last: str | None = None
    total: str | None = None
    total_pages: str | None = None
    omits_empty: bool = False
    empty_is_last: bool = False
    continue_at: str | None = None
    end_statuses: tuple[int, ...] = ()

    @classmethod
    def of(cls, integration: Integration | str) -> "Pagination":
        """Returns the pagination of the integration's definition; raises ValueError when it has none."""
        declared = as_object(integration.raw.get("pagination")) if isinstance(integration, Integration) else {}
        return cls.from_declared(declared)

    @classmethod
    def from_declared(cls, declared: Mapping[str, Any]) -> "Pagination":
        """Returns the pagination that a definition or a sync declares; raises ValueError when it has no style."""
        if declared.get("style") not in ("link", "cursor", "page", "offset"):
            raise ValueError(
                "The integration's definition does not say how its lists are paged; pass pagination=Pagination(…)."
            )
        readers = {"size": as_integer, "first": as_integer}
        values: dict[str, Any] = {
            field.name: readers.get(field.name, as_text)(declared.get(field.name)) for field in fields(cls)
        }
        values["items"] = values["items"] or ""
        for name in ("omits_empty", "empty_is_last"):
            values[name] = as_boolean(declared.get(name)) or False
        values["end_statuses"] = tuple(
            status for value in as_list(declared.get("end_statuses")) if (status := as_integer(value)) is not None
        )
        return cls(**values)

    def is_in_body(self, method: str) -> bool:
        """Tells whether the paging parameters of a request with this method go into its JSON body."""
        if self.location is not None:
            return self.location == "body"
        return method.upper() in ("POST", "PUT", "PATCH")

    @property
    def parameter_name(self) -> str:
        """Returns the parameter for cursor, page or offset; by default it is named like the style."""
        return self.parameter or self.style

    @property
    def first_number(self) -> int:
        """Returns the number of the first page or item."""
        if self.first is not None:
            return self.first
        return 1 if self.style == "page" else 0
