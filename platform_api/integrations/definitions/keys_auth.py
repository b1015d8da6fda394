"""Declares authentication by several keys, e.g. a client's id and its secret, each in its own header."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from platform_api.integrations.definitions.types import HeaderValue, Strict, check_header_name


class Key(Strict):
    """Declares a value that a connection holds, and where it is sent."""

    field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    """Its name among the connection's credentials."""
    location: Literal["header", "query", "body"] = "header"
    name: Annotated[str, Field(min_length=1, max_length=50)]
    """Header, parameter or field that carries it."""
    prefix: HeaderValue = ""
    """Precedes it, e.g. `Bearer `."""
    is_secret: bool = True
    """Whether the form hides it while it is typed."""


class KeysAuth(Strict):
    """Declares keys in headers, query parameters and fields of the body; a field may be sent in several places."""

    type: Literal["keys"]
    keys: Annotated[tuple[Key, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _require_places_of_their_own(self) -> "KeysAuth":
        places: set[tuple[str, str]] = set()
        for key in self.keys:
            if key.location == "header":
                check_header_name(key.name)
            place = (key.location, key.name.lower() if key.location == "header" else key.name)
            if place in places:
                raise ValueError(
                    f"two keys are sent as the {key.location} {key.name!r}; each needs a place of its own"
                )
            places.add(place)
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """Returns the names of the values that a connection holds."""
        return tuple(dict.fromkeys(key.field for key in self.keys))
