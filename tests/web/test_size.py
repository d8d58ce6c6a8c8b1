"""How much the UI weighs, and that it bears a hundred thousand tasks."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from bench import filling
from tests.native.api import Api
from tests.support.server import serving
from tests.web.desk import sitting

FIRST_PAGE_BYTES_MAX = 300_000
TASKS = 100_000
ROWS_IN_PAGE_MAX = 60


def test_the_first_page_is_light(chromium: Browser, scenery: Api) -> None:
    key = scenery.server.key("operator", scenery.project)
    for path in ("/", "/tasks"):
        with sitting(chromium, scenery.server.url, key) as desk:
            wire = desk.page.context.new_cdp_session(desk.page)
            wire.send("Network.enable")  # pyright: ignore[reportUnknownMemberType] - Playwright leaves it untyped
            weights: list[int] = []

            def weigh(event: dict[str, Any], into: list[int] = weights) -> None:
                into.append(int(event["encodedDataLength"]))

            wire.on("Network.loadingFinished", weigh)
            desk.go(path)
            desk.settle()
            assert 0 < sum(weights) < FIRST_PAGE_BYTES_MAX, path


@pytest.mark.timeout(180)  # filling takes longer than looking
def test_a_hundred_thousand_tasks_are_scrolled_through(chromium: Browser, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'farwork.db'}"
    filling.fill(database, TASKS)
    with serving(database, tmp_path) as server:
        key = server.key("operator", filling.PROJECT)
        with sitting(chromium, server.url, key) as desk:
            desk.go("/tasks")
            grid = desk.page.get_by_role("grid")
            expect(desk.page.locator(".grid-line").first).to_be_visible()
            for _ in range(12):
                grid.evaluate("box => { box.scrollTop = box.scrollHeight }")
                desk.settle()
            seen = desk.page.locator(".grid-line").all()
            assert 0 < len(seen) < ROWS_IN_PAGE_MAX
            numbers = [int(row.get_attribute("aria-rowindex") or 0) for row in seen]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert numbers[-1] > 1_000
            grid.focus()
            desk.page.keyboard.press("Home")
            expect(desk.page.locator(".grid-line[aria-rowindex='2']")).to_be_visible()
        assert desk.complaints == []
