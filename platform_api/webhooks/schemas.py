"""Webhooks on the wire (contract §11)."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$", max_length=100, to_lower=True)]
Method = Literal["POST", "GET", "PUT"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]
Secret = Annotated[str, Field(min_length=8, max_length=1000, description="Write-only")]
_ELEMENT = Annotated[str, Field(min_length=1, max_length=50)]


class NoVerification(BaseModel):
    """Who knows the address may call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["none"] = "none"


class SecretVerification(BaseModel):
    """The sender puts a shared secret into a header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["secret"]
    header: HeaderName


class SignatureVerification(BaseModel):
    """The sender signs the body (HMAC) and puts the signature into a header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["hmac"]
    header: HeaderName
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field(default="", max_length=50, description="Before the signature, such as `sha256=`")
    element: _ELEMENT | None = Field(
        default=None, description="The header is a list `t=1,v1=abc`: the element that is the signature"
    )
    timestamp_header: HeaderName | None = Field(default=None, description="Header of the time (Unix seconds)")
    timestamp_element: _ELEMENT | None = Field(
        default=None, description="Or the element of the signature's header that is the time"
    )
    tolerance_seconds: int = Field(default=300, ge=1, le=86_400, description="How old a signed time may be")
    payload: str = Field(
        default="{body}", max_length=200, description="What is signed, of `{body}` and `{timestamp}`"
    )

    @model_validator(mode="after")
    def _fits(self) -> "SignatureVerification":
        has_time = self.timestamp_header is not None or self.timestamp_element is not None
        if self.timestamp_header is not None and self.timestamp_element is not None:
            raise ValueError("the time is in timestamp_header or in timestamp_element, not in both")
        if self.timestamp_element is not None and self.element is None:
            raise ValueError("timestamp_element needs element: the header is then a list of both")
        if self.payload.count("{body}") != 1:
            raise ValueError("payload must hold {body} once")
        if has_time != ("{timestamp}" in self.payload):
            # A time that is not signed proves nothing.
            raise ValueError("payload must hold {timestamp} exactly when a timestamp header or element is given")
        return self


Verification = Annotated[NoVerification | SecretVerification | SignatureVerification, Field(discriminator="kind")]


class Challenge(BaseModel):
    """A question that some services ask of a new address; it is answered without starting a run.

    `query`: a GET whose query parameter `name` is given back as text. `body`: a JSON body with
    `"type": "url_verification"` whose field `name` is given back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    place: Literal["query", "body"]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    token_name: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Query parameter that must hold the secret"
    )


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("methods", check_fields=False)
    @classmethod
    def _distinct(cls, methods: list[str] | None) -> list[str] | None:
        return None if methods is None else list(dict.fromkeys(methods))


class WebhookCreate(_Fields):
    """A new webhook."""

    action: int | Annotated[str, Field(max_length=63)] = Field(description="Id or slug of a `webhook_action`")
    name: Name | None = Field(default=None, description="The action's name when absent")
    is_enabled: bool = True
    methods: list[Method] = Field(default=["POST"], min_length=1)
    verification: Verification = NoVerification()
    secret: Secret | None = None
    challenge: Challenge | None = None
    idempotency_header: HeaderName | None = Field(
        default=None, description="Header with the sender's id of a delivery, such as X-GitHub-Delivery"
    )
    idempotency_hours: int = Field(default=24, ge=1, le=24 * 30, description="How long such ids are known")


class WebhookUpdate(_Fields):
    """Changes of a webhook; what is left out stays."""

    action: int | Annotated[str, Field(max_length=63)] | None = None
    name: Name | None = None
    is_enabled: bool | None = None
    methods: list[Method] | None = Field(default=None, min_length=1)
    verification: Verification | None = None
    secret: Secret | None = None
    challenge: Challenge | None = Field(default=None, description="null removes it")
    idempotency_header: HeaderName | None = Field(default=None, description="null removes it")
    idempotency_hours: int | None = Field(default=None, ge=1, le=24 * 30)


class WebhookRead(BaseModel):
    """A webhook; its secret is not shown."""

    id: int
    app: int
    organization: int = Field(description="For whom its runs work")
    action: int
    name: str
    slug: str
    url: str = Field(description="The address to give to the sender")
    is_enabled: bool
    methods: list[str]
    verification: Verification
    has_secret: bool
    challenge: Challenge | None
    idempotency_header: str | None
    idempotency_hours: int
    user: int = Field(description="Whose rights its runs have: who made or last changed it")
    calls: int
    last_called_at: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookActionRun(BaseModel):
    """The run that a call started."""

    task_id: str
    run_id: int
