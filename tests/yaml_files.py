"""Cases as YAML files."""

from pathlib import Path
from typing import Any

import yaml

# libyaml's is ten times as fast; a build of PyYAML without it has only the other.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(path: Path) -> Any:
    """Returns what the file says."""
    return yaml.load(path.read_text(), _LOADER)
