"""Says how to install what is missing: the client from a platform, the platform from its source tree."""

PLATFORM_COMMAND = "pip install '.[platform]'"
"""Installs the platform; it works in the platform's source tree."""


def client_command(base_url: str) -> str:
    """Returns the command that installs the client of the platform at `base_url`, with its extras.

    It names no version, which only the platform knows, and no distribution: on the public index, `automio` is another
    one.
    """
    return f"pip install -r {base_url.removesuffix('/api')}/client/requirements.txt"
