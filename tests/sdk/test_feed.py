"""Following the feed outlives the server's going away and misses nothing."""

from collections.abc import Callable
from itertools import islice

import httpx
import msgspec
import pytest

from farwork.sdk import (
    BadAnswer,
    Client,
    FarworkError,
    FeedReset,
    Patience,
    ServerFailed,
    Unreachable,
)
from farwork.sdk import _feed as feed
from farwork.sdk import _frames as frames
from farwork.sdk._frames import Frames
from tests.sdk.conftest import Script, event, said

Scripted = Callable[..., tuple[Client, Script]]
AWAY = httpx.ConnectError("refused")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_LOOK_AGAIN", Patience(pause_s=0.0, pause_s_max=0.0))


def stream(*parts: bytes | int) -> httpx.Response:
    """A stream of these frames, or of the events at these positions, that ends."""
    body = b"".join(one if isinstance(one, bytes) else framed(one) for one in parts)
    return httpx.Response(200, content=body)


def framed(position: int) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (position, msgspec.json.encode(event(position)))


def places(script: Script) -> list[str | None]:
    return [one.url.params.get("after") for one in script.asked]


def test_following_begins_behind_the_latest_event(scripted: Scripted) -> None:
    client, script = scripted(said({"status": "ok", "feed_position": 7}), stream(8, 9), stream(10))
    assert [one.id for one in islice(client.follow_feed(), 3)] == [8, 9, 10]
    assert places(script) == [None, "7", "9"]


def test_a_sign_of_life_moves_on_too(scripted: Scripted) -> None:
    client, script = scripted(stream(b": here\r\nid: 50\r\n\r\n"), stream(51))
    assert next(client.follow_feed(3, kinds=["train"])).id == 51
    assert places(script) == ["3", "50"]
    assert [one.url.params["kind"] for one in script.asked] == ["train", "train"]


def test_it_goes_on_where_it_was_when_the_server_comes_back(scripted: Scripted) -> None:
    client, script = scripted(stream(1), *[AWAY] * 6, said({}, 503), stream(2))
    heard: list[FarworkError | None] = []
    found = islice(client.follow_feed(0, on_trouble=heard.append), 2)
    assert [one.id for one in found] == [1, 2]
    assert [type(one) for one in heard] == [Unreachable, Unreachable, type(None)]
    assert places(script)[-1] == "1"


def test_a_server_that_breaks_down_is_asked_again(scripted: Scripted) -> None:
    client, _ = scripted(stream(1), said({}, 500), stream(2))
    heard: list[FarworkError | None] = []
    assert len(list(islice(client.follow_feed(0, on_trouble=heard.append), 2))) == 2
    assert [type(one) for one in heard] == [ServerFailed, type(None)]


def test_one_that_was_dropped_comes_back_for_what_it_has_not_seen(scripted: Scripted) -> None:
    dropped = b'event: dropped\ndata: {"reason": "slow"}\n\n'
    client, script = scripted(stream(1, dropped), stream(2))
    assert [one.id for one in islice(client.follow_feed(0), 2)] == [1, 2]
    assert places(script) == ["0", "1"]


def test_a_feed_that_ends_before_our_position_is_told_of(scripted: Scripted) -> None:
    reset = b'event: reset\nid: 4\ndata: {"reason": "ahead", "detail": "It is shorter."}\n\n'
    client, _ = scripted(stream(reset, 5))
    heard: list[FarworkError | None] = []
    assert next(client.follow_feed(90, on_trouble=heard.append)).id == 5
    assert [str(one) for one in heard] == ["It is shorter."]
    assert isinstance(heard[0], FeedReset)


def test_a_server_that_was_never_there_is_an_error(scripted: Scripted) -> None:
    client, _ = scripted(*[AWAY] * 3)
    with pytest.raises(Unreachable):
        next(client.follow_feed(0))


def test_a_stream_of_anything_else_is_a_bad_answer(scripted: Scripted) -> None:
    for body in (b"data: {}\n\n", b"data: \xff\n\n"):
        client, _ = scripted(httpx.Response(200, content=body))
        with pytest.raises(BadAnswer):
            next(client.follow_feed(0))


def test_frames_are_found_however_the_body_is_cut() -> None:
    body = framed(1) + b": here\nid: 2\n\n" + b"event: reset\r\ndata: a\r\ndata: b\r\n\r\n"
    whole = Frames().take(body)
    assert [(one.name, one.id) for one in whole] == [
        ("message", "1"),
        ("message", "2"),
        ("reset", ""),
    ]
    assert whole[2].data == "a\nb"
    bytewise = Frames()
    assert [one for i in range(len(body)) for one in bytewise.take(body[i : i + 1])] == whole


def test_an_event_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FRAME_BYTES_MAX", 10)
    with pytest.raises(BadAnswer):
        Frames().take(b"data: 0123456789")
