"""Asks a control plane that serves whether it still has to be set up."""

import httpx
import structlog

from platform_api.accounts.links.secret import set_up_url
from platform_api.supervisor.settings import SupervisorSettings

log = structlog.stdlib.get_logger()


async def find_set_up_link(url: str, code: str) -> str | None:
    """Returns the link to set up the installation that serves at `url`; None when it has a user already."""
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            answer = (await client.get("/api/set-up/")).raise_for_status()
    except httpx.HTTPError as error:
        # No reason to end what serves: the next start prints a link again.
        log.warning("first_start.set_up_not_known", error=str(error) or type(error).__name__)
        return None
    public_url = SupervisorSettings.from_environment().public_url or url
    return set_up_url(public_url.rstrip("/"), code) if answer.json()["is_needed"] else None
