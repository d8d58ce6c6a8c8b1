"""One task, whole."""

from playwright.sync_api import Browser, expect

from tests.native.api import Api
from tests.web.desk import Desk, sitting
from tests.web.scene import PIXEL


def test_a_task_says_why_it_stands_where_it_stands(desk: Desk, api: Api) -> None:
    api.create("first")
    api.create("second", inputs=["first"])
    desk.go("/tasks/second")
    expect(desk.page.get_by_text("It waits for 1 of its 1 inputs")).to_be_visible()
    api.report("first", state="succeeded")
    expect(desk.page.locator(".chip[data-state=queued]").first).to_be_visible()


def test_numbers_are_shown_as_they_were_written(desk: Desk, api: Api) -> None:
    body = b'{"id": "big", "params": {"seed": 18446744073709551615, "price": 1.10}}'
    assert api.client.post("/v1/tasks", content=body).status_code == 201
    desk.go("/tasks/big?tab=data")
    expect(desk.page.get_by_text("18446744073709551615")).to_be_visible()


def test_results_are_shown_as_what_they_are(desk: Desk, api: Api) -> None:
    api.create("r")
    results = [
        {"name": "image", "type": "image/png", "data": PIXEL},
        {"name": "rows", "data": [{"epoch": n, "loss": 1 / (n + 1)} for n in range(4)]},
        {"name": "<b>bold</b>", "data": {"html": "<script>alert(1)</script>"}},
    ]
    api.report("r", state="succeeded", results=results)
    desk.go("/tasks/r?tab=results")
    picture = desk.page.get_by_role("img", name="Result image")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    expect(desk.page.get_by_role("img", name="rows by epoch")).to_be_visible()
    expect(desk.page.get_by_role("cell", name="0.25")).to_be_visible()
    expect(desk.page.get_by_text("<script>alert(1)</script>")).to_be_visible()


def test_attempts_are_laid_side_by_side(desk: Desk, api: Api) -> None:
    api.create("again")
    api.report("again", state="failed", error={"message": "out of memory", "category": "oom"})
    desk.go("/tasks/again?tab=attempts")
    desk.page.get_by_role("button", name="Retry…").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(desk.page.get_by_role("region", name="Compare two attempts")).to_be_visible()
    differing = desk.page.get_by_role("rowheader", name="error.message")
    expect(differing).to_be_visible()


def test_archiving_can_be_taken_back(desk: Desk, api: Api) -> None:
    api.create("a")
    api.report("a", state="succeeded")
    desk.go("/tasks/a")
    desk.page.get_by_role("button", name="Archive", exact=True).click()
    desk.page.get_by_role("button", name="Restore", exact=True).click()
    expect(desk.page.get_by_role("button", name="Archive", exact=True)).to_be_visible()
    assert api.task("a")["archived_at"] is None


def test_a_late_end_can_be_adopted(desk: Desk, api: Api) -> None:
    api.create("late")
    api.report("late", state="running")
    api.post("/v1/tasks/late/cancel", {})
    api.report("late", state="succeeded", result={"verdict": "malicious"})
    desk.go("/tasks/late")
    desk.page.get_by_role("button", name="Adopt the late result").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Adopt").click()
    expect(desk.page.locator(".chip[data-state=succeeded]").first).to_be_visible()
    assert api.task("late")["state"] == "succeeded"


def test_events_show_verdicts_and_what_was_said(desk: Desk, api: Api) -> None:
    api.create("e")
    said = {"state": "running", "delivery_id": "d-1", "source": "gpu", "note": "hello there"}
    api.report("e", **said)
    api.report("e", **said)
    desk.go("/tasks/e")
    expect(desk.page.get_by_text("duplicate", exact=True).first).to_be_visible()
    desk.page.get_by_text("in full").first.click()
    expect(desk.page.get_by_text("hello there").first).to_be_visible()


def test_an_unknown_task_is_told_apart_from_a_broken_page(desk: Desk) -> None:
    desk.page.goto(f"{desk.url}/tasks/nobody%2Fknows")
    expect(desk.page.get_by_text("There is no such task here")).to_be_visible()
    desk.complaints = [said for said in desk.complaints if "404 (Not Found)" not in said]


def test_a_viewer_is_offered_nothing_that_would_be_refused(chromium: Browser, api: Api) -> None:
    api.create("a")
    with sitting(chromium, api.server.url, api.server.key("viewer", api.project)) as desk:
        desk.go("/tasks/a")
        expect(desk.page.get_by_text("It waits first in the queue")).to_be_visible()
        for name in ("Cancel…", "Archive", "Retry…"):
            expect(desk.page.get_by_role("button", name=name)).to_have_count(0)
        assert "Access" not in desk.page.get_by_role("navigation", name="Main").inner_text()
        desk.go("/tasks")
        desk.page.get_by_role("checkbox", name="Select a", exact=True).check()
        expect(desk.page.get_by_role("button", name="Cancel…")).to_have_count(0)
    assert desk.complaints == []
