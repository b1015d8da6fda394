"""Defines notifications of an app on the wire."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from platform_api.apps.models import App
from platform_api.core.errors import Unprocessable
from platform_api.core.http.validation import describe_validation_errors, field_errors
from platform_api.notifications.inbox.models import NotificationKind
from platform_api.notifications.inbox.schemas import MAX_ACTIONS, NotificationWrite

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class AppNotificationAction(BaseModel):
    """Describes a button: `app_path` leads to a page of the app, `url` anywhere; exactly one of them."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    app_path: str | None = Field(default=None, max_length=1500, pattern="^/")
    url: str | None = Field(default=None, max_length=2000)

    @model_validator(mode="after")
    def _leads_to_one_place(self) -> Self:
        if (self.app_path is None) == (self.url is None):
            raise ValueError("give exactly one of app_path and url")
        return self


class AppNotificationWrite(BaseModel):
    """Describes a message of an app to the token's user."""

    title: _Title
    description: str = Field(default="", max_length=4000)
    kind: NotificationKind = NotificationKind.INFO
    event_key: str = Field(default="custom", max_length=100, description="For programs; kept in `data`")
    image: str | None = Field(default=None, max_length=2000, description="Kept in `data`")
    data: dict[str, Any] | None = None
    actions: list[AppNotificationAction] = Field(default=[], max_length=MAX_ACTIONS)
    organization_id: int | None = Field(default=None, ge=1, le=2**31 - 1, description="Only the token's own")

    def as_notification(self, app: App) -> NotificationWrite:
        """Returns the notification as an inbox stores it. Raises Unprocessable."""
        beside = {"event_key": self.event_key, "image": self.image}
        data = {**(self.data or {}), **{name: value for name, value in beside.items() if value}}
        given = {
            "title": self.title,
            "description": self.description or None,
            "kind": self.kind,
            "data": data,
            "actions": [
                {"label": action.title, "url": action.url or f"/apps/{app.slug}{action.app_path}"}
                for action in self.actions
            ],
        }
        try:
            return NotificationWrite.model_validate(given)
        except ValidationError as error:
            errors = [{**one, "loc": self._sent_as(one["loc"])} for one in error.errors(include_url=False)]
            raise Unprocessable(describe_validation_errors(errors), fields=field_errors(errors)) from error

    def _sent_as(self, location: tuple[int | str, ...]) -> tuple[int | str, ...]:
        """Returns where a value of the stored notification stands in this one."""
        match location:
            case ("actions", int(index), "url") if self.actions[index].url is None:
                return ("actions", index, "app_path")
            case ("actions", int(index), "label"):
                return ("actions", index, "title")
        return location


class AppNotificationSent(BaseModel):
    """Tells that the notification is stored."""

    ok: bool = True
    notification_id: int
