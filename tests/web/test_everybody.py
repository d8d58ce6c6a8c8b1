"""Every page for everybody: axe in both colour schemes, wide and narrow, no complaint."""

import pytest
from playwright.sync_api import Browser, expect

from tests.native.api import Api
from tests.web.desk import Scheme, sitting

PAGES = [
    "/",
    "/tasks",
    "/tasks?task=train-07",
    "/tasks?kind=none",
    "/tasks/train-01?tab=results",
    "/tasks/train-06?tab=attempts",
    "/tasks/combine-2041?tab=relations",
    "/tasks/shots-88?tab=shards",
    "/tasks/train-01?tab=data",
    "/jobs",
    "/jobs/exam-2041",
    "/jobs/exam-2041?tab=time",
    "/queues",
    "/hooks",
    "/access?tab=audit",
    "/archive",
    "/operations",
    "/sources",
    "/access",
    "/access?tab=users",
    "/settings",
    "SOURCE",
    "HOOK",
]


NARROW = ["/", "/tasks", "/tasks/train-06?tab=attempts", "/jobs/exam-2041", "/access"]
PARTS = [("desk", PAGES[start::3]) for start in range(3)] + [("phone", NARROW)]


def address_of(api: Api, path: str) -> str:
    """Where a page is; of the source and the hook there are, the server knows the ids."""
    if path.startswith("/"):
        return path
    what = f"{path.lower()}s"
    return f"/{what}/{api.get(f'/v1/{what}')['items'][-1]['id']}"


@pytest.mark.timeout(180)  # axe looks at everything there is on seven pages
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "paths"), PARTS, ids=["one", "two", "three", "phone"])
def test_axe_finds_nothing(
    chromium: Browser, scenery: Api, scheme: Scheme, size: str, paths: list[str]
) -> None:
    key = scenery.server.key("admin", scenery.project, "anna")
    with sitting(chromium, scenery.server.url, key, scheme=scheme, size=size) as desk:
        found: dict[str, list[str]] = {}
        for path in paths:
            desk.go(address_of(scenery, path))
            desk.settle()
            found[path] = desk.violations()
            sideways = desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if sideways > 0:
                found[path].append(f"{sideways} pixels stick out to the side")
        assert {path: faults for path, faults in found.items() if faults} == {}
    assert desk.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_dialogs(chromium: Browser, scenery: Api, scheme: Scheme) -> None:
    key = scenery.server.key("admin", scenery.project, "anna")
    with sitting(chromium, scenery.server.url, key, scheme=scheme) as desk:
        desk.go("/tasks/grappa-2041")
        for opening in (
            lambda: desk.page.keyboard.press("?"),
            lambda: desk.page.keyboard.press("Control+k"),
            lambda: desk.page.get_by_role("button", name="Cancel…").click(),
            lambda: (
                desk.go("/settings") or desk.page.get_by_role("button", name="New rule…").click()
            ),
            lambda: (
                desk.go(address_of(scenery, "HOOK"))
                or desk.page.get_by_role("button", name="Change…").click()
            ),
        ):
            opening()
            expect(desk.page.get_by_role("dialog")).to_be_visible()
            assert desk.violations() == []
            desk.page.keyboard.press("Escape")
            expect(desk.page.get_by_role("dialog")).to_have_count(0)
    assert desk.complaints == []


def test_pages_are_reached_by_keys(chromium: Browser, scenery: Api) -> None:
    key = scenery.server.key("viewer", scenery.project)
    with sitting(chromium, scenery.server.url, key) as desk:
        desk.go("/")
        desk.page.keyboard.press("g")
        desk.page.keyboard.press("j")
        expect(desk.page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
        desk.page.keyboard.press("Control+k")
        desk.page.keyboard.type("train-01")
        desk.page.keyboard.press("ArrowDown")
        desk.page.keyboard.press("ArrowUp")
        desk.page.keyboard.press("Enter")
        expect(desk.page.get_by_role("heading", name="lr = 0.1")).to_be_visible()
