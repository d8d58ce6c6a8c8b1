"""The list of tasks: found, filtered, chosen and acted upon."""

from playwright.sync_api import expect

from tests.native.api import Api
from tests.web.desk import Desk


def titles(desk: Desk) -> list[str]:
    return desk.page.locator(".grid-line .two a").all_inner_texts()


def search(desk: Desk, text: str) -> None:
    desk.page.keyboard.press("/")
    desk.page.keyboard.type(text)
    desk.page.keyboard.press("Enter")


def test_what_is_typed_filters_the_list_and_stands_in_the_address(desk: Desk, api: Api) -> None:
    api.create("a", "b", kind="train", labels={"team": "ml"})
    api.create("c", kind="scan")
    desk.go("/tasks")
    search(desk, "kind:train label:team=ml ")
    expect(desk.row("scan")).to_have_count(0)
    assert titles(desk) == ["train", "train"]
    assert desk.page.url.endswith("/tasks?kind=train&label=team=ml")
    desk.page.reload()
    expect(desk.page.locator(".grid-line")).to_have_count(2)
    desk.page.get_by_role("button", name="Remove kind: train").click()
    desk.page.get_by_role("button", name="Remove label: team=ml").click()
    expect(desk.page.locator(".grid-line")).to_have_count(3)


def test_the_search_offers_what_may_come_next(desk: Desk, api: Api) -> None:
    api.create("a", kind="train")
    desk.go("/tasks")
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("kin")
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("option", name="kind:train")).to_be_visible()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Tab")
    expect(desk.page.get_by_role("combobox", name="Search tasks")).to_have_value("kind:train ")


def test_what_cannot_be_taken_is_told_and_stays_typed(desk: Desk, api: Api) -> None:
    api.create("a")
    desk.go("/tasks")
    search(desk, "state:broken ")
    expect(desk.page.get_by_role("alert").filter(has_text="broken is none of")).to_be_visible()
    expect(desk.page.get_by_role("combobox", name="Search tasks")).to_have_value("state:broken ")


def test_a_typed_id_opens_its_task(desk: Desk, api: Api) -> None:
    api.create("wanted", name="The one")
    desk.go("/tasks")
    search(desk, "wanted")
    expect(desk.page.get_by_role("complementary").get_by_text("The one")).to_be_visible()
    assert desk.page.url.endswith("/tasks?task=wanted")


def test_a_list_without_a_match_says_what_to_take_away(desk: Desk, api: Api) -> None:
    api.create("a", kind="train")
    desk.go("/tasks?kind=nothing")
    expect(desk.page.get_by_role("heading", name="No task is like that")).to_be_visible()
    desk.page.get_by_role("button", name="Remove kind: nothing").last.click()
    expect(desk.row("train")).to_be_visible()


def test_an_empty_project_says_how_to_begin(desk: Desk) -> None:
    desk.go("/tasks")
    expect(desk.page.get_by_text("curl -sS -X POST")).to_be_visible()


def test_the_list_is_moved_through_and_acted_upon_by_keys_alone(desk: Desk, api: Api) -> None:
    api.create("one", "two", "three")
    desk.go("/tasks?sort=created")
    expect(desk.page.locator(".grid-line")).to_have_count(3)
    desk.page.get_by_role("grid").focus()
    for key in ("j", "x", "j", "x", "c"):
        desk.page.keyboard.press(key)
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_text("Cancel 2 tasks")).to_be_visible()
    dialog.get_by_label("Why").fill("not needed")
    desk.page.keyboard.press("Enter")
    expect(dialog.get_by_text("Done: 2 tasks.")).to_be_visible()
    desk.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert [api.task(id_)["state"] for id_ in ("one", "two", "three")] == [
        "queued",
        "cancelled",
        "cancelled",
    ]
    assert api.task("two")["reason"] == "not needed"
    expect(desk.row("three").get_by_text("Cancelled")).to_be_visible()


def test_all_that_match_are_counted_before_they_are_touched(desk: Desk, api: Api) -> None:
    api.create(*(f"t-{n:03}" for n in range(150)), kind="many")
    api.create("other")
    desk.go("/tasks?kind=many")
    desk.page.get_by_role("checkbox", name="Select all that are loaded").check()
    desk.page.get_by_role("button", name="All that match").click()
    desk.page.get_by_role("menuitem", name="Cancel all that match").click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_text("Cancel 150 tasks")).to_be_visible()
    act = dialog.get_by_role("button", name="Cancel 150")
    expect(act).to_be_disabled()
    dialog.get_by_label("Type 150 to go on").fill("150")
    act.click()
    expect(dialog.get_by_text("Done: 150 tasks.")).to_be_visible()
    assert api.get("/v1/counts")["counts"] == {"cancelled": 150, "queued": 1}


def test_the_archive_gives_back_what_was_put_there(desk: Desk, api: Api) -> None:
    api.create("kept")
    api.report("kept", state="succeeded")
    api.post("/v1/tasks/kept/archive", {})
    desk.go("/archive")
    desk.page.get_by_role("checkbox", name="Select kept").check()
    desk.page.get_by_role("button", name="Restore").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Restore 1").click()
    expect(desk.page.get_by_text("Done: 1 task.")).to_be_visible()
    assert api.task("kept")["archived_at"] is None


def test_columns_and_views_are_remembered(desk: Desk, api: Api) -> None:
    api.create("a", kind="train", priority=7)
    desk.go("/tasks?kind=train")
    desk.page.get_by_role("button", name="Columns").click()
    desk.page.get_by_role("menuitemcheckbox", name="Priority").click()
    desk.page.keyboard.press("Escape")
    expect(desk.page.get_by_role("columnheader", name="Priority")).to_be_visible()
    desk.page.get_by_role("button", name="Views").click()
    desk.page.get_by_label("Save what is shown as").fill("trainings")
    desk.page.keyboard.press("Enter")
    desk.go("/tasks")
    expect(desk.page.get_by_role("columnheader", name="Priority")).to_be_visible()
    desk.page.get_by_role("button", name="Views").click()
    desk.page.get_by_role("menuitem", name="trainings", exact=True).click()
    expect(desk.page.get_by_role("button", name="Remove kind: train")).to_be_visible()
