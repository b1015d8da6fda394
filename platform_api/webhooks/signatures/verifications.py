"""Declares and stores the ways in which a sender proves their identity."""

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
"""Context of validation for stored verifications: rules that were added later do not make them unreadable."""


def _check_path_of_one_value(path: str, info: ValidationInfo) -> str:
    if info.context == STORED:
        return path
    return check_path(path)


JsonPath = Annotated[Path, Field(min_length=1), AfterValidator(_check_path_of_one_value)]
"""Path of a value in a JSON body, such as `event.id`; a key that contains a dot is quoted: `["a.b"]`."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoVerification(_Strict):
    """Accepts every call: whoever knows the address may call it."""

    kind: Literal["none"] = "none"


class SecretVerification(_Strict):
    """Compares a shared secret that is sent in a header, in the query, or at a path in the JSON body."""

    kind: Literal["secret"]
    header: HeaderName | None = None
    query: Word | None = Field(default=None, description="Query parameter that holds the secret")
    path: JsonPath | None = Field(default=None, description="Its path in the JSON body")
    prefix: str = Field(default="", max_length=50, description="Text before the secret, such as `Bearer `")

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if sum(place is not None for place in (self.header, self.query, self.path)) != 1:
            raise ValueError("say where the secret is sent: give one of header, query and path")
        return self


class BasicVerification(_Strict):
    """Compares the credentials of HTTP's Basic scheme; the password is the secret."""

    kind: Literal["basic"]
    username: Annotated[str, Field(max_length=200, pattern=r"^[^:\x00-\x1f]*$")]


class _Signed(_Strict):
    """Declares what signatures of every kind have in common: where they are, and what is signed."""

    header: HeaderName | None = None
    path: JsonPath | None = Field(default=None, description="Or the path of the signature in a JSON body")
    encoding: Encoding = "hex"
    prefix: str = Field(default="", max_length=50, description="Text before the signature, such as `sha256=`")
    element: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(
        default=None,
        description="The header is a list `t=1,v1=abc`: the element that is the signature; it may repeat",
    )
    separator: Literal[",", ";", " "] = Field(default=",", description="Between the list's elements")
    timestamp_header: HeaderName | None = Field(default=None, description="Header of the signed time")
    timestamp_element: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(
        default=None, description="Or the element of the signature's header that is the time"
    )
    timestamp_path: JsonPath | None = Field(default=None, description="Or the path of the time in a JSON body")
    timestamp_format: Literal["seconds", "milliseconds", "iso8601"] = Field(
        default="seconds", description="Unix time, or a date and time"
    )
    tolerance_seconds: int = Field(default=300, ge=1, le=86_400, description="Maximum age of a signed time")
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
        verification = handler(value)
        if info.context != STORED and not isinstance(value, cls):
            verification._check_consistency()
        return verification

    def _check_consistency(self) -> None:
        check_template(self.payload)
        names = placeholders(self.payload)
        if (self.header is None) == (self.path is None):
            raise ValueError("say where the signature is: give either header or path")
        times = (self.timestamp_header, self.timestamp_element, self.timestamp_path)
        has_time = any(place is not None for place in times)
        if sum(place is not None for place in times) > 1:
            raise ValueError(
                "the time has one place: give only one of timestamp_header, timestamp_element and timestamp_path"
            )
        if self.timestamp_element is not None and self.element is None:
            raise ValueError("timestamp_element needs element: the header is then a list that contains both")
        if self.element is not None and self.header is None:
            raise ValueError("element needs header: it selects from a header that is a list")
        if has_time != ("timestamp" in names):
            # A time that is not signed proves nothing.
            raise ValueError("payload must contain {timestamp} if and only if the place of the time is given")
        if (self.id_header is not None) != ("id" in names):
            raise ValueError("payload must contain {id} if and only if id_header is given")
        if self.body_hash_query is not None and ("form" not in names or not {"url", "query"} & set(names)):
            raise ValueError("body_hash_query needs a payload of {form} and of the signed {url} or {query}")
        if self.header is not None and f"header:{self.header}" in (name.lower() for name in names):
            raise ValueError(
                f"payload contains the header {self.header}, which is the signature itself; leave it out"
            )
        if self.path is not None and set(COVERS_BODY) & set(names):
            raise ValueError(
                "payload: the body contains the signature itself; list its signed values, such as {json:event.id}"
            )
        if self.url is not None and "url" not in names:
            raise ValueError("url is the value of {url}, but payload does not contain it")


class SignatureVerification(_Signed):
    """Verifies an HMAC that the sender made with a shared secret and put into a header."""

    kind: Literal["hmac"]
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    secret_encoding: Literal["text", "hex", "base64"] = Field(default="text", description="How the secret is encoded")


class Ed25519Verification(_Signed):
    """Verifies a signature made with a private key (Ed25519); the public keys are stored here, the newest first."""

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
    """Verifies a signature of the SHA-256 made with a private key (ECDSA, or RSA with PKCS #1 v1.5)."""

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
    """Verifies Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`.

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
                raise ValueError("a public key must be whpk_ followed by base64")
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
