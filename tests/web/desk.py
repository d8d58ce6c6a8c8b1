"""A person at a browser."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright, Request, expect

from tests.support.browser import executable
from tests.support.repository import ROOT

SECONDS_MAX = 15
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Without a sandbox where there is no user to be kept from anything; and nothing asks home.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTLED = """() => new Promise(done => {
    let timer = setTimeout(done, 250);
    new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, 250); })
        .observe(document.body, { childList: true, subtree: true });
})"""
Scheme = Literal["light", "dark"]
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


def launched(playwright: Playwright) -> Browser:
    """The browser."""
    return playwright.chromium.launch(executable_path=executable(), args=OPTIONS)


@cache
def axe() -> str:
    return AXE.read_text()


@dataclass
class Desk:
    """A tab, signed in, and what its console complained of."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list[str])

    def go(self, path: str) -> None:
        """Open an address, and wait for the page to have its heading."""
        self.page.goto(f"{self.url}{path}")
        expect(self.page.locator("h1").first).to_be_visible()

    def settle(self) -> None:
        """Wait until nothing comes or goes on the page any more; clocks may tick."""
        self.page.evaluate(SETTLED)

    def row(self, text: str) -> Locator:
        """The row of the list that shows this text."""
        return self.page.get_by_role("row").filter(has_text=text)

    def violations(self) -> list[str]:
        """What axe finds wrong with what is on the screen."""
        assert self.page.locator("h1").count() > 0, "a blank page is no evidence"
        self.page.evaluate(axe())
        found: Any = self.page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)
        return [
            f"{v['id']}: {n['html'][:160]} ({(n['any'] or n['all'] or n['none'])[0]['message']})"
            for v in found["violations"]
            for n in v["nodes"][:4]
        ]


@contextmanager
def sitting(
    browser: Browser,
    url: str,
    key: str | None,
    *,
    scheme: Scheme = "light",
    size: str = "desk",
) -> Generator[Desk]:
    """A tab of its own; with a key, signed in with it."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        timezone_id="UTC",
    )
    if key is not None:
        begun = context.request.post(f"{url}/v1/session", data={"key": key})
        assert begun.ok, begun.text()
    page = context.new_page()
    page.set_default_timeout(SECONDS_MAX * 1000)
    expect.set_options(timeout=SECONDS_MAX * 1000)
    desk = Desk(page, url)

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            desk.complaints.append(message.text)

    def watch(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            desk.complaints.append(f"asked {request.url}")

    page.on("console", hear)
    page.on("request", watch)
    page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    try:
        yield desk
    finally:
        context.close()
