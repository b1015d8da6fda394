"""Sends in-app notifications for an app, as the published client from 0.5 on does."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import DataActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.errors import Forbidden
from platform_api.notifications.inbox import service as inbox
from platform_api.notifications.inbox.app_schemas import AppNotificationSent, AppNotificationWrite

router = APIRouter(prefix="/apps/{app}/notifications", tags=["notifications"])


@router.post("/", status_code=201, summary="Send a notification of an app to the token's user")
async def send_app_notification(
    actor: DataActorDep, session: SessionDep, app: AppReference, body: AppNotificationWrite
) -> AppNotificationSent:
    found = await get_usable_app(session, actor, app)
    # tenancy: only refuses; what is sent goes to the token's own organization
    if body.organization_id not in (None, actor.organization_id):
        raise Forbidden(
            f"organization_id: this token sends notifications in organization {actor.organization_id} only",
            field="organization_id",
        )
    sent = await inbox.send(session, actor, body.as_notification(found), app_id=found.id)
    return AppNotificationSent(notification_id=sent.id)
