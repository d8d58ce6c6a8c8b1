"""When a request is sent again: seen step by step, without a network or a clock."""

from collections.abc import Generator
from typing import Any

import pytest

from farwork.sdk import Overloaded, Patience, Unreachable
from farwork.sdk._flow import Pause, Request, Response, exchange, post
from farwork.sdk._patience import patient

GET = Request("GET", "/v1/tasks/a")
PATCH = Request("PATCH", "/v1/tasks/a", body=b"{}")
GOOD = Response(200, {}, b"{}")
AWAY = Unreachable("Nobody is there.")
CALM = Patience(attempts_max=3, pause_s=1.0, pause_s_max=8.0, dice=lambda: 1.0)

Answer = Response | Unreachable


def answered(*, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return Response(status, headers or {}, b"{}")


def played(request: Request, *answers: Answer, patience: Patience = CALM) -> tuple[Any, list[Any]]:
    """What a call ends with when it is answered so, and every step that it took."""
    flow: Generator[Any, Any, Any] = patient(exchange(request), patience)
    script = iter(answers)
    steps: list[Any] = []
    try:
        step = next(flow)
        while True:
            steps.append(step)
            given = None if isinstance(step, Pause) else next(script)
            step = flow.throw(given) if isinstance(given, Unreachable) else flow.send(given)
    except StopIteration as end:
        return end.value, steps
    except (Unreachable, Overloaded) as error:
        return error, steps


def test_a_good_answer_needs_one_request() -> None:
    assert played(GET, GOOD) == (GOOD, [GET])


def test_a_safe_request_is_sent_again_after_a_growing_pause() -> None:
    assert played(GET, AWAY, AWAY, GOOD) == (GOOD, [GET, Pause(1.0), GET, Pause(2.0), GET])


def test_after_the_last_attempt_the_caller_hears_why() -> None:
    assert played(GET, AWAY, AWAY, AWAY) == (AWAY, [GET, Pause(1.0), GET, Pause(2.0), GET])


def test_a_request_that_might_work_twice_is_not_sent_again_when_its_answer_is_lost() -> None:
    assert played(PATCH, AWAY) == (AWAY, [PATCH])


def test_a_post_has_a_key_by_which_it_is_recognised_and_so_may_be_sent_again() -> None:
    request = post("/v1/tasks", {})
    assert played(request, AWAY, GOOD) == (GOOD, [request, Pause(1.0), request])


@pytest.mark.parametrize("status", [429, 503])
def test_what_the_server_turned_away_is_sent_again_whatever_it_is(status: int) -> None:
    turned_away = answered(status=status)
    assert played(PATCH, turned_away, GOOD) == (GOOD, [PATCH, Pause(1.0), PATCH])


def test_the_server_says_how_long_the_pause_is_at_least() -> None:
    turned_away = answered(status=503, headers={"retry-after": "7"})
    assert played(GET, turned_away, GOOD)[1] == [GET, Pause(7.0), GET]


def test_the_server_cannot_make_us_wait_for_ever() -> None:
    turned_away = answered(status=503, headers={"retry-after": "86400"})
    assert played(GET, turned_away, GOOD)[1] == [GET, Pause(60.0), GET]


def test_a_server_that_stays_overloaded_is_an_error_in_the_end() -> None:
    error, steps = played(GET, *[answered(status=503)] * 3)
    assert isinstance(error, Overloaded)
    assert len(steps) == 5


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_lost_the_answer_is_asked_again_only_where_that_is_safe(
    status: int,
) -> None:
    assert played(GET, answered(status=status), GOOD)[1] == [GET, Pause(1.0), GET]


def test_pauses_do_not_grow_without_end_and_differ_between_clients() -> None:
    late = [Patience(pause_s_max=8.0, dice=lambda v=v: v).pause(40) for v in (0.0, 0.5, 1.0)]
    assert late == [Pause(4.0), Pause(6.0), Pause(8.0)]
