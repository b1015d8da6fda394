"""The form that connects an account, generated from an integration's definition."""

from dataclasses import dataclass
from typing import Any, Literal

from platform_api.integrations.definitions.definition import IntegrationDefinition, OAuth1Auth, OAuth2Auth
from platform_api.integrations.definitions.inputs import ConnectionInput
from platform_api.integrations.definitions.keys_auth import KeysAuth

_NOT_SECRET = frozenset({"username", "key", "client_key"})


@dataclass(frozen=True, slots=True)
class FormField:
    """A value that a new connection needs; `group` is where it goes in `ConnectionWrite`."""

    name: str
    group: Literal["placeholders", "credentials"]
    is_secret: bool
    default: str = ""
    choices: tuple[str, ...] = ()

    @property
    def input_name(self) -> str:
        """Its name in an HTML form."""
        return f"{self.group}.{self.name}"

    @property
    def label(self) -> str:
        """For people: `api_key` is "Api key"."""
        return self.name.replace("_", " ").capitalize()


def needs_consent(definition: IntegrationDefinition) -> bool:
    """Whether accounts are connected by their provider's sign-in, which asks for the credentials itself."""
    auth = definition.auth
    return isinstance(auth, OAuth1Auth) or (isinstance(auth, OAuth2Auth) and auth.grant == "authorization_code")


def needs_oauth_client(definition: IntegrationDefinition) -> bool:
    """Whether nothing can be connected before the organization has registered an application with the provider."""
    return needs_consent(definition) or isinstance(definition.auth, OAuth2Auth)


def form_fields(definition: IntegrationDefinition) -> tuple[FormField, ...]:
    """What the form asks for, in order."""
    credentials = () if needs_consent(definition) else definition.credential_fields
    return (
        *(_placeholder(definition, name) for name in definition.placeholders),
        *(FormField(name, "credentials", is_secret=_is_secret(definition, name)) for name in credentials),
    )


def _placeholder(definition: IntegrationDefinition, name: str) -> FormField:
    told = definition.inputs.get(name, ConnectionInput())
    return FormField(name, "placeholders", is_secret=False, default=told.default or "", choices=told.choices)


def _is_secret(definition: IntegrationDefinition, name: str) -> bool:
    if isinstance(definition.auth, KeysAuth):
        return any(key.field == name and key.is_secret for key in definition.auth.keys)
    return name not in _NOT_SECRET


def form_schema(definition: IntegrationDefinition) -> dict[str, Any]:
    """The body of a new connection as JSON Schema, for clients that draw the form themselves."""
    groups: dict[str, Any] = {}
    for field in form_fields(definition):
        group = groups.setdefault(
            field.group, {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
        )
        said: dict[str, Any] = {"format": "password", "writeOnly": True} if field.is_secret else {}
        if field.choices:
            # Not an `enum`: a choice may stand for many hosts.
            said["examples"] = list(field.choices)
        if field.default:
            said["default"] = field.default
        else:
            group["required"].append(field.name)
        group["properties"][field.name] = {"type": "string", "title": field.label, "minLength": 1, **said}
    if not needs_consent(definition):
        groups = {"name": {"type": "string", "title": "Name", "minLength": 1, "maxLength": 150}, **groups}
    required = [name for name, group in groups.items() if group["type"] == "string" or group["required"]]
    return {"type": "object", "properties": groups, "required": required, "additionalProperties": False}
