"""What an event does to its task, over real HTTP."""

from typing import Any

import pytest

from farwork.domain.values import TaskState, Verdict
from farwork.http.dialects.sartiq.translate import WORDS
from farwork.storage import event_reader
from farwork.storage.engine import open_engine
from tests.dialects.sartiq.sender import WEBHOOK, Sender, event
from tests.support.server import Server, task

FINAL = {TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED}


def at(minute: int, second: int = 0) -> str:
    return f"2026-11-22T02:{minute:02}:{second:02}Z"


def kept(server: Server, task_id: str) -> list[dict[str, Any]]:
    """The reports about a task as the log has them."""
    engine = open_engine(server.database, read_only=True)
    with engine.connect() as connection:
        log = event_reader.feed(connection, None, after=0, limit=1_000_000)
    engine.dispose()
    return [entry.report for entry in log if entry.task_id == task_id and entry.report]


def test_the_answer_names_task_verdict_and_event_and_nothing_else(sender: Sender) -> None:
    response = sender.post(status="running")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert isinstance(answer.pop("event_id"), int)
    assert answer == {"task_id": sender.task_id, "verdict": "applied"}


def test_every_field_finds_its_place_on_the_task(sender: Sender) -> None:
    sender.post(
        status="Training",
        progress=42.5,
        task_type="lora",
        entity_id="model-9",
        origin_instance="gpu-7",
        origin_zone="eu-west",
        origin_version="1.4.2",
        timestamp=at(5),
        started_at=at(1),
        metadata={"loss": 0.31, "gpu": {"memory": [1, 2]}},
    )
    shown = sender.task()
    wanted = {
        "kind": "lora",
        "queue": "eu-west",
        "state": "running",
        "reason": None,
        "reported_status": "Training",
        "progress": {"percent": 42.5, "message": None},
        "labels": {"entity_id": "model-9"},
        "metadata": {"loss": 0.31, "gpu": {"memory": [1, 2]}},
        "origin": {
            "source": "eu-west/gpu-7",
            "instance": "gpu-7",
            "zone": "eu-west",
            "version": "1.4.2",
        },
        "started_at": at(1),
        "completed_at": None,
        "error": None,
    }
    assert {name: shown[name] for name in wanted} == wanted


def test_an_event_with_nothing_but_what_is_required_registers_its_task(sender: Sender) -> None:
    assert sender.verdict() == "applied"
    shown = sender.task()
    assert shown["kind"] == "model_training"
    assert (shown["state"], shown["queue"]) == ("created", "default")
    assert (shown["labels"], shown["origin"], shown["error"]) == ({}, None, None)


def test_optional_fields_may_be_null(sender: Sender) -> None:
    names = ("entity_id", "origin_instance", "origin_zone", "origin_version", "timestamp")
    more = ("metadata", "error_message", "error_category", "completed_at", "started_at")
    assert sender.verdict(status="running", **dict.fromkeys(names + more)) == "applied"


def test_a_task_shows_in_the_native_list(sender: Sender) -> None:
    sender.post(status="running", entity_id=sender.task_id)
    listed = sender.client.get("/v1/tasks", params={"label": f"entity_id={sender.task_id}"}).json()
    assert [one["id"] for one in listed["items"]] == [sender.task_id]


@pytest.mark.parametrize("word", sorted(WORDS))
def test_each_word_of_the_table_sets_its_state(sender: Sender, word: str) -> None:
    status = "-".join((word[:2].upper(), word[2:4], "_ " + word[4:]))
    assert sender.verdict(status=status, progress=3) == "applied"
    shown = sender.task()
    assert shown["state"] == WORDS[word]
    assert shown["reported_status"] == status
    assert shown["reason"] == ("timeout" if word in {"timeout", "timedout", "expired"} else None)
    assert shown["progress"]["percent"] == (100 if WORDS[word] is TaskState.SUCCEEDED else 3)
    assert (shown["completed_at"] is not None) == (WORDS[word] in FINAL)


def test_a_word_outside_the_table_is_kept_and_changes_no_state(
    server: Server, sender: Sender
) -> None:
    sender.post(status="running", progress=10, timestamp=at(1))
    response = sender.post(status="Defragmenting", progress=20, timestamp=at(2))
    assert response.json()["verdict"] == "applied"
    shown = sender.task()
    assert (shown["state"], shown["reported_status"]) == ("running", "Defragmenting")
    assert shown["progress"]["percent"] == 20
    assert reason_of(server, response.json()["event_id"]) == (
        "the status 'Defragmenting' is not known here; the state stays as it was"
    )


def reason_of(server: Server, position: int) -> str | None:
    engine = open_engine(server.database, read_only=True)
    with engine.connect() as connection:
        (entry,) = event_reader.feed(connection, None, after=position - 1, limit=1)
    engine.dispose()
    return entry.reason


def test_no_status_means_no_change_of_state_and_the_rest_is_read(sender: Sender) -> None:
    sender.post(status="running", progress=10, timestamp=at(1))
    sender.post(status=None, progress=30, timestamp=at(2), metadata={"epoch": 3})
    shown = sender.task()
    assert (shown["state"], shown["reported_status"]) == ("running", "running")
    assert (shown["progress"]["percent"], shown["metadata"]) == (30, {"epoch": 3})


def test_a_success_ends_at_100_whatever_number_came_with_it(sender: Sender) -> None:
    sender.post(status="running", progress=70, timestamp=at(1))
    sender.post(status="completed", progress=12, timestamp=at(2), completed_at=at(1, 59))
    shown = sender.task()
    assert (shown["state"], shown["progress"]["percent"]) == ("succeeded", 100)
    assert shown["completed_at"] == at(1, 59)


def test_a_failure_keeps_the_last_progress_and_says_why(sender: Sender) -> None:
    sender.post(status="running", progress=70, timestamp=at(1))
    sender.post(
        status="failed", progress=0, timestamp=at(2), error_category="oom", error_message="CUDA"
    )
    shown = sender.task()
    assert (shown["state"], shown["progress"]["percent"]) == ("failed", 70)
    assert shown["error"] == {"category": "oom", "message": "CUDA"}
    assert shown["completed_at"] == at(2)


def test_an_error_message_of_any_length_is_kept_whole(server: Server, sender: Sender) -> None:
    trace = "Traceback\n" + "é" * 50_000
    sender.post(status="failed", error_message=trace)
    assert sender.task()["error"]["message"] == trace[:10_000]
    assert kept(server, sender.task_id)[0]["extra"]["error_message"] == trace


def test_times_without_a_zone_are_utc(sender: Sender) -> None:
    sender.post(
        status="completed",
        timestamp="2026-11-22T02:00:00",
        started_at="2026-11-22T01:00:00.5",
        completed_at="2026-11-22T03:00:00+01:00",
    )
    shown = sender.task()
    assert shown["started_at"] == "2026-11-22T01:00:00.500000Z"
    assert shown["completed_at"] == "2026-11-22T02:00:00Z"


def test_metadata_merges_key_by_key_and_by_time(sender: Sender) -> None:
    sender.post(timestamp=at(2), metadata={"loss": 0.2, "epoch": 2})
    sender.post(timestamp=at(1), metadata={"loss": 0.9, "seed": 7})
    sender.post(timestamp=at(3), metadata={"epoch": 3})
    assert sender.task()["metadata"] == {"loss": 0.2, "epoch": 3, "seed": 7}


def test_what_the_sender_says_beyond_our_words_stays_with_the_report(
    server: Server, sender: Sender
) -> None:
    sender.post(
        event_type="some_new_type",
        additional_properties={"node": {"rack": 3}},
        carbon_grams=12.5,
        **{"": [None], "Event_Type": "x"},
    )
    assert kept(server, sender.task_id)[0]["extra"] == {
        "event_type": "some_new_type",
        "additional_properties": {"node": {"rack": 3}},
        "carbon_grams": 12.5,
        "": [None],
        "Event_Type": "x",
    }


def test_the_same_event_again_is_a_duplicate(sender: Sender) -> None:
    said: dict[str, Any] = {"status": "running", "progress": 5, "timestamp": at(1)}
    assert [sender.verdict(**said), sender.verdict(**said)] == ["applied", "duplicate"]
    assert sender.task()["version"] == 1


def test_the_same_event_without_a_time_is_a_duplicate_too(sender: Sender) -> None:
    said: dict[str, Any] = {"status": "running", "progress": 5}
    assert [sender.verdict(**said), sender.verdict(**said)] == ["applied", "duplicate"]


def test_the_same_moment_written_differently_is_the_same_event(sender: Sender) -> None:
    times = ["2026-11-22T02:01:00Z", "2026-11-22 02:01:00", "2026-11-22T03:01+01:00"]
    verdicts = [sender.verdict(status="running", timestamp=time) for time in times]
    assert verdicts == ["applied", "duplicate", "duplicate"]


def test_the_same_event_from_another_instance_is_not_a_duplicate(sender: Sender) -> None:
    said: dict[str, Any] = {"status": "running", "timestamp": at(1), "origin_zone": "eu"}
    verdicts = [sender.verdict(**said, origin_instance=name) for name in ("gpu-1", "gpu-2")]
    assert "duplicate" not in verdicts


def test_an_event_that_comes_late_takes_its_place_in_time(sender: Sender) -> None:
    sender.post(status="completed", progress=100, timestamp=at(9))
    response = sender.post(status="running", progress=40, timestamp=at(3), started_at=at(2))
    assert response.status_code == 200
    assert response.json()["verdict"] in set(Verdict) - {Verdict.DUPLICATE}
    shown = sender.task()
    assert (shown["state"], shown["progress"]["percent"]) == ("succeeded", 100)
    assert (shown["started_at"], shown["completed_at"]) == (at(2), at(9))


def test_an_event_after_an_operators_cancel_is_late_and_answered_200(sender: Sender) -> None:
    sender.post(status="running", timestamp=at(1))
    assert sender.client.post(f"/v1/tasks/{sender.task_id}/cancel").status_code == 200
    assert sender.verdict(status="completed") == "late"
    assert sender.task()["state"] == "cancelled"


def test_an_unknown_event_type_never_fails(sender: Sender) -> None:
    assert sender.verdict(event_type="x" * 100, status="running") == "applied"


@pytest.mark.parametrize(
    "task_id", ["a b", "a/b/../c", "ü-任务-🧪", "x" * 255, '"quoted"', "%2F", "<b>", "\u00a0x"]
)
def test_a_task_id_is_any_printable_text(sender: Sender, task_id: str) -> None:
    response = sender.client.post(WEBHOOK, json=event(task_id, status="running"))
    assert response.status_code == 200
    assert response.json()["task_id"] == task_id


def test_a_project_that_rejects_unknown_tasks_says_so_and_keeps_nothing(server: Server) -> None:
    key = server.key(project="strict")
    engine = open_engine(server.database)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE projects SET unknown_tasks = 'reject' WHERE id = 'strict'"
        )
    engine.dispose()
    with server.client(key) as client:
        response = client.post(WEBHOOK, json=event("nobody", status="running"))
        assert (response.status_code, response.json()) == (
            200,
            {"task_id": "nobody", "verdict": "unknown_task", "event_id": None},
        )
        assert client.get("/v1/tasks/nobody").status_code == 404


def test_long_origins_are_taken_and_told_apart(sender: Sender) -> None:
    zone = "z" * 255
    verdicts = [
        sender.verdict(status="running", origin_zone=zone, origin_instance="i" * 254 + end)
        for end in "ab"
    ]
    assert "duplicate" not in verdicts
    shown = task(sender.client, sender.task_id)
    assert (shown["queue"], len(shown["origin"]["source"])) == (zone, 255)
