"""Declares which kind of body a service takes and how an object is encoded in it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from platform_api.integrations.definitions.types import Strict
from platform_api.integrations.outgoing.media_types import FORM, MULTIPART, media_type

_CONTENT_TYPES = {
    "json": "application/json",
    "form": FORM,
    "multipart": MULTIPART,
    "xml": "application/xml",
    "text": "text/plain; charset=utf-8",
}


class BodyFormat(Strict):
    """Declares how `data` is encoded when neither the call nor the definition's headers name a content type.

    `lists`, `objects` and `nulls` apply to forms, both urlencoded and multipart.
    """

    type: Literal["json", "form", "multipart", "xml", "text"] = "json"
    content_type: Annotated[str, Field(max_length=200)] | None = None
    """Replaces the default content type of `type`, e.g. by `application/vnd.api+json`."""
    lists: Literal["repeat", "brackets", "indexed", "comma", "json"] = "repeat"
    """`a=1&a=2`, `a[]=1&a[]=2`, `a[0]=1&a[1]=2`, `a=1,2`, or `a=[1,2]`; objects in a list are always indexed, unless
    the list is one JSON value."""
    objects: Literal["brackets", "dots", "json"] = "brackets"
    """`a[b]=1`, `a.b=1`, or `a={"b":1}`."""
    nulls: Literal["omit", "empty"] = "omit"
    """Whether null, an empty list and an empty object are left out, or sent as `a=`."""

    @model_validator(mode="after")
    def _require_a_fitting_content_type(self) -> "BodyFormat":
        if self.content_type is None:
            return self
        parsed = media_type(self.content_type)
        if parsed is None or not self.content_type.isascii() or not self.content_type.isprintable():
            raise ValueError(f"content_type: {self.content_type!r} must be a content type such as application/json")
        fits = {
            "json": parsed.is_json,
            "form": parsed.is_form,
            "multipart": parsed.is_form_data,
            "xml": parsed.is_xml,
            "text": not (parsed.is_json or parsed.is_form or parsed.is_form_data),
        }
        if not fits[self.type]:
            raise ValueError(f"content_type: {self.content_type!r} does not match the type {self.type!r}")
        return self

    @property
    def default_content_type(self) -> str:
        """Returns the content type of bodies that are sent without one of their own."""
        return self.content_type or _CONTENT_TYPES[self.type]
