"""Defines webhooks on the wire (contract §11)."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from platform_api.apps.models import App
from platform_api.core.http.pagination import Envelope
from platform_api.webhooks.answers import Answer
from platform_api.webhooks.challenges import Challenge
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.signatures.presets import IDEMPOTENCY, filled_in
from platform_api.webhooks.signatures.verifications import HeaderName, JsonPath, NoVerification, Verification, Word
from platform_api.webhooks.stored import answer_of, challenge_of, verification_of

Method = Literal["POST", "GET", "PUT"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]
Secret = Annotated[str, Field(min_length=8, max_length=1000)]
Secrets = Annotated[list[Secret], Field(min_length=1, max_length=5)]
_SECRET = "Write-only"
_SECRETS = "Or several, of which any is accepted, while one replaces the other; write-only"
_PRESET = "A well-known service; its fields are used for those that are not given, see `presets/`"
_ANSWER = "Answer to a call that started a run, in place of the run's ids"
_ID_HEADER = "Header with the sender's id of a delivery, such as X-GitHub-Delivery"
_ID_PATH = "Or its path in a JSON body, such as `event.id`"
_ID_FIELD = "Or the field of a form that holds it"


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        return filled_in(data)

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if sum(getattr(self, name, None) is not None for name in IDEMPOTENCY) > 1:
            raise ValueError(f"a delivery's id has one place: give only one of {', '.join(IDEMPOTENCY)}")
        if getattr(self, "secret", None) is not None and getattr(self, "secrets", None) is not None:
            raise ValueError("give secret or secrets, not both")
        return self

    @field_validator("methods", check_fields=False)
    @classmethod
    def _distinct(cls, methods: list[str] | None) -> list[str] | None:
        return None if methods is None else list(dict.fromkeys(methods))


class WebhookCreate(_Fields):
    """Describes a new webhook."""

    preset: str | None = Field(default=None, description=_PRESET)
    action: int | Annotated[str, Field(max_length=63)] = Field(description="Id or slug of a `webhook_action`")
    name: Name | None = Field(default=None, description="The action's name when absent")
    is_enabled: bool = True
    methods: list[Method] = Field(default=["POST"], min_length=1)
    verification: Verification = NoVerification()
    secret: Secret | None = Field(default=None, description=_SECRET)
    secrets: Secrets | None = Field(default=None, description=_SECRETS)
    challenge: Challenge | None = None
    answer: Answer | None = Field(default=None, description=_ANSWER)
    idempotency_header: HeaderName | None = Field(default=None, description=_ID_HEADER)
    idempotency_path: JsonPath | None = Field(default=None, description=_ID_PATH)
    idempotency_field: Word | None = Field(default=None, description=_ID_FIELD)
    idempotency_hours: int = Field(
        default=24, ge=1, le=24 * 30, description="Hours for which such ids are remembered"
    )


class WebhookUpdate(_Fields):
    """Changes a webhook; what is left out stays as it is."""

    preset: str | None = Field(default=None, description=_PRESET)
    action: int | Annotated[str, Field(max_length=63)] | None = None
    name: Name | None = None
    is_enabled: bool | None = None
    methods: list[Method] | None = Field(default=None, min_length=1)
    verification: Verification | None = None
    secret: Secret | None = Field(default=None, description=_SECRET)
    secrets: Secrets | None = Field(default=None, description=_SECRETS)
    challenge: Challenge | None = Field(default=None, description="null removes it")
    answer: Answer | None = Field(default=None, description=f"{_ANSWER}; null restores those")
    idempotency_header: HeaderName | None = Field(default=None, description=f"{_ID_HEADER}; null removes it")
    idempotency_path: JsonPath | None = Field(default=None, description=_ID_PATH)
    idempotency_field: Word | None = Field(default=None, description=_ID_FIELD)
    idempotency_hours: int | None = Field(default=None, ge=1, le=24 * 30)


class WebhookRead(BaseModel):
    """Shows a webhook; its secret is not shown."""

    id: int
    app: int
    organization: int = Field(description="The organization for which its runs work")
    action: int
    name: str
    slug: str
    url: str = Field(description="The address to give to the sender")
    is_enabled: bool
    methods: list[str]
    verification: Verification
    has_secret: bool
    challenge: Challenge | None
    answer: Answer | None
    idempotency_header: str | None
    idempotency_path: str | None
    idempotency_field: str | None
    idempotency_hours: int
    user: int = Field(description="The user whose rights its runs have: who created it or changed it last")
    calls: int
    last_called_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, webhook: Webhook, app: App, *, public_url: str) -> Self:
        return cls(
            id=webhook.id,
            app=webhook.app_id,
            organization=webhook.organization_id,
            action=webhook.action_id,
            name=webhook.name,
            slug=webhook.slug,
            url=f"{public_url}/api/webhooks/{app.slug}/{webhook.slug}/",
            is_enabled=webhook.is_enabled,
            methods=webhook.methods,
            verification=verification_of(webhook),
            has_secret=webhook.sealed_secret is not None,
            challenge=challenge_of(webhook),
            answer=answer_of(webhook),
            idempotency_header=webhook.idempotency_header,
            idempotency_path=webhook.idempotency_path,
            idempotency_field=webhook.idempotency_field,
            idempotency_hours=webhook.idempotency_hours,
            user=webhook.user_id,
            calls=webhook.calls,
            last_called_at=webhook.last_called_at,
            created_at=webhook.created_at,
            updated_at=webhook.updated_at,
        )


class WebhookActionRun(BaseModel):
    """Identifies the run that a call started."""

    task_id: str
    run_id: int


class WebhookPreset(BaseModel):
    """Describes the requests of a well-known service."""

    name: str
    fields: dict[str, Any] = Field(description="The fields that `preset` fills in")


class WebhookPage(Envelope):
    results: list[WebhookRead]
