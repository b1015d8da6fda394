"""What is taken from a document, whatever version of OpenAPI it is written in."""

from typing import Any

from pydantic import BaseModel

MOST_OPERATIONS = 5_000


class ServerVariable(BaseModel):
    """A part of a server's address that each user of the API fills in."""

    default: str = ""
    choices: list[str] = []


class Server(BaseModel):
    """Where an API lives: absolute, or relative to the document's own address; `{variables}` stand in it."""

    url: str
    variables: dict[str, ServerVariable] = {}


class Flow(BaseModel):
    """One of the ways of an OAuth 2 scheme."""

    grant: str
    """`authorization_code`, `client_credentials`, `implicit` or `password`."""
    authorize_url: str | None = None
    token_url: str | None = None
    scopes: list[str] = []


class Scheme(BaseModel):
    """A way to prove oneself to the API."""

    name: str
    type: str
    """`api_key`, `http`, `oauth2`, `openid` or whatever else the document says."""
    location: str | None = None
    key_name: str | None = None
    http_scheme: str | None = None
    openid_url: str | None = None
    flows: list[Flow] = []


class Parameter(BaseModel):
    """One parameter of an operation."""

    name: str
    location: str
    type: str
    required: bool
    description: str = ""


class RequestBody(BaseModel):
    """What an operation is sent: `content` is its (first) content type, `shape` an outline of its schema."""

    content: str
    required: bool
    shape: dict[str, Any]


class OperationDescription(BaseModel):
    """One operation."""

    method: str
    path: str
    operation_id: str | None = None
    summary: str = ""
    parameters: list[Parameter] = []
    request_body: RequestBody | None = None


class ApiDescription(BaseModel):
    """Everything that is taken from a document."""

    title: str
    version: str
    description: str = ""
    docs_url: str | None = None
    website_url: str | None = None
    servers: list[Server]
    schemes: list[Scheme]
    security: list[dict[str, list[str]]]
    """Alternatives, the first is preferred: scopes by the name of the scheme."""
    operations: list[OperationDescription]


class ReadDocument(BaseModel):
    """What reading a document came to: a description, or the reason why there is none."""

    description: ApiDescription | None = None
    problem: str = ""
