"""Serves calls of an integration over HTTP (contract §6.2)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.formparsers import MultiPartException

from platform_api.accounts.dependencies import CREDENTIALS
from platform_api.core.errors import BadRequest, Unprocessable
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.form_parser import FormParser
from platform_api.core.http.validation import field_errors
from platform_api.core.types import OrganizationId
from platform_api.idempotency.parameters import IdempotencyKeyHeader
from platform_api.integrations.invocations.binary_replies import binary_reply, is_read_as_bytes
from platform_api.integrations.invocations.operations import as_call, get_operation
from platform_api.integrations.lifespan import CallTargetsDep, InvocationsDep
from platform_api.integrations.outgoing.json_text import decode_exactly, encode_ascii
from platform_api.integrations.parameters import AppHeader, ConnectionReference, IntegrationReference, TableReference
from platform_api.integrations.requests.multipart import Attachments, read_multipart
from platform_api.integrations.schemas import CallRead, CallWrite

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.post(
    "/{integration_id}/call/",
    summary="Call the integration with a connection's credentials",
    response_model=CallRead,
    dependencies=CREDENTIALS,
)
async def call(
    request: Request,
    targets: CallTargetsDep,
    invocations: InvocationsDep,
    database: DatabaseDep,
    integration_id: IntegrationReference,
    connection_id: ConnectionReference = None,
    organization_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    table: TableReference = None,
    app: AppHeader = None,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response:
    """Returns the answer in an envelope. To a request with a key, bytes that are not text are the reply itself."""
    opened = await targets.resolve(
        request,
        integration_id,
        app=app,
        table=table,
        reference=connection_id,
        organization_id=OrganizationId(organization_id) if organization_id is not None else None,
    )
    body, attachments = await _read_call(request)
    if body.operation is not None:
        async with database.transaction() as session:
            operation = await get_operation(session, opened.actor, integration_id, body.operation)
        body = as_call(operation, body, body.arguments or {})
    invocation = await invocations.send(opened, body, attachments, key=idempotency_key)
    answer = invocation.answer
    # Only the client that sends keys reads bytes; ours says that it takes JSON.
    if idempotency_key is not None and is_read_as_bytes(answer) and not _takes_json_only(request):
        return binary_reply(answer, answer.content or b"")
    reply = {
        "api_data": answer.api_data(),
        "api_response": answer.api_response(),
        "connection_id": opened.id,
        "organization_id": opened.organization_id,
        **invocation.facts(),
    }
    # Written without a model: the upstream's JSON needs no validation.
    return Response(encode_ascii(reply), media_type="application/json")


def _takes_json_only(request: Request) -> bool:
    return request.headers.get("accept", "").strip().lower() == "application/json"


async def _read_call(request: Request) -> tuple[CallWrite, Attachments | None]:
    """Reads a call, sent as JSON or, with files, as a multipart form."""
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            return await _read_form(request)
        body = await request.body()
        return CallWrite.model_validate(_parsed(body) if body else {}), None
    except ValidationError as exc:
        first = exc.errors()[0]
        message = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise Unprocessable(message, fields=field_errors(exc.errors())) from exc


async def _read_form(request: Request) -> tuple[CallWrite, Attachments | None]:
    try:
        form = await FormParser(request.headers, request.stream(), max_files=100).parse()
    except MultiPartException as error:
        raise BadRequest(f"the body is not a multipart form: {error.message}") from error
    try:
        return await read_multipart(form)
    finally:
        await form.close()


def _parsed(body: bytes) -> Any:
    try:
        return decode_exactly(body)
    except ValueError as exc:
        raise BadRequest(f"the body is not JSON: {exc}") from exc
