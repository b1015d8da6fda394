"""`api.runtime`: what a running script tells its people."""

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
    """A button of a notification; `url` is http://, https:// or a path of the platform."""

    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Notification(WireModel):
    """A notification as it was stored."""

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
    """What a running script tells its people."""

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

        `data` is for programs that read it, `actions` up to five buttons. With `user_id` another member of the
        organization is told, which owners and builders may do.
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
    """What a running script tells its people."""


class AsyncRuntime(RuntimeOperations, AsyncResource):
    """What a running script tells its people."""
