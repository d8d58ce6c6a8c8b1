"""When a request is sent again, and after how long."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from farwork import clock
from farwork.sdk._errors import FarworkError, Unreachable
from farwork.sdk._flow import Pause, Request, Response

Step = TypeVar("Step")
T = TypeVar("T")

# Nothing was done: the server says itself that it may be sent again.
_TURNED_AWAY = frozenset({429, 503})
# Something between us and the server gave up; what the server did is not known.
_LOST = frozenset({502, 504})
RETRY_AFTER_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent at most, and the pauses between.

    A pause doubles each time up to its maximum, and is shortened at random so that many clients do
    not come back together. Where the server says when to come back, that is the shortest pause. A
    request that might do its work twice is sent again only if the server turned it away.
    """

    attempts_max: int = 5
    pause_s: float = 0.2
    pause_s_max: float = 10.0
    dice: Callable[[], float] = clock.dice

    def pause(self, attempt: int, retry_after_s: float | None = None) -> Pause:
        """The pause after the `attempt`-th try, the first being 1."""
        grown = min(self.pause_s * 2.0 ** min(attempt - 1, 30), self.pause_s_max)
        drawn = grown * (0.5 + self.dice() / 2)
        return Pause(max(drawn, min(retry_after_s or 0.0, RETRY_AFTER_S_MAX)))


def patient(flow: Generator[Step, Any, T], patience: Patience) -> Generator[Step | Pause, Any, T]:
    """The same call, with requests sent again as `patience` has it."""
    try:
        step = next(flow)
        while True:
            try:
                answer = yield from _carried_out(step, patience)
            except FarworkError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        return end.value
    finally:
        flow.close()


def _carried_out(step: Step, patience: Patience) -> Generator[Step | Pause, Any, Any]:
    if not isinstance(step, Request):
        return (yield step)
    for attempt in range(1, patience.attempts_max):
        try:
            response = yield step
        except Unreachable:
            if not step.is_repeatable:
                raise
            yield patience.pause(attempt)
        else:
            if not _shall_come_again(step, response):
                return response
            yield patience.pause(attempt, _retry_after(response))
    return (yield step)


def _shall_come_again(request: Request, response: Response) -> bool:
    return response.status in _TURNED_AWAY or (request.is_repeatable and response.status in _LOST)


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None
