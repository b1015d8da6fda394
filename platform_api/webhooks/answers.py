"""Defines answers to senders whose call started a run, where the run's ids as JSON would be wrong for them.

An answer comes from an organization and is sent from the platform's own address, where people are signed in. So its
type is never HTML, and a browser that is led there neither runs nor loads anything (XML may contain XHTML).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_BODILESS = (204, 205)


class Answer(BaseModel):
    """Describes a constant answer, such as Twilio's `<Response/>`; the run is found in the list of runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal[200, 201, 202, 204, 205] = 200
    content_type: Literal["text/plain", "text/xml", "application/xml", "application/json"] | None = Field(
        default=None, description="What `body` is, in UTF-8"
    )
    body: str = Field(default="", max_length=2000, description="Empty: no body")

    @model_validator(mode="after")
    def _check_consistency(self) -> "Answer":
        if bool(self.body) != (self.content_type is not None):
            raise ValueError("give both body and content_type, or neither")
        if self.body and self.status in _BODILESS:
            raise ValueError(f"an answer of {self.status} has no body")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """Returns the headers of the answer."""
        typed = {} if self.content_type is None else {"Content-Type": f"{self.content_type}; charset=utf-8"}
        return {"Content-Security-Policy": "default-src 'none'; sandbox", **typed}
