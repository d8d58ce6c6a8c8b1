"""From Sartiq's words to ours: pure, total, and not by chance the contract's table."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from farwork.clock import now
from farwork.domain.values import Origin, TaskState, Verdict
from farwork.http.dialects.sartiq.translate import (
    WORDS,
    fitting,
    in_utc,
    report_from,
    verdict_from,
    word_of,
)
from farwork.http.dialects.sartiq.wire import TaskStatusEvent, TaskStatusVerdict
from farwork.protocol.reports import OriginIn, ReportIn, take_in

CONTRACT = {
    "queued": "pending queued enqueued created submitted waiting scheduled new accepted",
    "running": (
        "running started inprogress processing training executing active uploading initializing"
        " resumed"
    ),
    "succeeded": "success succeeded completed complete done finished ok",
    "failed": "failed failure error errored crashed timeout timedout rejected expired",
    "cancelled": "cancelled canceled aborted stopped killed revoked",
}


def made(**said: Any) -> TaskStatusEvent:
    required: dict[str, Any] = {
        "event_type": "training_status_update",
        "task_id": "t",
        "status": None,
        "progress": 0.0,
        "task_type": "lora",
    }
    return TaskStatusEvent(**(required | said))


def test_the_table_of_words_is_the_contracts() -> None:
    assert {word: state.value for word, state in WORDS.items()} == {
        word: state for state, words in CONTRACT.items() for word in words.split()
    }


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("IN_PROGRESS", TaskState.RUNNING, None),
        ("in-Progress", TaskState.RUNNING, None),
        (" in progress ", TaskState.RUNNING, None),
        ("Timed Out", TaskState.FAILED, "timeout"),
        ("TIMEOUT", TaskState.FAILED, "timeout"),
        ("expired", TaskState.FAILED, "timeout"),
        ("rejected", TaskState.FAILED, None),
        ("O.K.", None, None),
        ("", None, None),
        ("running!", None, None),
    ],
)
def test_a_status_is_matched_without_case_hyphens_underscores_and_spaces(
    status: str, state: TaskState | None, reason: str | None
) -> None:
    report = report_from(made(status=status), {}, None)
    assert (report.state, report.reason, report.reported_status) == (state, reason, status)
    assert (report.note is None) == (state is not None)


def test_an_event_with_nothing_to_say_says_nothing() -> None:
    assert report_from(made(task_type=""), {}, None) == ReportIn(
        task_id="t", progress=0.0, extra={"event_type": "training_status_update"}
    )


def test_empty_text_is_nothing_said() -> None:
    said = made(entity_id="", origin_zone="", origin_instance="", origin_version="", metadata={})
    assert report_from(said, {}, None) == report_from(made(), {}, None)


@pytest.mark.parametrize(
    ("zone", "instance", "source", "queue"),
    [
        ("eu", "gpu-7", "eu/gpu-7", "eu"),
        ("eu", None, "eu", "eu"),
        (None, "gpu-7", "gpu-7", None),
        (None, None, None, None),
    ],
)
def test_zone_and_instance_are_the_source_and_the_zone_is_the_queue(
    zone: str | None, instance: str | None, source: str | None, queue: str | None
) -> None:
    report = report_from(made(origin_zone=zone, origin_instance=instance), {}, None)
    assert (report.source, report.queue) == (source, queue)
    assert report.origin == (None if source is None else OriginIn(source, instance, zone, None))


def test_a_version_alone_is_an_origin_without_a_source() -> None:
    report = report_from(made(origin_version="2"), {}, "msg_1")
    assert (report.origin, report.source) == (OriginIn(version="2"), None)
    assert report.delivery_id == "msg_1"


def test_two_long_texts_are_told_apart_within_the_bound() -> None:
    one, other = fitting("x" * 300 + "a"), fitting("x" * 300 + "b")
    assert len(one) == len(other) == 255
    assert one != other
    assert fitting("x" * 255) == "x" * 255


def test_moments_are_said_in_utc() -> None:
    naive = datetime(2026, 11, 22, 2)  # noqa: DTZ001 - what a sender without zones says
    assert in_utc(naive) == datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert in_utc(None) is None


def test_no_unknown_key_hides_what_we_keep_ourselves() -> None:
    said = made(additional_properties={"a": 1}, error_message="e" * 10_001)
    extra = report_from(said, {"verdict": "mine", "metadata2": None}, None).extra
    assert extra == {
        "event_type": "training_status_update",
        "additional_properties": {"a": 1},
        "error_message": "e" * 10_001,
        "verdict": "mine",
        "metadata2": None,
    }


def test_every_answer_has_a_verdict() -> None:
    assert verdict_from("t", Verdict.LATE, 7) == TaskStatusVerdict("t", "late", 7)
    with pytest.raises(AssertionError):
        verdict_from("t", None, None)


text = st.none() | st.text(max_size=255)
FIRST, LAST = datetime.min.replace(year=2), datetime.max.replace(year=9998)  # noqa: DTZ901 - bounds without a zone, as hypothesis wants them
moments = st.one_of(
    st.none(), st.datetimes(FIRST, LAST), st.datetimes(FIRST, LAST, timezones=st.timezones())
)
events = st.builds(
    made,
    status=text | st.sampled_from(sorted(WORDS)),
    entity_id=text,
    origin_instance=text,
    origin_zone=text,
    origin_version=text,
    timestamp=moments,
    started_at=moments,
    completed_at=moments,
    progress=st.floats(0, 100),
    error_message=st.none() | st.text(max_size=20_000),
    error_category=text,
    task_type=st.text(max_size=255),
)


@given(event=events, delivery_id=text)
def test_every_event_makes_a_report_that_the_log_gives_back(
    event: TaskStatusEvent, delivery_id: str | None
) -> None:
    report, kept = take_in(report_from(event, {}, delivery_id), source="x", received_at=now())
    assert json.decode(kept, type=ReportIn).task_id == report.task_id
    assert report.percent == event.progress
    assert report.state == (None if event.status is None else WORDS.get(word_of(event.status)))
    assert report.origin is None or isinstance(report.origin, Origin)
