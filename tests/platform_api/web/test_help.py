"""The documentation as the platform serves it: every page, every link."""

import re

import pytest

from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

_LINK = re.compile(r'href="([^"]+)"')


async def test_every_page_and_every_link_between_pages_is_there(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        contents = (await client.get("/help/")).text
        assert contents.count("<h1") == 1
        pages = {link: "" for link in _LINK.findall(contents) if link.startswith("/help/") and link != "/help/"}
        for name in (
            "tutorial",
            "concepts",
            "troubleshooting",
            "reference/cli",
            "reference/client",
            "reference/runs",
        ):
            assert f"/help/{name}" in pages
        assert len(pages) > 10
        for link in pages:
            answer = await client.get(link)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), link
            pages[link] = answer.text
            assert answer.text.count("<h1") == 1, link
        broken = [
            f"{link}: {target}"
            for link, text in pages.items()
            for target in _LINK.findall(text)
            if target.startswith(("/help/", "#")) and target != "/help/" and not _exists(target, link, pages)
        ]
        assert broken == []
        pictures = {
            picture for text in (contents, *pages.values()) for picture in re.findall(r'<img src="([^"]+)"', text)
        }
        assert "/help/images/overview.svg" in pictures
        for picture in pictures:
            answer = await client.get(picture)
            kind = "image/svg+xml" if picture.endswith(".svg") else "image/png"
            assert (answer.status_code, answer.headers["content-type"]) == (200, kind), picture
        for missing in (
            "/help/no-such-page",
            "/help/style",
            "/help/index",
            "/help/..%2fpyproject",
            "/help/../README",
            "/help/images/..%2fconsole.md",
        ):
            assert (await client.get(missing)).status_code == 404


def _exists(target: str, link: str, pages: dict[str, str]) -> bool:
    page, _, anchor = target.partition("#")
    text = pages.get(page or link)
    return text is not None and (not anchor or f'id="{anchor}"' in text)


async def test_the_policy_of_a_page_allows_its_pictures(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        answer = await client.get("/help/concepts")
        assert 'src="/help/images/overview.svg"' in answer.text
        assert "img-src 'self'" in answer.headers["content-security-policy"]
        picture = (await client.get("/help/images/overview.svg")).text
        # Nothing that a policy would keep back, or that would run where somebody opens the picture itself.
        for refused in ("<script", "<style", "style=", "href=", "http://", "onload"):
            assert refused not in picture.replace("http://www.w3.org/2000/svg", "")
        assert "<title" in picture
