"""What the server tells of itself in numbers."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.native.api import Api, fresh_project
from tests.support.server import Server, serving
from tests.support.waiting import until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(api: Api) -> Samples:
    text = api.ask("GET", "/metrics").text
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_what_is_counted_goes_up_by_what_was_done(each_api: Api) -> None:
    each_api.create("warm")
    before = samples(each_api)
    each_api.create("a")
    each_api.report("a", state="running", delivery_id="1", source="s")
    each_api.report("a", state="running", delivery_id="1", source="s")
    each_api.report("a", state="succeeded", occurred_at="2020-01-01T00:00:00Z")
    after = samples(each_api)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0.0)

    assert grown("farwork_reports_total", verdict="duplicate") == 1
    assert grown("farwork_events_total", type="task.created") == 1
    assert grown("farwork_report_lateness_seconds_count") == 3
    assert grown("farwork_report_lateness_seconds_bucket", le="86400.0") == 2
    assert grown("farwork_commit_commands_count") == grown("farwork_commit_seconds_count") == 4
    duration = "farwork_http_request_duration_seconds_count"
    assert grown(duration, method="POST", route="/v1/reports", status="200") == 3
    assert grown(duration, method="POST", route="/v1/tasks", status="201") == 1


def test_how_things_stand_is_that_of_the_callers_project(server: Server) -> None:
    with fresh_project(server) as mine, fresh_project(server) as theirs:
        mine.create("a", "b", queue="gpu", kind="train")
        mine.report("a", state="running")
        theirs.create("c", queue="theirs")
        found = samples(mine)
        stand = {
            dict(labels)["state"]: value
            for (name, labels), value in found.items()
            if name == "farwork_tasks"
        }
        assert stand == {"queued": 1, "running": 1}
        assert 0 <= found["farwork_queue_oldest_seconds", (("queue", "gpu"),)] < 60
        assert "theirs" not in mine.ask("GET", "/metrics").text


def test_names_that_callers_choose_are_bounded(
    api: Api,
) -> None:
    assert api.ask("BREW", "/v1/tasks").status_code == 405
    assert api.ask("GET", "/no/such/route").status_code == 404
    text = api.ask("GET", "/metrics").text
    assert 'method="(none)"' in text
    assert "BREW" not in text
    assert "no/such" not in text


def test_every_name_keeps_to_the_conventions(api: Api) -> None:
    for family in text_string_to_metric_families(api.ask("GET", "/metrics").text):
        assert re.fullmatch(r"farwork_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_commands"))


def test_an_answer_tells_the_id_of_its_request(api: Api) -> None:
    given = api.ask("GET", "/v1/counts", headers={"X-Request-Id": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    for bad in ("a b", "x" * 101, ""):
        made = api.ask("GET", "/v1/counts", headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f-]{36}", made)


def whole_lines(server: Server) -> str:
    """What a server has said so far, but for a line that it has not ended."""
    return server.said.read_text().rpartition("\n")[0]


def test_logs_are_json_with_the_ids_of_requests(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    settings = {"log_format": "json", "log_level": "debug"}
    database = f"sqlite:///{folder / 'farwork.db'}"
    with serving(database, folder, "--auth", "off", **settings) as server:
        with server.client() as client:
            client.get("/v1/counts", headers={"X-Request-Id": "find-me"})
        # A request is told of once it has been answered.
        until(lambda: "find-me" in whole_lines(server), "the request is in the log")
        lines = [line for line in whole_lines(server).splitlines() if line.startswith("{")]
    found = [json.loads(line) for line in lines]
    (one,) = [line for line in found if line.get("request_id") == "find-me"]
    assert (one["event"], one["route"], one["status"]) == ("answered", "/v1/counts", 200)
    assert one["level"] == "debug"
    assert one["timestamp"].endswith("Z")
