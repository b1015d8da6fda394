"""Reads the built-in catalogue, YAML files of this package, once."""

from functools import cache
from importlib.resources import files

import yaml

from platform_api.integrations.definitions.definition import IntegrationDefinition

# The loader in C when libyaml is installed: every start of a control plane reads the whole catalogue.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def built_in() -> dict[str, IntegrationDefinition]:
    """Returns the built-in definitions by id."""
    definitions = {}
    for entry in (files(__package__) / "catalogue").iterdir():
        if entry.name.endswith(".yaml"):
            for value in yaml.load_all(entry.read_text(), _LOADER):
                definition = IntegrationDefinition.model_validate(value)
                definitions[definition.id] = definition
    return definitions
