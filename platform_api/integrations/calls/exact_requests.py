"""Requests whose JSON keeps every digit of its numbers, as integrations pass them on."""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from platform_api.integrations.outgoing.json_text import decode_exactly


class _ExactRequest(Request):
    async def json(self) -> Any:
        """The body's value, fractions as Decimal. Raises JSONDecodeError."""
        raw = await self.body()
        try:
            return decode_exactly(raw)
        except ValueError:
            return json.loads(raw, parse_float=Decimal)


class ExactJsonRoute(APIRoute):
    """A route whose handler is given the numbers of its body as they were sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the request read so."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_ExactRequest(request.scope, request.receive))

        return handle
