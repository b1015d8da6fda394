"""The ways in which a sender proves who they are, as they are declared and stored."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from automio._paths import has_wildcards, steps_of
from platform_api.syncs.paths import Path
from platform_api.webhooks.encodings import Encoding, decode_text
from platform_api.webhooks.signed_text import check_template, placeholders

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$", max_length=100, to_lower=True)]
Word = Annotated[str, Field(min_length=1, max_length=100)]
STORED = {"stored": True}
"""Context of validation for what is stored already: rules that came later do not make it unreadable."""
_ED25519_KEY_BYTES = 32


def _one_value(path: str, info: ValidationInfo) -> str:
    """Refuses what would be read as a key that no body has: a wildcard, and paths as others write them."""
    if info.context == STORED:
        return path
    first = steps_of(path)[0]
    if has_wildcards(path):
        raise ValueError(f"{path!r} has a wildcard, which finds a list; one value is meant, as value.0.id")
    if first.is_plain and (first.name == "$" or first.name.startswith("/")):
        raise ValueError(f"{path!r} is not a path; write keys and list indexes joined by dots, as event.id")
    return path


JsonPath = Annotated[Path, Field(min_length=1), AfterValidator(_one_value)]
"""Where a value stands in a JSON body, as `event.id`; a key that holds a dot is quoted: `["a.b"]`."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoVerification(_Strict):
    """Who knows the address may call it."""

    kind: Literal["none"] = "none"


class SecretVerification(_Strict):
    """The sender sends a shared secret: in a header, in the query, or at a path in the JSON body."""

    kind: Literal["secret"]
    header: HeaderName | None = None
    query: Word | None = Field(default=None, description="Query parameter that holds the secret")
    path: JsonPath | None = Field(default=None, description="Where it stands in the body")
    prefix: str = Field(default="", max_length=50, description="Before the secret, such as `Bearer `")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(place is not None for place in (self.header, self.query, self.path)) != 1:
            raise ValueError("say where the secret is sent: give one of header, query and path")
        return self


class BasicVerification(_Strict):
    """The sender signs in with HTTP's Basic scheme; the password is the secret."""

    kind: Literal["basic"]
    username: Annotated[str, Field(max_length=200, pattern=r"^[^:\x00-\x1f]*$")]


class _Signed(_Strict):
    """What HMAC and Ed25519 signatures have in common: where they stand, and what is signed."""

    header: HeaderName
    encoding: Encoding = "hex"
    prefix: str = Field(default="", max_length=50, description="Before the signature, such as `sha256=`")
    element: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(
        default=None,
        description="The header is a list `t=1,v1=abc`: the element that is the signature; it may repeat",
    )
    separator: Literal[",", ";", " "] = Field(default=",", description="Between the list's elements")
    timestamp_header: HeaderName | None = Field(default=None, description="Header of the signed time")
    timestamp_element: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(
        default=None, description="Or the element of the signature's header that is the time"
    )
    timestamp_format: Literal["seconds", "milliseconds", "iso8601"] = Field(
        default="seconds", description="Unix time, or a date and time"
    )
    tolerance_seconds: int = Field(default=300, ge=1, le=86_400, description="How old a signed time may be")
    id_header: HeaderName | None = Field(default=None, description="Header that `{id}` stands for")
    payload: str = Field(default="{body}", max_length=300, description="What is signed, written with placeholders")
    url: Annotated[str, Field(max_length=1000, pattern=r"^https?://[^\s?#]+$")] | None = Field(
        default=None, description="The address that the sender signs, where it is not the webhook's `url`"
    )
    body_hash_query: Word | None = Field(
        default=None,
        description="With `{form}`: the query parameter with the SHA-256 of a body that is no form",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        made = handler(value)
        if info.context != STORED and not isinstance(value, cls):
            made._fits()
        return made

    def _fits(self) -> None:
        check_template(self.payload)
        names = placeholders(self.payload)
        has_time = self.timestamp_header is not None or self.timestamp_element is not None
        if self.timestamp_header is not None and self.timestamp_element is not None:
            raise ValueError("the time is in timestamp_header or in timestamp_element, not in both")
        if self.timestamp_element is not None and self.element is None:
            raise ValueError("timestamp_element needs element: the header is then a list of both")
        if has_time != ("timestamp" in names):
            # A time that is not signed proves nothing.
            raise ValueError("payload must hold {timestamp} exactly when a timestamp header or element is given")
        if (self.id_header is not None) != ("id" in names):
            raise ValueError("payload must hold {id} exactly when id_header says which header that is")
        if self.body_hash_query is not None and ("form" not in names or not {"url", "query"} & set(names)):
            raise ValueError("body_hash_query needs a payload of {form} and of the signed {url} or {query}")
        if f"header:{self.header}" in (name.lower() for name in names):
            raise ValueError(f"payload holds the header {self.header}, which is the signature itself")
        if self.url is not None and "url" not in names:
            raise ValueError("url is what {url} stands for; the payload holds none")


class SignatureVerification(_Signed):
    """The sender signs with a shared secret (HMAC) and puts the signature into a header."""

    kind: Literal["hmac"]
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    secret_encoding: Literal["text", "hex", "base64"] = Field(
        default="text", description="What the secret's text stands for"
    )


def _ed25519_key(text: str) -> bytes:
    for encoding in ("hex", "base64"):
        try:
            key = decode_text(text, encoding)
        except ValueError:
            continue
        if len(key) == _ED25519_KEY_BYTES:
            return key
    raise ValueError("an Ed25519 public key is 32 bytes, in hexadecimal (64 digits) or base64")


class Ed25519Verification(_Signed):
    """The sender signs with a private key (Ed25519); the public keys are stored here, the newest first."""

    kind: Literal["ed25519"]
    public_keys: Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=5)]

    @field_validator("public_keys")
    @classmethod
    def _are_keys(cls, values: list[str]) -> list[str]:
        for value in values:
            _ed25519_key(value)
        return values

    @property
    def keys(self) -> list[bytes]:
        return [_ed25519_key(value) for value in self.public_keys]


class StandardVerification(_Strict):
    """Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    Secrets are `whsec_` and base64 (signatures `v1`), public keys `whpk_` and base64 (`v1a`, Ed25519).
    Source: https://www.standardwebhooks.com, version 1.
    """

    kind: Literal["standard"]
    header_prefix: Literal["webhook", "svix"] = "webhook"
    tolerance_seconds: int = Field(default=300, ge=1, le=86_400, description="How old a signed time may be")
    public_keys: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=5)] = []

    @field_validator("public_keys")
    @classmethod
    def _are_keys(cls, values: list[str]) -> list[str]:
        for value in values:
            if not value.startswith("whpk_"):
                raise ValueError("a public key is written as whpk_ and base64")
            _ed25519_key(value.removeprefix("whpk_"))
        return values

    @property
    def keys(self) -> list[bytes]:
        return [_ed25519_key(value.removeprefix("whpk_")) for value in self.public_keys]


Verification = Annotated[
    NoVerification
    | SecretVerification
    | BasicVerification
    | SignatureVerification
    | Ed25519Verification
    | StandardVerification,
    Field(discriminator="kind"),
]
