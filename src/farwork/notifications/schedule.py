"""When a delivery is tried again, and when an endpoint counts as dead. Pure."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from farwork.domain.values import Instant

SECOND_US = 1_000_000
RETRIES_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The pauses that Standard Webhooks recommends: ten attempts within about three days."""
JITTER = 0.1
RETRY_AFTER_S_MAX = 86_400
FAILURES_MAX = 5
"""After so many failures without a success between, the circuit opens."""
PROBE_S = 30
PROBE_S_MAX = 3_600
DEAD_AFTER_S = 5 * 86_400
"""An endpoint that has failed for so long is sent nothing until somebody says so."""


@dataclass(slots=True, frozen=True)
class Reply:
    """What came of an attempt: a status with what was said, or why there is none."""

    status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: str | None = None
    latency_ms: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110

    @property
    def outcome(self) -> str:
        """One word for what came of it."""
        if self.ok:
            return "taken"
        return "no_answer" if self.status is None else "refused"

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more."""
        return self.status == HTTPStatus.GONE

    @property
    def trouble(self) -> str | None:
        """What is wrong, in words; None: nothing."""
        if self.ok:
            return None
        return self.error or f"The receiver answered {self.status}."


def next_try(attempts: int, reply: Reply, now: Instant, dice: float) -> Instant | None:
    """When to try again after so many attempts; None: not any more.

    A receiver that says when to come back is not asked earlier.
    """
    if attempts > len(RETRIES_S):
        return None
    pause_s = RETRIES_S[attempts - 1] * (1 + JITTER * dice)
    asked_s = _retry_after_s(reply.retry_after, now)
    return now + int(max(pause_s, min(asked_s, RETRY_AFTER_S_MAX)) * SECOND_US)


def _retry_after_s(text: str | None, now: Instant) -> float:
    if text is None:
        return 0.0
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - years of seconds
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, at.timestamp() - now / SECOND_US)


@dataclass(slots=True)
class Circuit:
    """How sending to one endpoint goes."""

    failures: int = 0
    failing_since: Instant | None = None
    probe_at: Instant | None = None
    last_error: str | None = None
    pause_s: int = PROBE_S

    @property
    def is_open(self) -> bool:
        """Whether one delivery at a time is tried, now and then."""
        return self.probe_at is not None

    def note(self, reply: Reply, now: Instant, dice: float) -> str | None:
        """Take in a reply; what became of the circuit by it: `opened`, `closed`, `dead` or None."""
        if reply.ok:
            was_open = self.is_open
            self.failures, self.failing_since = 0, None
            self.probe_at, self.last_error = None, None
            return "closed" if was_open else None
        self.failures += 1
        self.last_error = reply.trouble
        self.failing_since = now if self.failing_since is None else self.failing_since
        if self.failures < FAILURES_MAX:
            return None
        if self.probe_at is not None and now < self.probe_at:
            # It was begun before the circuit opened.
            return None
        was_open = self.is_open
        self.pause_s = min(self.pause_s * 2, PROBE_S_MAX) if was_open else PROBE_S
        self.probe_at = now + int(self.pause_s * (1 + JITTER * dice) * SECOND_US)
        if now - self.failing_since >= DEAD_AFTER_S * SECOND_US:
            return "dead"
        return None if was_open else "opened"

    def values(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "failures": self.failures,
            "failing_since": self.failing_since,
            "probe_at": self.probe_at,
            "last_error": self.last_error,
        }
