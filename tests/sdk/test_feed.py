"""Following the feed outlives the server's going away and misses nothing."""

from collections.abc import Callable
from itertools import islice

import httpx
import pytest

from farwork.sdk import Client, FarworkError, Patience, ServerFailed, Unreachable
from farwork.sdk import _feed as feed
from tests.sdk.conftest import Script, event, said

Scripted = Callable[..., tuple[Client, Script]]
AWAY = httpx.ConnectError("refused")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_LOOK_AGAIN", Patience(pause_s=0.0, pause_s_max=0.0))


def page(*positions: int, next_after: int) -> httpx.Response:
    return said({"items": [event(one) for one in positions], "next_after": next_after})


def test_following_begins_behind_the_latest_event(scripted: Scripted) -> None:
    client, script = scripted(
        said({"status": "ok", "feed_position": 7}),
        page(8, 9, next_after=9),
        page(10, next_after=10),
    )
    assert [one.id for one in islice(client.follow_feed(), 3)] == [8, 9, 10]
    assert [one.url.params.get("after") for one in script.asked] == [None, "7", "9"]


def test_an_empty_page_moves_on_too(scripted: Scripted) -> None:
    client, script = scripted(page(next_after=50), page(51, next_after=51))
    assert next(client.follow_feed(3, kinds=["train"])).id == 51
    assert [one.url.params["after"] for one in script.asked] == ["3", "50"]
    assert [one.url.params["kind"] for one in script.asked] == ["train", "train"]


def test_it_goes_on_where_it_was_when_the_server_comes_back(scripted: Scripted) -> None:
    client, script = scripted(
        page(1, next_after=1), *[AWAY] * 6, said({}, 503), page(2, next_after=2)
    )
    heard: list[FarworkError | None] = []
    found = islice(client.follow_feed(0, on_trouble=heard.append), 2)
    assert [one.id for one in found] == [1, 2]
    assert [type(one) for one in heard] == [Unreachable, Unreachable, type(None)]
    assert script.asked[-1].url.params["after"] == "1"


def test_a_server_that_breaks_down_over_a_page_is_asked_again(scripted: Scripted) -> None:
    client, _ = scripted(page(1, next_after=1), said({}, 500), page(2, next_after=2))
    heard: list[FarworkError | None] = []
    assert len(list(islice(client.follow_feed(0, on_trouble=heard.append), 2))) == 2
    assert isinstance(heard[0], ServerFailed)


def test_a_server_that_was_never_there_is_an_error(scripted: Scripted) -> None:
    client, _ = scripted(*[AWAY] * 3)
    with pytest.raises(Unreachable):
        next(client.follow_feed(0))
