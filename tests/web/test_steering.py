"""Queues and workers are steered, keys are made, hooks are tried: what admins do at a browser."""

from playwright.sync_api import expect

from tests.native.api import Api
from tests.web.desk import Desk


def test_a_queue_is_paused_with_a_reason_that_others_read(desk: Desk, api: Api) -> None:
    api.create("a", queue="gpu")
    desk.go("/queues")
    desk.page.get_by_role("button", name="Steer gpu").click()
    desk.page.get_by_role("menuitem", name="Pause").click()
    desk.page.get_by_label("Why").fill("calibration")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_text("calibration")).to_be_visible()
    assert api.get("/v1/queues/gpu")["state"] == "paused"


def test_a_worker_shows_itself_and_is_drained(desk: Desk, api: Api) -> None:
    api.create("a", queue="gpu")
    api.post("/v1/claims", {"worker": "w-1", "queues": ["gpu"], "max": 1})
    desk.go("/queues")
    workers = desk.page.get_by_role("region", name="Workers")
    expect(workers.get_by_text("w-1", exact=True)).to_be_visible()
    desk.page.get_by_role("button", name="Steer w-1").click()
    desk.page.get_by_role("menuitem", name="Drain").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Drain").click()
    expect(workers.get_by_text("draining")).to_be_visible()
    assert api.get("/v1/workers/w-1")["state"] == "draining"


def test_a_key_is_shown_once_opens_and_is_revoked(desk: Desk, api: Api) -> None:
    desk.go("/access")
    desk.page.get_by_label("New key for").fill("gpu-7")
    desk.page.get_by_role("button", name="Make the key").click()
    shown = desk.page.get_by_role("alert").locator("pre").first
    text = shown.inner_text()
    with api.server.client(text) as client:
        assert client.get("/v1/counts").status_code == 200
    desk.page.reload()
    expect(desk.page.get_by_text("gpu-7").first).to_be_visible()
    assert text not in desk.page.content()
    row = desk.page.get_by_role("row").filter(has_text="gpu-7")
    row.get_by_role("button", name="Revoke…").click()
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_label("Type gpu-7 to go on").fill("gpu-7")
    dialog.get_by_role("button", name="Revoke").click()
    expect(row.get_by_text("revoked")).to_be_visible()
    with api.server.client(text) as client:
        assert client.get("/v1/counts").status_code == 401


def test_a_sender_is_registered_with_a_secret_shown_once(desk: Desk, api: Api) -> None:
    desk.go("/sources")
    desk.page.get_by_label("Register a sender").fill("platform")
    desk.page.get_by_role("button", name="Register").click()
    expect(desk.page.get_by_text("The secret of platform: it is shown this once")).to_be_visible()
    assert [source["name"] for source in api.get("/v1/sources")["items"]] == ["platform"]


def test_a_hook_is_refused_with_every_reason(desk: Desk) -> None:
    desk.go("/hooks")
    desk.page.get_by_label("Tell").fill("not an address")
    desk.page.get_by_role("button", name="Make the hook").click()
    expect(desk.page.get_by_role("alert")).to_be_visible()
    expect(desk.page.get_by_label("Tell")).to_have_value("not an address")
    desk.complaints = [said for said in desk.complaints if "Failed to load resource" not in said]
