"""The code editor, as the stories of the console write in it."""

from playwright.async_api import Page

_PASTE = """(element, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


async def paste(page: Page, text: str) -> None:
    """Pastes a text at the cursor: what is typed is indented, and Enter takes what a list of completions offers."""
    await page.locator(".cm-content").evaluate(_PASTE, text)


async def write(page: Page, text: str) -> None:
    """Replaces the text in the editor."""
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+A")
    await paste(page, text)
