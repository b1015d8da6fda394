"""Every address of the console, read from the routes of its source, on a full and on an empty installation."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.tenancy_world import World, build_world

SOURCE = Path(__file__).parents[2] / "console" / "src"
_ROUTE = re.compile(r'getParentRoute: \(\) => (\w+)Route,(?:\s*//[^\n]*)*\s*path: "([^"]*)"')
_PARENTS = {"root": "", "outside": "", "organization": "/$org", "app": "/$org/$app"}
_REDIRECTS = {"/", "/$org/settings"}
"""Addresses that only lead to another."""
_SIGNED_OUT = {"/sign-in", "/set-up", "/forgot-password", "/reset-password", "/invite/$token"}
"""Pages for who is not signed in."""
_SEARCHES: Mapping[str, Sequence[str]] = {
    "/$org/apps/new": ["", "?from=file"],
    "/$org/inbox": ["", "?show=all"],
    "/$org/$app/actions/$action": ["", "?tab=triggers", "?tab=history"],
}
"""Addresses with more than one screen, by what is searched."""


def routes() -> list[str]:
    """Returns the path of each route, as the router has it: `/$org/$app/tables/$table`."""
    found = set()
    for file in [SOURCE / "app" / "router.tsx", *SOURCE.glob("features/*/routes.tsx")]:
        text = file.read_text()
        declared = _ROUTE.findall(text)
        assert len(declared) == text.count("createRoute({"), f"{file}: a route is written in another way"
        found |= {(_PARENTS[parent] + "/" + path.strip("/")).rstrip("/") or "/" for parent, path in declared}
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Screens:
    """An installation as its owner sees it: what stands at each `$name` of an address."""

    caller: Caller
    parameters: Mapping[str, str]

    def address(self, route: str) -> str:
        """Returns the address of a route. Fails for a name that nothing is known to stand at."""

        def fill(match: re.Match[str]) -> str:
            name = match[1] or "splat"
            assert name in self.parameters, f"{route}: tell tests/console/routes.py what stands at ${name}"
            return self.parameters[name]

        return re.sub(r"\$(\w*)", fill, route)

    def signed_out(self) -> list[str]:
        """Returns the addresses of pages for who is not signed in."""
        return [self.address(route) for route in routes() if route in _SIGNED_OUT]

    def signed_in(self) -> list[str]:
        """Returns the addresses of all other pages."""
        return [
            self.address(route) + search
            for route in routes()
            if route not in _SIGNED_OUT | _REDIRECTS
            for search in _SEARCHES.get(route, [""])
        ]

    def inside(self) -> list[str]:
        """Returns the addresses of the organization's pages."""
        return [address for address in self.signed_in() if address.startswith(f"/{self.parameters['org']}")]


async def full_screens(platform: Platform) -> tuple[Screens, World]:
    """An organization with one of everything, and rows."""
    world = await build_world(platform)
    app, marker, caller = world.parameters["app"], world.marker, world.victim
    async with platform.client(caller) as client:
        objects = ", ".join(f'{{{marker}: "{marker} {number}"}}' for number in range(30))
        query = f"mutation {{ insert_app_{app}_orders(objects: [{objects}]) {{ affected_rows }} }}"
        reply = await client.post(f"/api/apps/{app}/v1/graphql", json={"query": query})
        assert "errors" not in reply.json(), reply.text
    parameters = {
        "org": caller.organization_slug,
        "app": app,
        "table": "orders",
        "import": world.parameters["import_id"],
        "run": world.parameters["run"],
        "action": marker,
        "splat": f"{marker}.py",
        "token": world.parameters["invitations.token"],
    }
    return Screens(caller, parameters), world


async def empty_screens(platform: Platform) -> Screens:
    """An organization with an app that has one empty table; nothing else that an address names is there."""
    caller = await platform.create_caller()
    app = await platform.create_app(caller)
    async with platform.client(caller) as client:
        made = await client.post(f"/api/apps/{app.id}/new_table/", json={"name": "orders"})
        assert made.status_code == 200, made.text
    parameters = {"org": caller.organization_slug, "app": app.slug, "table": "orders", "splat": "", "action": "none"}
    return Screens(caller, {**parameters, "import": "999999999", "run": "999999999", "token": "no-such-token"})
