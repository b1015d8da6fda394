"""docs/reference/accounts.md names every operation and command of accounts and installs, and only real ones."""

import re
from pathlib import Path

import click
import pytest

from platform_api.accounts.endpoints import router
from platform_api.accounts.invitations import endpoints as invitations
from platform_api.accounts.invitations import link_endpoints as invitation_links
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.resets import endpoints as resets
from platform_api.accounts.sessions import endpoints as sessions
from platform_api.accounts.set_up import endpoints as set_up
from platform_api.app import create_app
from platform_api.ops import cli
from tests.platform_api.conftest import make_settings

_TEXT = (Path(__file__).parents[3] / "docs" / "reference" / "accounts.md").read_text()
PAGE = re.sub(r"<!-- .* -->", "", _TEXT)
"""What a reader sees: not which request an example is sent as."""


def _paths() -> set[str]:
    """Paths in the page; a shortened one (`…/members/{user_id}/`) belongs to the path before it."""
    return {path.rstrip(";:,.") for path in re.findall(r"/api/[a-z_{}/-]+", PAGE)}


@pytest.mark.slow
def test_every_path_on_the_page_is_an_operation() -> None:
    described = set(create_app(make_settings("postgresql:///unused")).api.openapi()["paths"])
    assert len(_paths()) > 8
    assert _paths() - described == set()


def test_every_path_of_accounts_is_on_the_page() -> None:
    routers = [router, *(room.router for room in (invitations, invitation_links, resets, sessions, set_up))]
    own = {f"/api{route.path}" for each in routers for route in each.routes}  # type: ignore[attr-defined]
    shortened = {path for path in own if path.endswith("/{user_id}/") and "members" in path}
    assert own - shortened - _paths() == set()


def test_every_command_of_accounts_is_on_the_page() -> None:
    for group in (cli.organization, cli.user, cli.member, cli.token, cli.install):
        assert isinstance(group, click.Group)
        rows = " ".join(line for line in PAGE.splitlines() if f"`automio {group.name} " in line)
        for name in group.commands:
            assert f"`{name}`" in rows or f"`automio {group.name} {name}`" in rows, f"{group.name} {name}"


def test_every_role_and_scope_is_on_the_page() -> None:
    for word in [*Role, *Scope]:
        assert f"| `{word}` |" in PAGE
