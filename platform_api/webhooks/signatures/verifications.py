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

from platform_api.syncs.paths import Path
from platform_api.webhooks.json_paths import check_path
from platform_api.webhooks.signatures.encodings import Encoding
from platform_api.webhooks.signatures.public_keys import PublicKey, read_ed25519, read_x509
from platform_api.webhooks.signatures.signed_text import COVERS_BODY, check_template, placeholders

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$", max_length=100, to_lower=True)]
Word = Annotated[str, Field(min_length=1, max_length=100)]
STORED = {"stored": True}
"""Context of validation for what is stored already: rules that came later do not make it unreadable."""


def _one_value(path: str, info: ValidationInfo) -> str:
    if info.context == STORED:
        return path
    return check_path(path)


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
    """What signatures have in common, of whichever kind: where they stand, and what is signed."""

    header: HeaderName | None = None
    path: JsonPath | None = Field(default=None, description="Or where the signature stands in a JSON body")
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
    timestamp_path: JsonPath | None = Field(default=None, description="Or where the time stands in a JSON body")
    timestamp_format: Literal["seconds", "milliseconds", "iso8601"] = Field(
        default="seconds", description="Unix time, or a date and time"
    )
    tolerance_seconds: int = Field(default=300, ge=1, le=86_400, description="How old a signed time may be")
    id_header: HeaderName | None = Field(default=None, description="Header that `{id}` stands for")
    payload: str = Field(default="{body}", max_length=1000, description="What is signed, written with placeholders")
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
        if (self.header is None) == (self.path is None):
            raise ValueError("say where the signature stands: give one of header and path")
        times = (self.timestamp_header, self.timestamp_element, self.timestamp_path)
        has_time = any(place is not None for place in times)
        if sum(place is not None for place in times) > 1:
            raise ValueError("the time has one place: timestamp_header, timestamp_element or timestamp_path")
        if self.timestamp_element is not None and self.element is None:
            raise ValueError("timestamp_element needs element: the header is then a list of both")
        if self.element is not None and self.header is None:
            raise ValueError("element is of a header that is a list; a signature at a path is one")
        if has_time != ("timestamp" in names):
            # A time that is not signed proves nothing.
            raise ValueError("payload must hold {timestamp} exactly when it is said where the time stands")
        if (self.id_header is not None) != ("id" in names):
            raise ValueError("payload must hold {id} exactly when id_header says which header that is")
        if self.body_hash_query is not None and ("form" not in names or not {"url", "query"} & set(names)):
            raise ValueError("body_hash_query needs a payload of {form} and of the signed {url} or {query}")
        if self.header is not None and f"header:{self.header}" in (name.lower() for name in names):
            raise ValueError(f"payload holds the header {self.header}, which is the signature itself")
        if self.path is not None and set(COVERS_BODY) & set(names):
            raise ValueError(
                "payload: the body holds the signature itself; name its signed values, as {json:event.id}"
            )
        if self.url is not None and "url" not in names:
            raise ValueError("url is what {url} stands for; the payload holds none")


class SignatureVerification(_Signed):
    """The sender signs with a shared secret (HMAC) and puts the signature into a header."""

    kind: Literal["hmac"]
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    secret_encoding: Literal["text", "hex", "base64"] = Field(
        default="text", description="What the secret's text stands for"
    )


class Ed25519Verification(_Signed):
    """The sender signs with a private key (Ed25519); the public keys are stored here, the newest first."""

    kind: Literal["ed25519"]
    public_keys: Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=5)]

    @field_validator("public_keys")
    @classmethod
    def _are_keys(cls, values: list[str]) -> list[str]:
        for value in values:
            read_ed25519(value)
        return values

    @property
    def keys(self) -> list[PublicKey]:
        return [read_ed25519(value) for value in self.public_keys]


class X509Verification(_Signed):
    """The sender signs the SHA-256 with a private key (ECDSA, or RSA with PKCS #1 v1.5); the public keys are here."""

    kind: Literal["ecdsa", "rsa"]
    public_keys: Annotated[list[Annotated[str, Field(max_length=3000)]], Field(min_length=1, max_length=5)]

    @model_validator(mode="after")
    def _are_keys(self) -> Self:
        for value in self.public_keys:
            read_x509(value, self.kind)
        return self

    @property
    def keys(self) -> list[PublicKey]:
        return [read_x509(value, self.kind) for value in self.public_keys]


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
            read_ed25519(value.removeprefix("whpk_"))
        return values

    @property
    def keys(self) -> list[PublicKey]:
        return [read_ed25519(value.removeprefix("whpk_")) for value in self.public_keys]


Verification = Annotated[
    NoVerification
    | SecretVerification
    | BasicVerification
    | SignatureVerification
    | Ed25519Verification
    | X509Verification
    | StandardVerification,
    Field(discriminator="kind"),
]
