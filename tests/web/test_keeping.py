"""What admins set at a browser: how long tasks are kept, how webhooks are read, who is told."""

import json

from playwright.sync_api import expect

from tests.native.api import Api
from tests.web.desk import Desk

ADDRESS = "https://ops.example.com/farwork"


def test_a_rule_of_retention_is_set_changed_and_removed(desk: Desk, api: Api) -> None:
    desk.go("/settings")
    desk.page.get_by_role("button", name="New rule…").click()
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_label("Kind").fill("train")
    dialog.get_by_label("Delete after").fill("soon")
    expect(dialog.get_by_text("Write a time such as")).to_be_visible()
    expect(dialog.get_by_role("button", name="Set the rule")).to_be_disabled()
    dialog.get_by_label("Delete after").fill("30d")
    dialog.get_by_role("button", name="Set the rule").click()
    expect(desk.row("train")).to_contain_text("30d")
    desk.page.get_by_role("button", name="Change the rule for ended tasks of train").click()
    dialog.get_by_label("Archive after").fill("12h")
    dialog.get_by_label("Delete after").fill("never")
    dialog.get_by_role("button", name="Change the rule").click()
    expect(desk.row("train")).to_contain_text("never")
    (rule,) = api.get("/v1/retention")["items"]
    assert (rule["archive_after_seconds"], rule["delete_after_seconds"]) == (43_200, "never")
    desk.page.get_by_role("button", name="Remove the rule for ended tasks of train").click()
    dialog.get_by_role("button", name="Remove the rule").click()
    expect(desk.row("train")).to_have_count(0)
    assert api.get("/v1/retention")["items"] == []


def test_a_task_is_held_and_released(desk: Desk, api: Api) -> None:
    api.create("kept")
    desk.go("/tasks/kept")
    desk.page.get_by_role("button", name="Hold…", exact=True).click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Hold", exact=True)).to_be_disabled()
    dialog.get_by_label("Why").fill("case 17")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_text("held", exact=True)).to_be_visible()
    assert api.task("kept")["legal_hold"] == "case 17"
    desk.page.get_by_role("button", name="Lift the hold…").click()
    dialog.get_by_role("button", name="Lift the hold").click()
    expect(desk.page.get_by_role("button", name="Hold…", exact=True)).to_be_visible()
    assert api.task("kept")["legal_hold"] is None


def test_a_mapping_is_tried_on_a_sample_before_it_is_used(desk: Desk, api: Api) -> None:
    source = api.post("/v1/sources", {"name": "pipeline"})
    desk.go(f"/sources/{source['id']}")
    desk.page.get_by_text("By a mapping").click()
    desk.page.get_by_label("Where task_id is").fill("run.name")
    desk.page.get_by_label("Where state is").fill("run.end")
    sample = {"run": {"name": "nightly", "end": "success"}}
    desk.page.get_by_label("A sample of what it sends").fill(json.dumps(sample))
    tried = desk.page.get_by_role("status", name="What it would become")
    expect(tried).to_contain_text("It would be refused")
    words = desk.page.get_by_role("combobox", name="Words of state")
    words.fill("success=succeeded")
    words.press("Enter")
    expect(tried).to_contain_text("It would become 1 report")
    desk.page.get_by_role("button", name="Read it like this").click()
    expect(desk.page.get_by_text("From now on it is read like this")).to_be_visible()
    found = api.get(f"/v1/sources/{source['id']}/incoming")["mapping"]
    state = {"at": "run.end", "values": {"success": "succeeded"}}
    assert found["report"]["task_id"] == "run.name"
    assert found["report"]["state"] | state == found["report"]["state"]


def test_a_sending_is_read_again_once_its_mapping_is_mended(desk: Desk, api: Api) -> None:
    source = api.post("/v1/sources", {"name": "pipeline"})
    address = f"/v1/sources/{source['id']}"
    wrong = {"report": {"task_id": "run.id", "state": "run.end"}}
    api.ask("PUT", f"{address}/incoming", {"scheme": "bearer", "mapping": wrong})
    with api.server.client(source["secret"]) as sender:
        body = {"run": {"name": "nightly", "end": "succeeded"}}
        assert sender.post(f"{address}/events", json=body).status_code == 422
    desk.go(f"/sources/{source['id']}")
    expect(desk.page.get_by_text("refused", exact=True).last).to_be_visible()
    desk.page.get_by_label("Where task_id is").fill("run.name")
    expect(desk.page.get_by_text("It would become 1 report")).to_be_visible()
    desk.page.get_by_role("button", name="Read it like this").click()
    expect(desk.page.get_by_text("From now on it is read like this")).to_be_visible()
    desk.page.get_by_role("button", name="Read again", exact=True).click()
    expect(desk.page.get_by_role("cell", name="taken")).to_be_visible()
    assert api.task("nightly")["state"] == "succeeded"


def test_a_hook_is_changed_gets_another_secret_and_is_removed(desk: Desk, api: Api) -> None:
    hook = api.post("/v1/hooks", {"url": ADDRESS, "name": "pager"})
    desk.go(f"/hooks/{hook['id']}")
    desk.page.get_by_role("button", name="Change…").click()
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_label("Of", exact=True).select_option("end")
    dialog.get_by_role("combobox", name="Labels").fill("team=vision")
    dialog.get_by_role("combobox", name="Labels").press("Enter")
    dialog.get_by_role("button", name="Change the hook").click()
    expect(dialog).to_have_count(0)
    expect(desk.page.get_by_text("team=vision")).to_be_visible()
    changed = api.get(f"/v1/hooks/{hook['id']}")["filter"]
    assert (changed["on"], changed["labels"]) == ("end", {"team": "vision"})
    desk.page.get_by_role("button", name="New secret…").click()
    dialog.get_by_role("button", name="Make a new secret").click()
    shown = dialog.locator("pre").inner_text()
    assert shown.startswith("whsec_")
    assert shown != hook["secret"]
    dialog.get_by_role("button", name="I have it").click()
    expect(desk.page.get_by_text("The old secret signs until")).to_be_visible()
    desk.page.get_by_role("button", name="Remove…").click()
    dialog.get_by_label("Type pager to go on").fill("pager")
    dialog.get_by_role("button", name="Remove the hook").click()
    expect(desk.page.get_by_text("Nobody is told of anything yet")).to_be_visible()
    assert api.get("/v1/hooks")["items"] == []


def test_a_shard_is_tried_again(desk: Desk, api: Api) -> None:
    shards = [{"index": n, "item_count": 1, "item_offset": n} for n in range(2)]
    api.create("t", shards=shards, items_total=2)
    api.report("t", shard={"index": 0, "state": "failed"})
    desk.go("/tasks/t?tab=shards")
    desk.page.get_by_role("button", name="Shard 0, failed").click()
    desk.page.get_by_role("button", name="Retry the shard").click()
    expect(desk.page.get_by_role("button", name="Shard 0, queued")).to_be_visible()
    desk.page.get_by_role("button", name="Cancel the shard…").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Cancel the shard").click()
    expect(desk.page.get_by_role("button", name="Shard 0, cancelled")).to_be_visible()
