"""The feed as a stream: whoever comes back at whatever moment has seen every event, once."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import Any

import httpx
import pytest

from farwork.sdk._frames import Frame, Frames
from tests.native.api import Api, problem_of
from tests.native.test_feed import drained

WRITERS = 3
TASKS_EACH = 40
SUBSCRIBERS = 6
LAST = "the-last"


def frames_of(response: httpx.Response) -> Iterator[Frame]:
    """The frames of a stream, until it is closed."""
    frames = Frames()
    for piece in response.iter_bytes():
        yield from frames.take(piece)


def followed(api: Api, seed: int, **query: Any) -> list[dict[str, Any]]:
    """What a subscriber sees that is cut off again and again, until it sees the last event."""
    seen: list[dict[str, Any]] = []
    place = "0"
    with api.server.client(api.client.headers["Authorization"].split()[1]) as client:
        for turn in count():
            left = (17 * seed + 23 * turn) % 31 + 1
            headers = {"Last-Event-ID": place}
            with client.stream("GET", "/v1/feed/stream", params=query, headers=headers) as response:
                for frame in frames_of(response):
                    place = frame.id or place
                    if frame.data:
                        seen.append(json.loads(frame.data))
                        if seen[-1]["task_id"] == LAST:
                            return seen
                    left -= 1
                    if left == 0:
                        break
    raise AssertionError


def write(api: Api, number: int) -> None:
    with api.server.client(api.client.headers["Authorization"].split()[1]) as client:
        for i in range(TASKS_EACH):
            said = {"task_id": f"{number}-{i}", "queue": f"q{i % 2}"}
            assert client.post("/v1/reports", json=said).is_success
            said = {"task_id": f"{number}-{i // 2}", "state": "running"}
            assert client.post("/v1/reports", json=said).is_success


def test_subscribers_that_come_and_go_see_each_event_once_and_in_order(each_api: Api) -> None:
    filters: list[dict[str, Any]] = [
        {},
        {"queue": ["q1", "end"]},
        {"type": ["task.registered", "task.created"]},
    ]
    with ThreadPoolExecutor(WRITERS + SUBSCRIBERS) as pool:
        following = [
            pool.submit(followed, each_api, seed, **filters[seed % len(filters)])
            for seed in range(SUBSCRIBERS)
        ]
        writing = [pool.submit(write, each_api, number) for number in range(WRITERS)]
        for one in writing:
            one.result()
        each_api.create(LAST, queue="end")
        seen = [one.result() for one in following]
    for seed, found in enumerate(seen):
        assert found == drained(each_api, limit=500, **filters[seed % len(filters)])


def test_a_stream_begins_with_what_comes_next(api: Api) -> None:
    api.create("before")
    with api.client.stream("GET", "/v1/feed/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        frames = frames_of(response)
        assert next(frames) == Frame()
        api.create("after")
        (event,) = [json.loads(one.data) for one in [next(f for f in frames if f.data)]]
    assert event["task_id"] == "after"
    assert event == api.get("/v1/feed")["items"][-1]


def test_a_stream_with_an_end_is_the_log_so_far(api: Api) -> None:
    api.create("a", "b")
    with api.client.stream("GET", "/v1/feed/stream?after=0&seconds=0") as response:
        found = [json.loads(frame.data) for frame in frames_of(response) if frame.data]
    assert found == drained(api)


def test_a_filter_that_nothing_passes_still_moves_the_place_on(api: Api) -> None:
    api.create("a")
    last = drained(api)[-1]["id"]
    with api.client.stream("GET", "/v1/feed/stream?after=0&seconds=0&task=none") as response:
        found = list(frames_of(response))
    assert int(found[-1].id) >= last
    assert [frame.data for frame in found if frame.data] == []


def test_a_position_behind_the_end_is_answered_with_a_reset(api: Api) -> None:
    headers = {"Last-Event-ID": str(2**62)}
    path = "/v1/feed/stream?seconds=0"
    with api.client.stream("GET", path, headers=headers) as response:
        first = next(frames_of(response))
    said = json.loads(first.data)
    assert (first.name, said["reason"], said["asked"]) == ("reset", "ahead", 2**62)
    assert int(first.id) < 2**62


@pytest.mark.parametrize("place", ["x", "-1", str(2**63), "1.5"])
def test_a_last_event_id_that_is_no_position_is_refused(api: Api, place: str) -> None:
    response = api.ask("GET", "/v1/feed/stream", headers={"Last-Event-ID": place})
    assert problem_of(response)["errors"] == [
        {"pointer": "header:last-event-id", "detail": "must be a position in the feed"}
    ]


@pytest.mark.timeout(120)
def test_one_that_takes_nothing_is_dropped_and_nobody_else_waits(api: Api) -> None:
    host, port = api.server.url.removeprefix("http://").split(":")
    key = api.client.headers["Authorization"]
    with closing(socket.socket()) as idle:
        # Set before connecting, so that the peer never learns of a larger window.
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect((host, int(port)))
        asked = f"GET /v1/feed/stream HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key}\r\n\r\n"
        idle.sendall(asked.encode())
        assert idle.recv(12) == b"HTTP/1.1 200"
        with api.client.stream("GET", "/v1/feed/stream?after=0") as response:
            frames = frames_of(response)
            large = {"blob": "x" * 200_000}
            for number in range(40):
                api.report(f"t{number}", metadata=large)
                events = (json.loads(frame.data) for frame in frames if frame.data)
                assert next(e for e in events if e["report"])["task_id"] == f"t{number}"
        idle.settimeout(20)
        told = b""
        while piece := idle.recv(1 << 16):
            told = (told + piece)[-4096:]
            if b"event: dropped" in told:
                break
    assert b'"reason":"slow"' in told
