"""Takes the documents out of a request's body as they were sent; the process that reads them parses them.

A document may have megabytes, which would hold up all other requests if it was parsed here.
"""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import GetCoreSchemaHandler, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_wrap_validator_function

_DOCUMENT, _FILES = "document", "files"
_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class SentJson:
    """Holds the JSON of a text or of an object, unparsed: in a model, a document as text or as an object."""

    content: bytes

    @property
    def is_text(self) -> bool:
        """Tells whether it is the JSON of a text."""
        return self.content.startswith(b'"')

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_wrap_validator_function(cls._keep, handler.generate_schema(str | dict[str, Any]))

    @classmethod
    def _keep(cls, value: Any, check: ValidatorFunctionWrapHandler) -> "SentJson":
        return value if isinstance(value, SentJson) else cls(json.dumps(check(value)).encode())


class DocumentsRoute(APIRoute):
    """Gives its handler the documents of a body unparsed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns the handler, for requests whose documents are `SentJson`."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_Request(request.scope, request.receive))

        return handle


class _Request(Request):
    async def json(self) -> Any:
        """Returns the value of the body. Raises JSONDecodeError."""
        raw = await self.body()
        try:
            fields = _DECODER.decode(raw)
            body = {name: _value(name, value) for name, value in fields.items()}
            if _FILES in body:
                body[_FILES] = _files(fields[_FILES])
            return body
        except (msgspec.DecodeError, RecursionError):
            return json.loads(raw)


def _value(name: str, raw: msgspec.Raw) -> Any:
    content = bytes(raw)
    if name == _DOCUMENT and content[:1] in (b'"', b"{"):
        return SentJson(content)
    return None if name == _FILES else json.loads(content)


def _files(raw: msgspec.Raw) -> Any:
    if not bytes(raw).startswith(b"{"):
        return json.loads(bytes(raw))
    return {path: _value(_DOCUMENT, value) for path, value in _DECODER.decode(raw).items()}
