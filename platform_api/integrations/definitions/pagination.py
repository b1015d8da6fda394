"""Declares how the lists of a service are paged, for definitions and syncs; the client's `Pagination` has the keys.

A declaration by which no list can be read to its end is rejected when it is saved. Definitions that were stored
before this check are still read (`STORED`).
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationInfo, model_validator

from automio._pagination import Pagination as Walkable
from automio._paths import has_wildcards

STORED = {"is_stored": True}
"""Validation context for definitions that are stored already."""
_PLACES = ("next", "last_item", "has_more", "is_last", "total", "total_pages")
_MAX_LENGTH = 300


class PagingKeys(BaseModel):
    """Declares what leads from one page to the next. A place is a path in the answer, or `header:<name>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameter: str | None = Field(
        default=None, description="Parameter of the cursor, page or offset; in a body the path to it"
    )
    size_parameter: str | None = None
    size: int | None = Field(default=None, description="How many items are asked for")
    next: str | None = Field(default=None, description="Place of the next cursor, or of the next page's URL")
    last_item: str | None = Field(
        default=None, description="Where the next cursor stands in the last item; empty: the item is the cursor"
    )
    first: int | None = Field(default=None, description="Number of the first page (1) or item (0)")
    location: Literal["query", "body"] | None = Field(
        default=None, description="Where parameters go; null: the query, and the JSON body of a POST"
    )
    has_more: str | None = Field(default=None, description="Place of a flag that is true while the list goes on")
    is_last: str | None = Field(default=None, description="Place of a flag that is true on the last page")
    total: str | None = Field(default=None, description="Place of the number of items")
    total_pages: str | None = Field(default=None, description="Place of the number of pages")
    omits_empty: bool = Field(
        default=False, description="The service leaves out an empty list, and the last page's cursor, link or flag"
    )
    empty_is_last: bool = Field(
        default=False, description="A page without items is the last one, though it leads to another"
    )
    continue_at: str | None = Field(
        default=None, description="Endpoint of all pages but the first, asked with the cursor alone"
    )
    end_statuses: tuple[int, ...] = Field(
        default=(), description="Error statuses that answer a request beyond the last page"
    )


class Pagination(PagingKeys):
    """Declares how the lists of an integration are paged."""

    style: Literal["link", "cursor", "page", "offset"]
    items: str = Field(
        default="",
        description="Where the items stand; empty: the answer is the list. `*`: the values of an object, `?`: the"
        " one list there is",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _leads_to_the_end(
        cls, value: Any, read: ModelWrapValidatorHandler["Pagination"], info: ValidationInfo
    ) -> "Pagination":
        pagination = read(value)
        # A `Pagination` that was validated before, perhaps a stored one, is passed on as it is.
        is_new = not isinstance(value, Pagination) and not (info.context or {}).get("is_stored")
        if is_new:
            require_walkable(pagination, pagination.style, pagination.items)
            if pagination.style != "link" and not pagination.parameter:
                raise ValueError(
                    f"style {pagination.style} needs `parameter`, the name under which the service takes the"
                    f" {pagination.style}"
                )
        return pagination


def require_walkable(keys: PagingKeys, style: str, items: str) -> None:
    """Raises ValueError, saying what is missing, when the keys cannot lead to the end of a list."""
    for name in _PLACES:
        _check_place(name, getattr(keys, name))
    _check_place("items", items)
    if keys.location == "body":
        _check_place("parameter", keys.parameter)
    if style == "cursor" and keys.next is None and keys.last_item is None:
        raise ValueError(
            "style cursor needs `next`, where the answer has the next cursor (as meta.cursor or header:X-Next), or"
            " `last_item`, the field of the last item that is the cursor (as id)"
        )
    if keys.next is not None and keys.last_item is not None:
        raise ValueError("the next cursor stands at `next` or in the last item (`last_item`): give one of them")
    if keys.continue_at is not None and (style != "cursor" or not 0 < len(keys.continue_at) <= 500):
        raise ValueError(
            "`continue_at` is the endpoint that takes the cursor alone, as /files/continue: style cursor"
        )
    if keys.size_parameter and keys.size is None:
        raise ValueError("`size_parameter` needs `size`, how many items are asked for")
    if keys.size is not None and not 1 <= keys.size <= 100_000:
        raise ValueError(f"`size` must be a number of items from 1 to 100000, not {keys.size}")
    if keys.first is not None and keys.first < 0:
        raise ValueError(f"`first` must be the number of the first page or item, 0 or higher, not {keys.first}")
    if bad := [status for status in keys.end_statuses if not 400 <= status <= 499]:
        raise ValueError(f"`end_statuses` must be statuses from 400 to 499, not {bad[0]}")
    within = [name for name in _PLACES if name != "last_item" and _is_in_body(getattr(keys, name))]
    if within and not items:
        raise ValueError(
            f"`items` is missing: the answer holds `{within[0]}`, so it is not itself the list. Say where the list"
            " stands (as data.orders), or `?` where it is the one list of the answer, under whatever key"
        )


def walkable(keys: PagingKeys, style: str, items: str) -> Walkable:
    """Returns the keys in the form that the client pages by."""
    declared: dict[str, Any] = {**keys.model_dump(mode="json"), "style": style, "items": items}
    return Walkable.from_declared(declared)


def _is_in_body(place: str | None) -> bool:
    return place is not None and not place.lower().startswith("header:")


def _check_place(name: str, place: str | None) -> None:
    if place is None:
        return
    if len(place) > _MAX_LENGTH:
        raise ValueError(f"`{name}` is longer than {_MAX_LENGTH} characters")
    if not _is_in_body(place):
        if not place.partition(":")[2].strip():
            raise ValueError(f"`{name}`: {place!r} names no header; write header:X-Total-Count")
        return
    if not place and name not in ("items", "last_item"):
        raise ValueError(f"`{name}` is empty; leave it out, or say where it stands")
    try:
        has_many = has_wildcards(place)
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from error
    if has_many and name != "items":
        raise ValueError(
            f"`{name}`: {place!r} leads to many values, and must lead to one; of a list of links write"
            " links[rel=next].href"
        )
