"""What other systems send in their own form becomes reports, without a line of code of theirs."""

import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import pytest
from dirty_equals import IsPartialDict
from standardwebhooks import Webhook

from tests.native.api import Api, fresh_project, problem_of, told

MAPPING: dict[str, Any] = {
    "when": "action == 'completed'",
    "report": {
        "task_id": "workflow_run.id",
        "state": {
            "at": "workflow_run.conclusion",
            "values": {"success": "succeeded", "failure": "failed"},
            "otherwise": "cancelled",
        },
        "occurred_at": "workflow_run.updated_at",
        "labels": "{repository: repository.full_name}",
    },
}


def run(conclusion: str = "success", action: str = "completed") -> dict[str, Any]:
    """What a CI system says of a run."""
    said = {"id": 17, "conclusion": conclusion, "updated_at": "2026-11-22T02:00:00Z"}
    return {"action": action, "workflow_run": said, "repository": {"full_name": "a/b"}}


class Sender:
    """A source of a project, with its secret."""

    def __init__(self, api: Api, **incoming: Any) -> None:
        made = api.post("/v1/sources", {"name": "ci"})
        self.api, self.id, self.secret = api, made["id"], made["secret"]
        if incoming:
            told(api.ask("PUT", f"/v1/sources/{self.id}/incoming", incoming))

    def send(self, raw: bytes, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.api.server.client() as client:
            return client.post(f"/v1/sources/{self.id}/events", content=raw, headers=named)

    def as_github(self, said: Any, delivery: str = "d-1") -> httpx.Response:
        raw = json.dumps(said).encode()
        made = hmac.new(self.secret.encode(), raw, sha256).hexdigest()
        return self.send(raw, x_hub_signature_256=f"sha256={made}", x_github_delivery=delivery)

    def as_standard(self, said: Any) -> httpx.Response:
        raw, now = json.dumps(said), datetime.now(UTC)  # noqa: TID251 - the server's clock is real
        signed = Webhook(self.secret).sign("msg_1", now, raw)
        stamp = str(int(now.timestamp()))
        return self.send(
            raw.encode(), webhook_id="msg_1", webhook_timestamp=stamp, webhook_signature=signed
        )


def verdicts(response: httpx.Response) -> list[str]:
    return [one["verdict"] for one in told(response)["items"]]


def test_a_body_signed_as_github_does_becomes_a_report(each_api: Api) -> None:
    sender = Sender(each_api, scheme="github", mapping=MAPPING)
    assert verdicts(sender.as_github(run())) == ["applied"]
    assert each_api.task("17") == IsPartialDict(
        state="succeeded", completed_at="2026-11-22T02:00:00Z", labels={"repository": "a/b"}
    )
    assert verdicts(sender.as_github(run())) == ["duplicate"]
    assert verdicts(sender.as_github(run(action="requested"), "d-2")) == []


def test_a_value_that_is_not_in_the_table_is_the_other_one(api: Api) -> None:
    Sender(api, scheme="github", mapping=MAPPING).as_github(run("timed_out"))
    assert api.task("17")["state"] == "cancelled"


def test_a_body_may_hold_several_reports(api: Api) -> None:
    mapping = {"each": "jobs[?state]", "report": {"task_id": "name", "state": "state"}}
    sender = Sender(api, mapping=mapping)
    jobs = [{"name": "a", "state": "running"}, {"name": "b"}, {"name": "c", "state": "queued"}]
    assert verdicts(sender.as_standard({"jobs": jobs})) == ["applied", "applied"]
    assert (api.task("a")["state"], api.task("c")["state"]) == ("running", "queued")


def test_the_secret_itself_may_be_the_token(api: Api) -> None:
    sender = Sender(api, scheme="bearer")
    raw = b'{"task_id": "t", "state": "running"}'
    assert verdicts(sender.send(raw, authorization=f"Bearer {sender.secret}")) == ["applied"]
    wrong = sender.secret[:-3] + "AA="
    assert sender.send(raw, authorization=f"Bearer {wrong}").status_code == 401


@pytest.mark.parametrize("scheme", ["standard", "github", "bearer"])
def test_what_nobody_vouches_for_is_refused(api: Api, scheme: str) -> None:
    sender = Sender(api, scheme=scheme)
    for headers in (
        {},
        {"x_hub_signature_256": "sha256=00"},
        {"webhook_signature": "v1,AAAA", "webhook_id": "m", "webhook_timestamp": "0"},
        {"authorization": "Bearer whsec_AAAA"},
    ):
        refused = sender.send(b'{"task_id": "t"}', **headers)
        assert problem_of(refused)["code"] == "unauthenticated"


def test_a_source_of_another_project_is_not_there_for_a_key(api: Api) -> None:
    sender = Sender(api)
    with fresh_project(api.server) as other:
        path = f"/v1/sources/{sender.id}/events"
        assert other.problem("POST", path, {"task_id": "t"})["code"] == "source_not_found"


def test_a_dry_run_shows_what_a_sample_would_become_and_keeps_nothing(api: Api) -> None:
    sender = Sender(api)
    path = f"/v1/sources/{sender.id}/dry-run"
    found = api.post(path, {"body": run(), "mapping": MAPPING})
    (report,) = found["reports"]
    assert (report["task_id"], report["state"], found["errors"]) == ("17", "succeeded", [])
    bad = {"report": {"task_id": "x", "state": "conclusion"}}
    found = api.post(path, {"body": {"conclusion": "gone"}, "mapping": bad})
    pointers = {one["pointer"] for one in found["errors"]}
    assert pointers == {"/reports/0/task_id", "/reports/0/state"}
    assert api.get("/v1/tasks")["items"] == []


def test_everything_that_is_wrong_with_a_mapping_is_named(api: Api) -> None:
    sender = Sender(api)
    bad = {"when": "a ==", "report": {"state": "[", "colour": "c"}}
    problem = api.problem("PUT", f"/v1/sources/{sender.id}/incoming", {"mapping": bad})
    assert [one["pointer"] for one in problem["errors"]] == [
        "/mapping/when",
        "/mapping/report/state",
        "/mapping/report/colour",
        "/mapping/report/task_id",
    ]


def test_a_structured_cloud_event_is_a_report(each_api: Api) -> None:
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/ci",
        "type": "run.done",
        "subject": "t",
        "time": "2026-11-22T02:00:00Z",
        "data": {"state": "succeeded"},
    }
    headers = {"Content-Type": "application/cloudevents+json"}
    first = each_api.post("/v1/reports", event, headers=headers)
    assert first == IsPartialDict(task_id="t", verdict="applied", state="succeeded")
    assert each_api.post("/v1/reports", event, headers=headers)["verdict"] == "duplicate"
    assert each_api.task("t")["completed_at"] == "2026-11-22T02:00:00Z"
    batch = {"Content-Type": "application/cloudevents-batch+json"}
    both = each_api.post("/v1/reports", [event, event | {"id": "e-2"}], headers=batch)
    assert both["items"][0]["verdict"] == "duplicate"


def test_a_binary_cloud_event_is_a_report(api: Api) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "/ci", "ce-type": "x"}
    said = {"task_id": "t", "state": "running"}
    assert api.post("/v1/reports", said, headers=headers)["verdict"] == "applied"
    assert api.post("/v1/reports", said, headers=headers)["verdict"] == "duplicate"


def test_the_headers_of_a_binary_cloud_event_are_percent_decoded(api: Api) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "/ci", "ce-type": "x"}
    named = headers | {"ce-subject": "Pr%C3%BCfung%204"}
    taken = api.post("/v1/reports", {"state": "running"}, headers=named)
    assert taken["task_id"] == "Prüfung 4"
    wrong = headers | {"ce-subject": "%ff"}
    problem = api.problem("POST", "/v1/reports", {"state": "running"}, headers=wrong)
    assert problem["errors"][0]["pointer"] == "header:ce-subject"


def test_the_data_of_a_cloud_event_may_be_base64(api: Api) -> None:
    headers = {"Content-Type": "application/cloudevents+json"}
    event = {"specversion": "1.0", "id": "e-1", "source": "/ci", "type": "x", "subject": "t"}
    packed = b64encode(b'{"state": "running"}').decode()
    taken = api.post("/v1/reports", event | {"data_base64": packed}, headers=headers)
    assert (taken["task_id"], taken["state"]) == ("t", "running")
    for bad in ("é", "AA", 5, b64encode(b"<a/>").decode(), b64encode(b"\xff").decode()):
        wrong = event | {"data_base64": bad}
        problem = api.problem("POST", "/v1/reports", wrong, headers=headers)
        assert [one["pointer"] for one in problem["errors"]] == ["/data_base64"], bad


def test_everything_that_is_wrong_with_a_cloud_event_is_named(api: Api) -> None:
    headers = {"Content-Type": "application/cloudevents+json"}
    event: dict[str, Any] = {"specversion": "0.3", "id": "", "type": "x", "data": []}
    problem = api.problem("POST", "/v1/reports", event, headers=headers)
    assert {one["pointer"] for one in problem["errors"]} == {
        "/id", "/source", "/specversion", "/data",
    }  # fmt: skip


STUMBLING: dict[str, tuple[dict[str, Any], Any]] = {
    "infinity": ({"report": {"task_id": "ceil(to_number(a))"}}, {"a": "inf"}),
    "not a number": ({"report": {"task_id": "floor(to_number(a))"}}, {"a": "nan"}),
    "no step": ({"each": "a[::0]", "report": {"task_id": "@"}}, {"a": [1]}),
    "mixed": ({"report": {"task_id": "max_by(a, &x).x"}}, {"a": [{"x": 1}, {"x": "b"}]}),
    "an expression": ({"report": {"task_id": "&a"}}, {"a": "b"}),
    "an expression in a table": ({"report": {"task_id": {"at": "&a", "values": {}}}}, {"a": "b"}),
    "truth": ({"report": {"task_id": "a"}}, {"a": True}),
}


@pytest.mark.parametrize("what", STUMBLING)
def test_a_body_that_an_expression_stumbles_over_is_refused_and_kept(api: Api, what: str) -> None:
    mapping, said = STUMBLING[what]
    sender = Sender(api, scheme="github", mapping=mapping)
    assert problem_of(sender.as_github(said))["status"] == 422
    shown = api.post(f"/v1/sources/{sender.id}/dry-run", {"body": said})
    assert shown["errors"]
    (kept,) = api.get(f"/v1/sources/{sender.id}/sendings")["items"]
    assert kept["state"] == "refused"


def test_an_expression_that_is_nested_too_deeply_is_refused(api: Api) -> None:
    sender = Sender(api)
    said = {"mapping": {"report": {"task_id": "!" * 900 + "a"}}}
    refused = problem_of(api.ask("PUT", f"/v1/sources/{sender.id}/incoming", said))
    assert refused["errors"] == [
        {"pointer": "/mapping/report/task_id", "detail": "is nested too deeply"}
    ]
