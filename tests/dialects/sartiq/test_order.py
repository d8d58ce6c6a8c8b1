"""The order, number and company in which events arrive do not matter, over real HTTP."""

import asyncio
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialects.sartiq.sender import WEBHOOK, event
from tests.support.server import ANSWER_SECONDS_MAX, NO_CERTIFICATES, Server, task

Said = dict[str, Any]
AT_ONCE = 500
ARRIVAL = ("created_at", "updated_at", "version")


def at(second: int) -> str:
    return f"2026-11-22T02:{second // 60:02}:{second % 60:02}Z"


RUN: list[Said] = [
    {
        "status": "queued",
        "progress": 0,
        "timestamp": at(0),
        "task_type": "lora",
        "origin_zone": "eu",
    },
    {"status": "started", "progress": 1, "timestamp": at(5), "metadata": {"seed": 7, "epoch": 0}},
    {"status": "training", "progress": 50, "timestamp": at(60), "metadata": {"epoch": 5}},
    {"status": None, "progress": 80, "timestamp": at(90), "metadata": {"loss": 0.2}},
    {"status": "completed", "progress": 80, "timestamp": at(120), "entity_id": "model-9"},
]


def outcome(client: httpx.Client, task_id: str) -> Said:
    """The task but for what tells when and how often it was spoken of."""
    shown = task(client, task_id)
    return {name: value for name, value in shown.items() if name not in ARRIVAL}


def play(client: httpx.Client, task_id: str, events: Sequence[Said]) -> Said:
    """The task that these events make; it is removed, so that its id can be played again."""
    for said in events:
        response = client.post(WEBHOOK, json=event(task_id, **said))
        assert response.status_code == 200, response.text
    made = outcome(client, task_id)
    assert client.delete(f"/v1/tasks/{task_id}").status_code == 204
    return made


def test_every_permutation_of_a_run_ends_in_the_same_task(client: httpx.Client) -> None:
    expected = play(client, "permuted", RUN)
    assert (expected["state"], expected["progress"]["percent"]) == ("succeeded", 100)
    assert expected["metadata"] == {"seed": 7, "epoch": 5, "loss": 0.2}
    assert (expected["started_at"], expected["completed_at"]) == (at(5), at(120))
    different = [
        order
        for order in permutations(range(len(RUN)))
        if play(client, "permuted", [RUN[index] for index in order]) != expected
    ]
    assert different == []


STATUSES = [
    None,
    "queued",
    "running",
    "Uploading",
    "success",
    "failed",
    "timeout",
    "canceled",
    "odd",
]
EVENTS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "progress": st.integers(0, 100),
        "timestamp": st.integers(0, 6).map(at),
    },
    optional={
        "metadata": st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), max_size=2),
        "origin_zone": st.sampled_from(["eu", "us"]),
        "origin_instance": st.sampled_from(["gpu-1", "gpu-2"]),
        "entity_id": st.sampled_from(["m1", "m2"]),
        "task_type": st.sampled_from(["lora", "full"]),
        "error_message": st.sampled_from(["oom", "nan"]),
        "started_at": st.integers(0, 6).map(at),
        "completed_at": st.integers(0, 6).map(at),
    },
)


@st.composite
def two_tellings(draw: st.DrawFn) -> tuple[list[Said], list[Said]]:
    """The same five events twice: in another order, and some of them several times."""
    events = draw(st.lists(EVENTS, min_size=5, max_size=5))
    again = draw(st.lists(st.sampled_from(events), max_size=3))
    return events, draw(st.permutations(events + again))


@settings(max_examples=40)
@given(tellings=two_tellings())
def test_a_run_told_in_any_order_and_several_times_over_is_the_same_run(
    client: httpx.Client, tellings: tuple[list[Said], list[Said]]
) -> None:
    one, other = (play(client, "retold", events) for events in tellings)
    assert one == other


def crowd() -> list[Said]:
    """Events of two instances that overlap, tie and contradict each other."""
    events: list[Said] = [
        {
            "status": ["running", None, "training", "odd", "queued"][number % 5],
            "progress": number * 7 % 101,
            "timestamp": at(number // 3),
            "origin_zone": "eu",
            "origin_instance": f"gpu-{number % 2}",
            "metadata": {f"key-{number % 9}": number, "last": number},
        }
        for number in range(AT_ONCE - 3)
    ]
    events.insert(
        40, {"status": "failed", "progress": 9, "timestamp": at(70), "error_category": "oom"}
    )
    events.insert(200, {"status": "completed", "progress": 60, "timestamp": at(100)})
    events.insert(300, {"status": "cancelled", "progress": 50, "timestamp": at(90)})
    return events


async def post_at_once(url: str, key: str, events: Sequence[Said]) -> list[str]:
    """Post every event on a connection of its own, all in flight before one is answered."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=url,
        headers=headers,
        limits=limits,
        timeout=ANSWER_SECONDS_MAX,
        verify=NO_CERTIFICATES,
    ) as client:
        posts = [client.post(WEBHOOK, json=event("crowded", **said)) for said in events]
        answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json()["verdict"] for answer in answers]


@pytest.mark.timeout(120)
def test_500_events_in_flight_at_once_end_as_500_sent_one_by_one(each_server: Server) -> None:
    events = crowd()
    assert len(events) == AT_ONCE
    keys = {project: each_server.key(project=project) for project in ("at-once", "one-by-one")}
    with each_server.client(keys["one-by-one"]) as client:
        for said in events:
            client.post(WEBHOOK, json=event("crowded", **said)).raise_for_status()
        expected = outcome(client, "crowded")
    verdicts = asyncio.run(post_at_once(each_server.url, keys["at-once"], events))
    assert "duplicate" not in verdicts
    with each_server.client(keys["at-once"]) as client:
        made = outcome(client, "crowded")
    assert (made["state"], made["progress"]["percent"]) == ("succeeded", 100)
    assert made | {"project": "one-by-one"} == expected


@pytest.mark.timeout(120)
def test_one_event_sent_many_times_at_once_is_taken_once(each_server: Server) -> None:
    said: Said = {"status": "running", "progress": 5, "timestamp": at(1)}
    key = each_server.key(project="echo")
    verdicts = asyncio.run(post_at_once(each_server.url, key, [said] * 100))
    assert sorted(verdicts) == ["applied"] + ["duplicate"] * 99
    with each_server.client(key) as client:
        assert task(client, "crowded")["version"] == 1
