"""Takes pictures of the web console of a running `make demo`.

    screenshots.py                        those of README and documentation, into `docs/images/`
    screenshots.py --to /tmp/pictures     every screen, light and dark, to look at
    screenshots.py --to /tmp/pictures runs code

`--admin` names the file of another installation than the demo's. It needs the system's Chromium.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SIZE: ViewportSize = {"width": 1280, "height": 800}
SCREENS = {
    "home": "",
    "new-app": "/apps/new",
    "from-file": "/apps/new?from=file",
    "inbox": "/inbox",
    "tables": "/orders/tables",
    "diagram": "/orders/tables?as=diagram",
    "new-table": "/orders/tables/new-table",
    "schema": "/orders/tables/order_lines/schema",
    "permissions": "/orders/tables/order_lines/permissions",
    "imports": "/orders/tables/order_lines/imports",
    "api": "/orders/api",
    "overview": "/orders",
    "triggers": "/orders/actions/import_orders?tab=triggers",
    "table": "/orders/tables/order_lines",
    "groups": "/orders/tables/order_lines?group=offer",
    "code": "/orders/code/import_orders.py",
    "runs": "/runs",
    "run": "/runs/1",
    "members": "/settings/members",
    "tokens": "/settings/tokens",
    "usage": "/settings/usage",
    "general": "/settings/general",
}
"""Names of pictures, and the addresses below the organization's."""
OUTSIDE = {"account": "/account", "health": "/admin/health"}
"""Names of pictures, and addresses outside of organizations."""
ALL = ("sign-in", *SCREENS, *OUTSIDE)
GALLERY = {
    "light": ("home", "table", "schema", "code", "run", "triggers", "api", "usage"),
    "dark": ("table", "code"),
}
"""What README and `docs/console.md` show, by colours."""


def main() -> None:
    """Takes the pictures that the command line names, by default all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--admin", type=Path, default=ROOT / ".automio" / "demo" / "admin.json")
    parser.add_argument("--to", type=Path)
    parser.add_argument("names", nargs="*", choices=[[], *ALL])
    chosen = parser.parse_args()
    admin = json.loads(chosen.admin.read_text())
    target = chosen.to or ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            names = chosen.names or (GALLERY[scheme] if chosen.to is None else ALL)
            _take(browser, admin, names, scheme, target)
        browser.close()


def _take(browser: Browser, admin: dict[str, str], names: Sequence[str], scheme: str, target: Path) -> None:
    context = browser.new_context(
        viewport=SIZE,
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(admin["base_url"] + "/sign-in")
    page.get_by_label("E-mail").fill(admin["email"])
    if "sign-in" in names:
        page.screenshot(path=target / f"sign-in-{scheme}.png")
    page.get_by_label("Password", exact=True).fill(admin["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation").wait_for()
    organization = page.url.removeprefix(admin["base_url"]).strip("/")
    for name in names:
        if address := OUTSIDE.get(name, f"/{organization}{SCREENS[name]}" if name in SCREENS else None):
            page.goto(admin["base_url"] + address)
            _settle(page)
            page.screenshot(path=target / f"{name}-{scheme}.png")
    context.close()


def _settle(page: Page) -> None:
    """Waits until the page shows its content and nothing is loading."""
    page.get_by_role("heading", level=1).wait_for()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.wait_for_timeout(300)


if __name__ == "__main__":
    main()
