"""Reads JSON bodies with every digit of their numbers, which integrations pass on."""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from platform_api.integrations.outgoing.json_text import decode_exactly


class _ExactRequest(Request):
    async def json(self) -> Any:
        """Returns the value of the body, fractions as Decimal. Raises JSONDecodeError."""
        raw = await self.body()
        try:
            return decode_exactly(raw)
        except ValueError:
            return json.loads(raw, parse_float=Decimal)


class ExactJsonRoute(APIRoute):
    """Gives its handler the numbers of a body exactly as they were sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns the handler, for requests whose numbers are exact."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_ExactRequest(request.scope, request.receive))

        return handle
