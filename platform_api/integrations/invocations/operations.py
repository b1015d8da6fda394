"""Turns a call of an operation by its id into a call of its path, its arguments where the document puts them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import NotFound, Unprocessable
from platform_api.integrations.models import Operation, OwnIntegration
from platform_api.integrations.outgoing.media_types import media_type
from platform_api.integrations.schemas import CallWrite

_BODY = "body"


async def get_operation(session: AsyncSession, actor: Actor, integration_id: str, operation_id: str) -> Operation:
    """Returns an operation of an integration that was imported. Raises NotFound."""
    statement = (
        select(Operation)
        .join(OwnIntegration, Operation.integration == OwnIntegration.id)
        .where(
            OwnIntegration.integration_id == integration_id,
            visible_to(actor, OwnIntegration.organization_id),
            Operation.operation_id == operation_id,
        )
        .order_by(Operation.position)
        .limit(1)
    )
    operation: Operation | None = await session.scalar(statement)
    if operation is None:
        raise NotFound(
            f"the integration {integration_id} declares no operation {operation_id!r}; its imported OpenAPI document"
            " says which there are, or call a path by `method` and `endpoint`",
            field="operation",
        )
    return operation


def as_call(operation: Operation, call: CallWrite, arguments: Mapping[str, Any]) -> CallWrite:
    """Returns the call of an operation. Raises Unprocessable for arguments that it lacks or does not have."""
    left = dict(arguments)
    url_params, query, headers = dict(call.url_params), dict(call.request_params or {}), dict(call.request_headers)
    places = {"path": url_params, "query": query, "header": headers}
    for parameter in operation.parameters:
        name, place = parameter["name"], places.get(parameter["location"])
        if place is None:
            continue
        if name in left:
            place[name] = left.pop(name)
        elif parameter["required"] and name not in place:
            raise Unprocessable(
                f"arguments: the operation {operation.operation_id} needs a value for {name!r}", field="arguments"
            )
    data = _body(operation, call, left, headers)
    return call.model_copy(
        update={
            "method": operation.method.upper(),
            "endpoint": operation.path,
            "url_params": url_params,
            "request_params": query,
            "request_headers": headers,
            "data": data,
        }
    )


def _body(operation: Operation, call: CallWrite, left: dict[str, Any], headers: dict[str, Any]) -> Any:
    body = operation.request_body
    if body is None:
        if left:
            unknown = ", ".join(map(repr, sorted(left)))
            raise Unprocessable(
                f"arguments: the operation {operation.operation_id} has no {unknown}", field="arguments"
            )
        return call.data
    # `body` stands for the whole body, unless that is an object with such a member.
    is_whole = left.keys() == {_BODY} and _BODY not in (body.get("shape") or {}).get("properties", {})
    data = left[_BODY] if is_whole else left or call.data
    kind = media_type(body["content"])
    if kind is not None and not kind.is_json and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = body["content"]
    return data
