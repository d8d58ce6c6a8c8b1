"""Bad bodies: everything that is wrong is named, nothing is stored, and nothing breaks."""

import json
from typing import Any

import pytest
from dirty_equals import IsPartialDict, IsStr

from tests.native.api import Api, problem_of

REPORTS = "/v1/reports"
TASKS = "/v1/tasks"


def errors(problem: dict[str, Any]) -> dict[str, str]:
    return {one["pointer"]: one["detail"] for one in problem["errors"]}


def test_everything_that_is_wrong_is_named_at_once_with_what_would_be_right(api: Api) -> None:
    found = api.problem(
        "POST",
        REPORTS,
        {
            "task_id": "",
            "state": "queue",
            "progress": "half",
            "attempt": 0,
            "occurred_at": "yesterday",
            "labels": {"team": 3, "k" * 64: "v"},
            "error": {"categry": "oom"},
            "shard": {"item_count": 1.5},
            "metadata": [],
            "shardd": 1,
            "results": [{"name": "x", "files": [3]}],
        },
    )
    assert found == {
        "title": "The body has values that cannot be taken.",
        "status": 422,
        "code": "invalid_body",
        "errors": found["errors"],
    }
    assert errors(found) == {
        "/task_id": "must have at least 1 character, not 0",
        "/state": (
            "must be one of created, blocked, queued, running, succeeded, failed, cancelled, "
            "not \"queue\" (did you mean 'queued'?)"
        ),
        "/progress": 'must be an object, a number or null, not "half"',
        "/attempt": "must be between 1 and 2147483647, not 0",
        "/occurred_at": '"yesterday" is not a time like "2026-11-22T02:00:00Z" (RFC 3339)',
        "/labels/team": "must be a string, not 3",
        f"/labels/{'k' * 64}": "the key must have at most 63 characters, not 64",
        "/error/categry": "is not known here; did you mean 'category'?",
        "/shard/item_count": "must be a whole number or null, not 1.5",
        "/shard/index": "is missing; it must be a whole number",
        "/metadata": "must be an object or null, not a list",
        "/shardd": "is not known here; did you mean 'shard'?",
        "/results/0/files/0": "must be an object, not 3",
    }


def test_a_list_names_the_place_of_each_mistake_and_stores_nothing(api: Api) -> None:
    found = api.problem("POST", REPORTS, [{"task_id": "a"}, {"task_id": 1}, {}, {"task_id": "b"}])
    assert errors(found) == {
        "/1/task_id": "must be a string, not 1",
        "/2/task_id": "is missing; it must be a string",
    }
    lines = b'{"task_id":"a"}\nnot json\n\n{"task_id":2}\n'
    ndjson = {"Content-Type": "application/x-ndjson"}
    found = problem_of(api.client.post(REPORTS, content=lines, headers=ndjson))
    assert errors(found) == {
        "/1": IsStr(regex=r"Invalid character .*byte \d+.*"),
        "/3/task_id": "must be a string, not 2",
    }
    assert api.get(TASKS)["items"] == []


def test_many_mistakes_are_listed_up_to_a_bound(api: Api) -> None:
    found = api.problem("POST", REPORTS, [{"task_id": number} for number in range(1_000)])
    assert len(found["errors"]) == 101
    assert found["errors"][-1]["detail"] == "has more mistakes than are listed here"


MALFORMED = {
    "nothing": (b"", "The body is empty; JSON is expected."),
    "half an object": (b'{"task_id": "a"', "Input data was truncated."),
    "no JSON": (b"task_id=a", IsStr(regex=r"Invalid character \(byte \d\)\.")),
    "bytes that are no text": (b'{"task_id": "\xff"}', "It is not UTF-8: byte 13 is 0xff."),
    "more than one value": (b'{"task_id": "a"} {}', IsStr(regex=r".*\(byte 18\)\.")),
    "a byte that is no character": (b"\x00", IsStr(regex=r"Invalid character .*")),
}


@pytest.mark.parametrize(("raw", "detail"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_json_is_refused_with_the_place(api: Api, raw: bytes, detail: Any) -> None:
    for path in (REPORTS, TASKS, "/v1/jobs", "/v1/keys"):
        found = problem_of(api.client.post(path, content=raw))
        assert (found["status"], found["code"]) == (400, "not_json")
        assert found["detail"] == detail
    assert api.get(TASKS)["items"] == []


def test_what_json_does_not_have_is_refused_with_the_field(api: Api) -> None:
    raw = b'{"task_id":"a","metadata":{"nan":NaN,"big":[1,1e999],"half":"\\ud800","\\udc00":1}}'
    found = problem_of(api.client.post(REPORTS, content=raw))
    assert (found["status"], found["code"]) == (400, "not_json")
    assert errors(found) == {
        "/metadata/nan": "must be a number that is finite",
        "/metadata/big/1": "must be a number that is finite",
        "/metadata/half": "must not hold half of a surrogate pair",
        "/metadata/\\udc00": "the key must not hold half of a surrogate pair",
    }


def test_a_nul_is_refused_wherever_it_stands(api: Api) -> None:
    said = {"task_id": "a", "message": "x\0", "metadata": {"k\0": 1, "l": ["\0"]}}
    assert errors(api.problem("POST", REPORTS, said)) == {
        "/message": "must not hold a NUL character",
        "/metadata/k\0": "the key must not hold a NUL character",
        "/metadata/l/0": "must not hold a NUL character",
    }
    assert api.problem("POST", TASKS, [{"params": {"a": "\0"}}])["errors"] == [
        {"pointer": "/0/params/a", "detail": "must not hold a NUL character"}
    ]


DEEP = {"lists": (b"[", b"]"), "objects": (b'{"a":', b"}"), "both": (b'[{"a":', b"}]")}


@pytest.mark.parametrize("depth", [70, 10_000])
@pytest.mark.parametrize(("opening", "closing"), DEEP.values(), ids=DEEP)
def test_deep_nesting_is_refused_with_the_field(
    api: Api, opening: bytes, closing: bytes, depth: int
) -> None:
    deep = opening * depth + b"1" + closing * depth
    for path, field in ((REPORTS, b"metadata"), (TASKS, b"params"), ("/v1/jobs", b"metadata")):
        raw = b'{"task_id":"a","' + field + b'":{"x":' + deep + b"}}"
        found = problem_of(
            api.client.post(path, content=raw.replace(b'"task_id":"a",', b"", path != REPORTS))
        )
        assert (found["status"], found["code"]) == (422, "nested_too_deeply")
        (pointer,) = errors(found)
        assert pointer.startswith(f"/{field.decode()}/x/")
    unclosed = problem_of(api.client.post(REPORTS, content=opening * depth))
    assert unclosed["status"] in (400, 422)
    assert api.get(TASKS)["items"] == []


def test_brackets_in_texts_are_not_nesting(api: Api) -> None:
    text = '"[{' * 500
    api.report("a", metadata={"text": text, "nested": json.loads("[" * 60 + "]" * 60)})
    assert api.task("a")["metadata"]["text"] == text


TOO_LARGE = 16 << 20


def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    padded = b'{"task_id":"a","message":"' + b"x" * (10 << 20) + b'"}'
    for path in (REPORTS, "/v1/jobs"):
        found = problem_of(api.client.post(path, content=padded))
        assert (found["status"], found["code"]) == (413, "body_too_large")
        assert found["detail"] == IsStr(regex=r"At most 1048576 bytes are taken here; .*")
        # What was not read of a body is in the way of the connection's next request.
        assert api.client.post(path, content=padded).headers["connection"] == "close"
    batch = b"[" + b" " * TOO_LARGE + b"]"
    assert problem_of(api.client.post(TASKS, content=batch))["status"] == 413


def test_a_body_of_unknown_length_is_bounded_too(api: Api) -> None:
    chunks = (b" " * 65_536 for _ in range(20))
    found = problem_of(api.client.post("/v1/jobs", content=chunks))
    assert (found["status"], found["code"]) == (413, "body_too_large")


TIMES = {
    "before the year 1": "0001-01-01T00:00:00+14:00",
    "after the year 9999": "9999-12-31T23:59:59-12:00",
    "the year 0": "0000-01-01T00:00:00Z",
    "the year 10000": "10000-01-01T00:00:00Z",
    "no such month": "2026-13-01T00:00:00Z",
    "no such hour": "2026-01-01T24:00:01Z",
    "a date": "2026-01-01",
    "words": "now",
}


@pytest.mark.parametrize("when", TIMES.values(), ids=TIMES)
def test_a_time_that_is_none_is_refused_with_the_field(each_api: Api, when: str) -> None:
    for field in ("occurred_at", "started_at", "completed_at"):
        found = each_api.problem("POST", REPORTS, {"task_id": "a", field: when})
        assert (found["status"], list(errors(found))) == (422, [f"/{field}"])
    found = each_api.problem(
        "POST", REPORTS, [{"task_id": "a"}, {"task_id": "b", "occurred_at": when}]
    )
    assert list(errors(found)) == ["/1/occurred_at"]
    found = each_api.problem("POST", "/v1/keys", {"role": "viewer", "expires_at": when})
    assert list(errors(found)) == ["/expires_at"]
    assert each_api.get(TASKS)["items"] == []


def test_times_at_the_edges_and_with_offsets_are_taken(each_api: Api) -> None:
    for number, (said, shown) in enumerate(
        (
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"),
            ("2026-01-01T00:30:00", "2026-01-01T00:30:00Z"),
        )
    ):
        each_api.report(f"t{number}", state="failed", occurred_at=said, completed_at=said)
        assert each_api.task(f"t{number}")["completed_at"] == shown
        each_api.get(TASKS)


def test_numbers_are_kept_as_they_are(each_api: Api) -> None:
    raw = b'{"task_id":"a","metadata":{"n":123456789012345678901234567890,"i":-9007199254740993}}'
    assert each_api.client.post(REPORTS, content=raw).status_code == 200
    shown = each_api.ask("GET", "/v1/tasks/a").text
    assert '"n":123456789012345678901234567890' in shown
    assert '"i":-9007199254740993' in shown


def test_a_number_beyond_its_range_is_refused(api: Api) -> None:
    huge = int("9" * 30)
    said = {"priority": huge, "items_total": huge, "shards": [{"index": huge}]}
    assert set(errors(api.problem("POST", TASKS, said))) == {
        "/priority",
        "/items_total",
        "/shards/0/index",
    }


def test_a_number_that_must_be_greater_is_refused_with_its_place(api: Api) -> None:
    limits = {"queue_seconds": -1, "run_seconds": 0}
    refused = api.problem("POST", "/v1/tasks", {"policy": {"limits": limits}})
    assert refused["errors"] == [
        {"pointer": "/policy/limits/queue_seconds", "detail": "must be greater than 0, not -1"},
        {"pointer": "/policy/limits/run_seconds", "detail": "must be greater than 0, not 0"},
    ]
    queue = {"name": "gpu", "weight": 0}
    refused = api.problem("POST", "/v1/claims", {"worker": "w1", "queues": [queue]})
    assert refused["errors"][0]["pointer"] == "/queues/0/weight"


def test_shards_with_one_index_are_refused(api: Api) -> None:
    shards = [{"index": 0}, {"index": 1}, {"index": 0}]
    found = api.problem("POST", TASKS, [{}, {"shards": shards}])
    assert errors(found) == {"/1/shards/2/index": "0 is the index of a shard before it"}


def test_tasks_of_one_list_with_one_id_are_refused(api: Api) -> None:
    found = api.problem("POST", TASKS, [{"id": "a"}, {"id": "a", "inputs": ["a"]}])
    assert found == IsPartialDict(
        code="task_exists", detail="The id 'a' is given to more than one of these tasks."
    )
    assert api.get(TASKS)["items"] == []


def test_headers_that_cannot_be_taken_are_named(api: Api) -> None:
    api.create("a")
    for name, value in (
        ("If-Match", "7"),
        ("If-Match", '"1", "2"'),
        ("Idempotency-Key", "x" * 256),
    ):
        found = api.problem("POST", "/v1/tasks/a/cancel", headers={name: value})
        assert found["status"] == 400
        assert list(errors(found)) == [f"header:{name.lower()}"]
    assert api.task("a")["state"] == "queued"


def test_an_address_or_a_method_that_is_not_there_is_a_problem(api: Api) -> None:
    assert api.problem("GET", "/v1/nowhere") == IsPartialDict(status=404, code="no_such_route")
    assert api.problem("GET", "/v1/tasks/a/b/c") == IsPartialDict(code="no_such_route")
    response = api.ask("PUT", "/v1/tasks")
    assert problem_of(response) == IsPartialDict(status=405, code="method_not_allowed")
    assert set(response.headers["allow"].split(", ")) >= {"GET", "POST"}


def test_a_report_on_a_shard_does_not_speak_of_the_task_by_mistake(api: Api) -> None:
    shard = {"index": 0, "item_count": 1, "item_offset": 0}
    api.create("sharded", items_total=1, shards=[shard])
    for said in ({"state": "succeeded"}, {"result": [1]}):
        one = {"task_id": "sharded", "shard": {"index": 0}, **said}
        (word,) = said
        expected = f"speaks of the whole task; a shard's stands in 'shard.{word}'"
        assert errors(api.problem("POST", REPORTS, one)) == {f"/{word}": expected}
        assert errors(api.problem("POST", REPORTS, [{"task_id": "x"}, one])) == {
            f"/1/{word}": expected
        }
    assert api.task("sharded")["state"] != "succeeded"


def test_one_task_is_not_as_large_as_a_list_may_be(api: Api) -> None:
    large = {"id": "large", "params": {"a": "x" * 1_048_576}}
    assert api.problem("POST", TASKS, large)["status"] == 413
    assert api.ask("GET", "/v1/tasks/large").status_code == 404
    api.post(TASKS, [large])


def test_a_long_list_of_reports_is_answered_in_its_order(api: Api) -> None:
    said = [{"task_id": f"many-{n}", "state": "running"} for n in range(1_200)]
    items = api.post(REPORTS, said)["items"]
    assert [item["task_id"] for item in items] == [one["task_id"] for one in said]
    positions = [item["event_id"] for item in items]
    assert positions == sorted(positions)
