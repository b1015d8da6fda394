"""Provides `api.runtime`: notifications from a running script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from automio._decode import WireModel
from automio._exchange import Call, Request
from automio._json import encode_json
from automio._operation import AsyncResource, Resource, SyncResource, operation
from automio._replies import read_json


class NotificationAction(TypedDict):
    """Describes a button of a notification; `url` is http://, https:// or a path of the platform."""

    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Notification(WireModel):
    """Describes a stored notification."""

    id: int
    user_id: int
    kind: str
    title: str
    description: str | None = None
    data: Any = None
    actions: Any = None
    app_id: int | None = None
    run_id: int | None = None
    created_at: datetime | None = None
    read_at: datetime | None = None


class RuntimeOperations(Resource):
    """Sends notifications from a running script to members of the organization."""

    @operation
    def send_notification(
        self,
        title: str,
        description: str | None = None,
        kind: Literal["info", "success", "warning", "error"] = "info",
        data: Mapping[str, Any] | None = None,
        actions: Sequence[NotificationAction] | None = None,
        user_id: int | None = None,
    ) -> Call[Notification]:
        """Shows the token's user a notification on the platform; `notify_me` sends an e-mail instead.

        `data` is for programs that read the notification, `actions` are up to five buttons. With `user_id` it goes to
        another member of the organization, for which the token needs the role owner or builder.
        """
        body = {
            "title": title,
            "description": description,
            "kind": kind,
            "data": None if data is None else dict(data),
            "actions": [dict(action) for action in actions or ()],
            "user_id": user_id,
        }
        request = Request(method="POST", path="/api/notifications/", content=encode_json(body))
        return Call(request, lambda reply: Notification.from_wire(read_json(reply)))


class Runtime(RuntimeOperations, SyncResource):
    """Sends notifications from a running script to members of the organization."""


class AsyncRuntime(RuntimeOperations, AsyncResource):
    """Sends notifications from a running script to members of the organization."""
