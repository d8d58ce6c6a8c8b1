"""What a source sent is kept as it came, and is read again once its mapping is mended."""

import json
from typing import Any

import pytest
from dirty_equals import IsPartialDict

from farwork.storage import sending_store
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from farwork.storage.sending_store import SendingRow
from farwork.upkeep import keepers
from tests.native.api import Api, told
from tests.native.test_incoming import Sender, verdicts
from tests.support.ledgers import open_ledger

WRONG = {"report": {"task_id": "run.id", "state": "run.stat"}}
RIGHT = {"report": {"task_id": "run.number", "state": "run.status"}}
RUN = {"run": {"number": 17, "status": "succeeded"}}


def mend(sender: Sender, mapping: Any) -> None:
    said = {"scheme": "github", "mapping": mapping}
    told(sender.api.ask("PUT", f"/v1/sources/{sender.id}/incoming", said))


def sendings(sender: Sender, **query: Any) -> list[Any]:
    found: list[Any] = sender.api.get(f"/v1/sources/{sender.id}/sendings", **query)["items"]
    return found


def replay(sender: Sender, sending_id: str) -> Any:
    return sender.api.post(f"/v1/sources/{sender.id}/sendings/{sending_id}/replay")


def test_what_was_refused_is_taken_once_the_mapping_is_mended(each_api: Api) -> None:
    sender = Sender(each_api, scheme="github", mapping=WRONG)
    assert sender.as_github(RUN).status_code == 422
    (kept,) = sendings(sender)
    assert kept == IsPartialDict(state="refused", delivery_id="d-1", reports=0, replays=0)
    assert [one["pointer"] for one in kept["problems"]] == ["/reports/0/task_id"]
    again = replay(sender, kept["id"])
    assert (again["sending"]["state"], again["reports"]) == ("refused", [])
    mend(sender, RIGHT)
    again = replay(sender, kept["id"])
    assert again["sending"] == IsPartialDict(state="taken", reports=1, replays=2, problems=[])
    assert [one["verdict"] for one in again["reports"]] == ["applied"]
    # It happened when it came, not when it was read.
    task = each_api.task("17")
    assert (task["state"], task["completed_at"]) == ("succeeded", kept["at"])
    assert [one["verdict"] for one in replay(sender, kept["id"])["reports"]] == ["duplicate"]


def test_what_was_taken_is_a_duplicate_unless_another_mapping_reads_it(each_api: Api) -> None:
    forgetful = {"report": {"task_id": "run.number", "kind": "`ci`"}}
    sender = Sender(each_api, scheme="github", mapping=forgetful)
    assert verdicts(sender.as_github(RUN)) == ["applied"]
    (kept,) = sendings(sender, state="taken")
    assert [one["verdict"] for one in replay(sender, kept["id"])["reports"]] == ["duplicate"]
    mend(sender, RIGHT)
    (again,) = replay(sender, kept["id"])["reports"]
    assert (again["verdict"], again["state"]) == ("applied", "succeeded")
    assert [one["verdict"] for one in replay(sender, kept["id"])["reports"]] == ["duplicate"]


def test_many_are_read_again_in_their_order(api: Api) -> None:
    sender = Sender(api, scheme="github", mapping={"when": "never", **RIGHT})
    for number in range(3):
        run = {"run": {"number": number, "status": "running"}}
        assert verdicts(sender.as_github(run, f"d-{number}")) == []
    assert [one["state"] for one in sendings(sender)] == ["nothing"] * 3
    mend(sender, RIGHT)
    done = api.post(f"/v1/sources/{sender.id}/replay")
    assert [one["reports"][0]["task_id"] for one in done["items"]] == ["0", "1", "2"]
    assert done["next_after"] is None
    assert api.post(f"/v1/sources/{sender.id}/replay")["items"] == []
    again = api.post(f"/v1/sources/{sender.id}/replay", {"states": ["taken"]})
    assert [one["reports"][0]["verdict"] for one in again["items"]] == ["duplicate"] * 3


def test_a_body_is_kept_as_it_came(api: Api) -> None:
    sender = Sender(api, scheme="bearer")
    headers = {"authorization": f"Bearer {sender.secret}"}
    for raw in (b'{ "task_id": "a"}', b"\xff\x00"):
        sender.send(raw, **headers, content_type="application/json", x_secret="s")
    broken, good = [
        api.get(f"/v1/sources/{sender.id}/sendings/{one['id']}") for one in sendings(sender)
    ]
    assert (good["body"], good["encoding"], good["bytes"]) == ('{ "task_id": "a"}', "text", 17)
    assert (broken["body"], broken["encoding"], broken["state"]) == ("/wA=", "base64", "refused")
    assert {"authorization", "x-secret"}.isdisjoint(good["headers"])
    assert sender.secret not in json.dumps(good)


def test_what_nobody_vouches_for_is_not_kept(api: Api) -> None:
    sender = Sender(api, scheme="bearer")
    sender.send(b"{}", authorization="Bearer whsec_AAAA")
    assert sendings(sender) == []


def test_a_binary_cloud_event_is_one_when_it_is_read_again(api: Api) -> None:
    sender = Sender(api, scheme="bearer")
    said = {"ce_specversion": "1.0", "ce_id": "e", "ce_source": "/ci", "ce_type": "x"}
    raw = b'{"task_id": "t", "state": "running"}'
    sent = sender.send(raw, authorization=f"Bearer {sender.secret}", **said)
    assert verdicts(sent) == ["applied"]
    (kept,) = sendings(sender)
    assert [one["verdict"] for one in replay(sender, kept["id"])["reports"]] == ["duplicate"]


@pytest.mark.parametrize("word", ["state", "result"])
def test_a_shards_word_that_speaks_of_the_task_is_refused_wherever_it_comes_in(
    api: Api, word: str
) -> None:
    """The same rule for plain reports, CloudEvents, sources, mappings and dry runs."""
    report: dict[str, Any] = {"task_id": "t", "shard": {"index": 0}, word: "running"}
    mapping = {"report": {name: f"x.{name}" for name in report}}
    plain, mapped = Sender(api, scheme="bearer"), Sender(api, scheme="bearer", mapping=mapping)
    event = {"specversion": "1.0", "id": "e", "source": "/s", "type": "t", "data": report}
    structured = {"Content-Type": "application/cloudevents+json"}
    problems = [
        api.problem("POST", "/v1/reports", report),
        api.problem("POST", "/v1/reports", event, headers=structured),
        plain.send(json.dumps(report).encode(), authorization=f"Bearer {plain.secret}").json(),
        mapped.send(
            json.dumps({"x": report}).encode(), authorization=f"Bearer {mapped.secret}"
        ).json(),
        api.post(f"/v1/sources/{mapped.id}/dry-run", {"body": {"x": report}}),
    ]
    assert [one["errors"][0]["pointer"] for one in problems] == [
        f"/{word}", f"/{word}", f"/{word}", f"/reports/0/{word}", f"/reports/0/{word}",
    ]  # fmt: skip


def row(number: int, at: int = 0) -> SendingRow:
    return SendingRow(f"{number:04}", "s", "p", at, None, "{}", b"x" * 100, "taken", "{}", None)


def test_so_many_and_so_large_are_kept_the_latest_of_them(database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        for number in range(30):
            sending_store.add(connection, row(number))
        assert sending_store.trim(connection, "s", rows_max=20, bytes_max=10**9) == 10
        assert sending_store.trim(connection, "s", rows_max=20, bytes_max=550) == 15
        left = sending_store.page(connection, "s", limit=50)
    assert [one.id for one in left] == [f"{n:04}" for n in range(29, 24, -1)]
    engine.dispose()


@pytest.mark.anyio
async def test_what_came_a_week_ago_is_forgotten(sqlite_url: str) -> None:
    async with open_ledger(sqlite_url) as ledger:
        week = keepers.SENDINGS_KEPT_US
        await ledger.work(
            lambda con: [
                sending_store.add(con, row(n, at)) for n, at in enumerate((0, 1_000, week))
            ]
        )
        pruner = keepers.SendingPruner(ledger)
        assert (await pruner.run_once(week + 1_000)).tasks == 1
        assert (await pruner.run_once(week + 10_000)).tasks == 0, "it looks once in a while"
        assert (await pruner.run_once(week + 10**9)).tasks == 1
        left = await ledger.read(lambda con: sending_store.page(con, "s", limit=9))
    assert [one.id for one in left] == ["0002"]
