"""The built-in catalogue: YAML files of this package, read once."""

from functools import cache
from importlib.resources import files

import yaml

from platform_api.integrations.definitions.definition import IntegrationDefinition

# The one in C where libyaml is there: each start of a control plane reads the whole catalogue.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def built_in() -> dict[str, IntegrationDefinition]:
    """Every built-in definition by its id."""
    found = {}
    for entry in (files(__package__) / "catalogue").iterdir():
        if entry.name.endswith(".yaml"):
            for value in yaml.load_all(entry.read_text(), _LOADER):
                definition = IntegrationDefinition.model_validate(value)
                found[definition.id] = definition
    return found
