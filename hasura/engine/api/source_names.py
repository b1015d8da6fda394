"""Translates the name of the source: inside it is `default`, in requests and answers what metadata calls it."""

import re

from hasura.engine.errors import EngineError
from hasura.engine.exact_json import Json
from hasura.engine.metadata.reading import DEFAULT_SOURCE, Reader

_MENTIONS = re.compile(rf"(\bsource:? [\"']?){DEFAULT_SOURCE}\b")


def with_source_name(text: str, name: str) -> str:
    """Returns a message, or the name of an object, with the source's own name."""
    return text if name == DEFAULT_SOURCE else _MENTIONS.sub(lambda match: match[1] + name, text)


def definition_with_source_name(definition: Json, name: str) -> Json:
    """Returns the definition of an object that names its source."""
    if isinstance(definition, dict) and definition.get("source") == DEFAULT_SOURCE:
        return {**definition, "source": name}
    return definition


def refuse_other_sources(args: Reader, name: str) -> None:
    """Raises when a call is about another source than the one of this name."""
    if isinstance(args.value, dict):
        source = args.value.get("source")
        if isinstance(source, str) and source != name:
            raise EngineError(f'source with name "{source}" does not exist', code="not-exists")
