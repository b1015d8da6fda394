"""Offers the client under its documented name: `from automio.wrapper import API`."""

from automio._client import API, AsyncAPI
from automio._exceptions import GraphqlException, IntegrationAccessDeniedError
from automio._integration_models import ApiResponse, ParallelCallResponse
from automio._models import Tag

__all__ = [
    "API",
    "ApiResponse",
    "AsyncAPI",
    "GraphqlException",
    "IntegrationAccessDeniedError",
    "ParallelCallResponse",
    "Tag",
]
