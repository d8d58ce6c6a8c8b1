"""What is seen follows what happens, and nothing moves under the pointer."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.native.api import Api
from tests.support.server import free_port, serving
from tests.web.desk import Desk, sitting


def test_a_row_changes_where_it_is(desk: Desk, api: Api) -> None:
    api.create("a", "b")
    desk.go("/tasks")
    expect(desk.page.locator("#row-a").get_by_text("Queued")).to_be_visible()
    expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
    api.report("a", state="running", progress=40, message="half way")
    row = desk.page.locator("#row-a")
    expect(row.get_by_text("Running")).to_be_visible()
    expect(row.get_by_text("40%")).to_be_visible()
    api.report("a", state="failed", error={"message": "no space left"})
    expect(row.get_by_text("no space left")).to_be_visible()


def test_new_rows_come_in_while_nobody_is_at_work(desk: Desk, api: Api) -> None:
    api.create("first")
    desk.go("/tasks")
    expect(desk.page.locator("#row-first")).to_be_visible()
    expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
    api.create("second")
    expect(desk.page.locator("#row-second")).to_be_visible()


def test_new_rows_wait_while_somebody_is_at_work(desk: Desk, api: Api) -> None:
    api.create("first")
    desk.go("/tasks")
    desk.page.get_by_role("checkbox", name="Select first").check()
    expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
    api.create("second", "third")
    show = desk.page.get_by_role("button", name="2 new: show")
    expect(show).to_be_visible()
    expect(desk.page.locator("#row-second")).to_have_count(0)
    show.click()
    expect(desk.page.locator("#row-second")).to_be_visible()
    expect(desk.page.get_by_role("checkbox", name="Select first")).to_be_checked()


def test_two_tabs_see_the_same(chromium: Browser, desk: Desk, api: Api) -> None:
    api.create("shared")
    key = api.server.key("operator", api.project)
    with sitting(chromium, api.server.url, key) as other:
        other.go("/tasks/shared")
        desk.go("/tasks/shared")
        desk.page.get_by_role("button", name="Cancel…").click()
        desk.page.get_by_role("dialog").get_by_role("button", name="Cancel").last.click()
        for tab in (desk, other):
            expect(tab.page.locator(".chip[data-state=cancelled]").first).to_be_visible()


def test_what_happened_while_the_line_was_cut_is_caught_up(chromium: Browser, api: Api) -> None:
    api.create("a")
    with sitting(chromium, api.server.url, api.server.key("viewer", api.project)) as desk:
        desk.go("/tasks")
        expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
        desk.page.context.set_offline(offline=True)
        expect(desk.page.get_by_text("Reconnecting", exact=True)).to_be_visible()
        api.report("a", state="succeeded")
        desk.page.context.set_offline(offline=False)
        expect(desk.page.locator("#row-a").get_by_text("Succeeded")).to_be_visible()
        expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()


@pytest.mark.timeout(180)  # three starts of a process
def test_a_restart_of_the_server_needs_no_reload(chromium: Browser, tmp_path: Path) -> None:
    database, port = f"sqlite:///{tmp_path / 'farwork.db'}", free_port()
    with serving(database, tmp_path, listen=str(port)) as server:
        key = server.key("admin")
        with server.client(key) as client:
            client.post("/v1/tasks", json={"id": "a"})
        opened = sitting(chromium, server.url, key)
        desk = opened.__enter__()
        desk.go("/tasks")
        expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
    try:
        expect(desk.page.get_by_text("Reconnecting", exact=True)).to_be_visible()
        with serving(database, tmp_path, listen=str(port)) as server, server.client(key) as client:
            client.post("/v1/reports", json={"task_id": "a", "state": "succeeded"})
            expect(desk.page.locator("#row-a").get_by_text("Succeeded")).to_be_visible()
    finally:
        opened.__exit__(None, None, None)


def test_paused_means_paused(desk: Desk, api: Api) -> None:
    api.create("a")
    desk.go("/tasks/a")
    expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
    desk.page.keyboard.press("p")
    expect(desk.page.get_by_text("Paused", exact=True)).to_be_visible()
    api.report("a", state="succeeded")
    desk.page.keyboard.press("p")
    expect(desk.page.locator(".chip[data-state=succeeded]").first).to_be_visible()
