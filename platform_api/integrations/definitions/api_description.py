"""Describes what is taken from a document, of any version of OpenAPI, and what the process that reads it is sent."""

from typing import Any

from pydantic import BaseModel

MAX_OPERATIONS = 20_000
MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
"""Of all documents of an import together."""


class ServerVariable(BaseModel):
    """Describes a part of a server's URL that each user of the API fills in."""

    default: str = ""
    choices: list[str] = []


class Server(BaseModel):
    """Describes the URL of an API, absolute or relative to the document's URL, with `{variables}`."""

    url: str
    variables: dict[str, ServerVariable] = {}


class Flow(BaseModel):
    """Describes a flow of an OAuth 2 scheme."""

    grant: str
    """`authorization_code`, `client_credentials`, `implicit` or `password`."""
    authorize_url: str | None = None
    token_url: str | None = None
    scopes: list[str] = []


class Scheme(BaseModel):
    """Describes a security scheme: a way to authenticate to the API."""

    name: str
    type: str
    """`api_key`, `http`, `oauth2`, `openid`, or another type as the document has it."""
    location: str | None = None
    key_name: str | None = None
    http_scheme: str | None = None
    openid_url: str | None = None
    flows: list[Flow] = []


class Parameter(BaseModel):
    """Describes a parameter of an operation."""

    name: str
    location: str
    type: str
    required: bool
    description: str = ""


class RequestBody(BaseModel):
    """Describes the body of an operation: its (first) content type and an outline (`shape`) of its schema."""

    content: str
    required: bool
    shape: dict[str, Any]


class OperationDescription(BaseModel):
    """Describes an operation."""

    method: str
    path: str
    operation_id: str | None = None
    summary: str = ""
    parameters: list[Parameter] = []
    request_body: RequestBody | None = None
    server: str | None = None
    """The URL of its own server, where it is not called below the API's base URL."""


class ApiDescription(BaseModel):
    """Describes everything that is taken from a document."""

    title: str
    version: str
    description: str = ""
    docs_url: str | None = None
    website_url: str | None = None
    servers: list[Server]
    other_servers: list[Server] = []
    """The servers that paths and operations have of their own."""
    schemes: list[Scheme]
    security: list[dict[str, list[str]]]
    """Alternatives, the preferred one first: scopes by name of the scheme."""
    operations: list[OperationDescription]
    notes: list[str] = []
    """What is odd in the document, each with its place."""


class ReadDocument(BaseModel):
    """Holds the result of reading a document: a description, or the reason why there is none."""

    description: ApiDescription | None = None
    problem: str = ""
    is_too_large: bool = False


class SentDocument(BaseModel):
    """Describes a document that is sent to be read."""

    location: str
    """Its path beside the others, or its URL; empty for a main document without a name."""
    size: int
    """In bytes."""
    is_json_text: bool = False
    """Whether it is sent as the JSON of a text, as it stands in a request, rather than as it is."""


class SentDocuments(BaseModel):
    """Lists the documents that are sent to be read, the main one first."""

    documents: list[SentDocument]


class Progress(BaseModel):
    """Says how far the work on a document has come."""

    stage: str
    """`fetching`, `waiting`, `reading`, `operations` or `storing`."""
    done: int = 0
    total: int = 0
    """In characters or paths; 0 where it is not known."""
