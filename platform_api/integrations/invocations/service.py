"""Finds calls that were made with a key."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.errors import NotFound
from platform_api.idempotency.models import IdempotencyKey
from platform_api.idempotency.service import find_key, has_lease
from platform_api.integrations.access import get_definition
from platform_api.integrations.invocations import stored_answers
from platform_api.integrations.invocations.sending import subject_of
from platform_api.integrations.invocations.stored_answers import Stored


@dataclass(frozen=True, slots=True)
class KnownCall:
    """Holds a call that was made with a key; `stored` is None while it is under way."""

    key: IdempotencyKey
    stored: Stored | None


async def get_call(session: AsyncSession, actor: Actor, integration_id: str, invocation_id: UUID) -> KnownCall:
    """Returns a call of `actor`'s through an integration that they may still use. Raises NotFound."""
    await get_definition(session, actor, integration_id)
    key = await find_key(
        session,
        actor,
        app_id=actor.app_id,
        subject=subject_of(integration_id),
        condition=IdempotencyKey.id == invocation_id,
    )
    if key is None:
        raise NotFound(f"no call of yours through {integration_id} in the last 24 hours has the id {invocation_id}")
    is_under_way = key.outcome is None and await has_lease(session, key)
    return KnownCall(key, None if is_under_way else stored_answers.read(key))
