"""Generates the form that connects an account from an integration's definition."""

from dataclasses import dataclass
from typing import Any, Literal

from platform_api.integrations.definitions.definition import IntegrationDefinition, OAuth1Auth, OAuth2Auth
from platform_api.integrations.definitions.inputs import ConnectionInput
from platform_api.integrations.definitions.keys_auth import KeysAuth

_NOT_SECRET = frozenset({"username", "key", "client_key"})


@dataclass(frozen=True, slots=True)
class FormField:
    """Describes a value that a new connection needs; `group` is its place in `ConnectionWrite`."""

    name: str
    group: Literal["placeholders", "credentials"]
    is_secret: bool
    default: str = ""
    choices: tuple[str, ...] = ()

    @property
    def input_name(self) -> str:
        """Returns its name in an HTML form."""
        return f"{self.group}.{self.name}"

    @property
    def label(self) -> str:
        """Returns its name for people, as "Api key" for `api_key`."""
        return self.name.replace("_", " ").capitalize()


def needs_consent(definition: IntegrationDefinition) -> bool:
    """Returns whether accounts are connected by signing in at the provider, so that no form asks for credentials."""
    auth = definition.auth
    return isinstance(auth, OAuth1Auth) or (isinstance(auth, OAuth2Auth) and auth.grant == "authorization_code")


def needs_oauth_client(definition: IntegrationDefinition) -> bool:
    """Returns whether connecting needs an application that the organization registered with the provider."""
    return needs_consent(definition) or isinstance(definition.auth, OAuth2Auth)


def form_fields(definition: IntegrationDefinition) -> tuple[FormField, ...]:
    """Returns the fields of the form, in order."""
    credentials = () if needs_consent(definition) else definition.credential_fields
    return (
        *(_placeholder(definition, name) for name in definition.placeholders),
        *(FormField(name, "credentials", is_secret=_is_secret(definition, name)) for name in credentials),
    )


def _placeholder(definition: IntegrationDefinition, name: str) -> FormField:
    declared = definition.inputs.get(name, ConnectionInput())
    return FormField(name, "placeholders", is_secret=False, default=declared.default or "", choices=declared.choices)


def _is_secret(definition: IntegrationDefinition, name: str) -> bool:
    if isinstance(definition.auth, KeysAuth):
        return any(key.field == name and key.is_secret for key in definition.auth.keys)
    return name not in _NOT_SECRET


def form_schema(definition: IntegrationDefinition) -> dict[str, Any]:
    """Returns the body of a new connection as JSON Schema, for clients that draw the form themselves."""
    groups: dict[str, Any] = {}
    for field in form_fields(definition):
        group = groups.setdefault(
            field.group, {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
        )
        schema: dict[str, Any] = {"format": "password", "writeOnly": True} if field.is_secret else {}
        if field.choices:
            # Not an `enum`: a choice may stand for many hosts.
            schema["examples"] = list(field.choices)
        if field.default:
            schema["default"] = field.default
        else:
            group["required"].append(field.name)
        group["properties"][field.name] = {"type": "string", "title": field.label, "minLength": 1, **schema}
    if not needs_consent(definition):
        groups = {"name": {"type": "string", "title": "Name", "minLength": 1, "maxLength": 150}, **groups}
    required = [name for name, group in groups.items() if group["type"] == "string" or group["required"]]
    return {"type": "object", "properties": groups, "required": required, "additionalProperties": False}
