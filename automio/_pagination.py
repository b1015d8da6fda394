"""Lists of a third-party service that come in pages: what is said about how one page leads to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from automio._decode import as_boolean, as_integer, as_list, as_object, as_text
from automio._integration_models import Integration

Style = Literal["link", "cursor", "page", "offset"]


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """How the lists of a service go on.

    `style` is what leads to the next page: `link` (a URL: the `Link` header's `rel="next"`, or what stands at
    `next`), `cursor` (a value that is sent with the next request: what stands at `next`, or the field `last_item` of
    the last item), `page` (a number that grows by one) or `offset` (the number of items so far).

    Where a value stands in the answer is a path (`data.orders`, `["@odata.nextLink"]`) or `header:<name>`.

    `items`: where the list stands; empty when the answer is the list. `products.*`: the values of an object,
    `edges.*.node`: a part of each, `?`: the one list of the answer, under whatever key.
    `parameter`: the parameter of cursor, page or offset; in a body a path.
    `size_parameter`, `size`: how many items are asked for; a page with fewer after a full one is taken for the last.
    `first`: the number of the first page (1) or item (0).
    `location`: where the parameters go; without it the query, and for POST, PUT and PATCH the JSON body.
    `has_more`, `is_last`: flags that tell whether the list goes on.
    `total`, `total_pages`: how many items or pages there are.
    `omits_empty`: the service leaves out what is empty: the list of a page without items, the cursor, link or flag of
    the last page.
    `empty_is_last`: a page without items is the last one, though there is a link or cursor to another.
    `continue_at`: the endpoint of all pages but the first, which is asked with the cursor alone.
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
        """What the integration's definition says; ValueError when it says nothing."""
        declared = as_object(integration.raw.get("pagination")) if isinstance(integration, Integration) else {}
        return cls.from_declared(declared)

    @classmethod
    def from_declared(cls, declared: Mapping[str, Any]) -> "Pagination":
        """What a definition or a sync declares; ValueError when it names no style."""
        if declared.get("style") not in ("link", "cursor", "page", "offset"):
            raise ValueError("How this service's lists go on is not known; say it with pagination=Pagination(…).")
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
        """Whether the parameters of a request with this method go into its JSON body."""
        if self.location is not None:
            return self.location == "body"
        return method.upper() in ("POST", "PUT", "PATCH")

    @property
    def parameter_name(self) -> str:
        """The parameter of cursor, page or offset: by default the style's own name."""
        return self.parameter or self.style

    @property
    def first_number(self) -> int:
        """The number of the first page or item."""
        if self.first is not None:
            return self.first
        return 1 if self.style == "page" else 0
