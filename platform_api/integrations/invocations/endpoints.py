"""Serves over HTTP what became of calls that were made with a key."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from platform_api.core.database import SessionDep
from platform_api.core.errors import NotFound
from platform_api.integrations.invocations.binary_replies import binary_reply, content_type_of
from platform_api.integrations.invocations.schemas import InvocationRead
from platform_api.integrations.invocations.service import KnownCall, get_call
from platform_api.integrations.outgoing.json_text import encode_ascii
from platform_api.integrations.parameters import CallActorDep, IntegrationReference

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.get(
    "/{integration_id}/invocations/{invocation_id}/",
    summary="Return what became of a call that was made with a key",
    response_model=InvocationRead,
)
async def get_invocation(
    actor: CallActorDep, session: SessionDep, integration_id: IntegrationReference, invocation_id: UUID
) -> Response:
    """Makes no call. Calls are kept for 24 hours, and shown to whoever made them."""
    known = await get_call(session, actor, integration_id, invocation_id)
    # Written without a model: the upstream's JSON needs no validation.
    return Response(encode_ascii(_described(integration_id, known)), media_type="application/json")


@router.get(
    "/{integration_id}/results/{invocation_id}/",
    summary="Download an answer that is not text",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def download_result(
    actor: CallActorDep, session: SessionDep, integration_id: IntegrationReference, invocation_id: UUID
) -> Response:
    known = await get_call(session, actor, integration_id, invocation_id)
    answer = None if known.stored is None else known.stored.answer
    if answer is None or answer.content is None:
        raise NotFound(f"the call {invocation_id} has no answer that is a file")
    return binary_reply(answer, answer.content)


def _described(integration_id: str, known: KnownCall) -> dict[str, Any]:
    facts = None if known.stored is None else known.stored.facts
    answer = None if known.stored is None else known.stored.answer
    file = None
    if answer is not None and answer.content is not None:
        file = {
            "download_path": f"/integrations/{integration_id}/results/{known.key.id}/",
            "content_type": content_type_of(answer),
            "size": len(answer.content),
        }
    ended_at = known.key.ended_at
    return {
        "invocation_id": str(known.key.id),
        "integration_id": integration_id,
        "is_under_way": known.stored is None,
        "outcome": None if facts is None else str(facts.outcome),
        "business_ok": None if facts is None else facts.business_ok,
        "may_have_executed": facts is None or facts.may_have_executed,
        "api_data": None if answer is None else answer.api_data(),
        "api_response": None if answer is None else answer.api_response(),
        "result_file": file,
        "created_at": known.key.created_at.isoformat(),
        "ended_at": None if ended_at is None else ended_at.isoformat(),
    }
