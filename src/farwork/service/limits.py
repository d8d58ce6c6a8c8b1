"""Rate limits: so many requests of one caller in each window of time.

A process gives out requests from a share that it holds, so that a request costs a comparison and a
subtraction. Where several processes serve one database, shares are taken from one count there:
together they never give out more than the limit. Alone, a process holds the whole of it.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from farwork.domain.values import Instant
from farwork.service.ledger import Ledger
from farwork.service.refusals import SECOND, TooManyRequests
from farwork.service.single_flight import SingleFlight
from farwork.storage import usage_store

# A limit is taken in about so many shares. More of them lose less where a process does not use its
# share up; fewer ask the database less often.
SHARES = 20
METERS_MAX = 10_000
POLICY = "key"


class RateLimited(TooManyRequests):
    """The caller has made as many requests as it may."""

    code = "rate_limited"
    meter: "Meter | None" = None
    at: Instant = 0


@dataclass(slots=True, frozen=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: int


@dataclass(slots=True)
class Meter:
    """What one caller has left in the present window.

    `left` is the share that this process holds, `unclaimed` what no process had taken when it was
    last looked.
    """

    subject: str
    rate: Rate
    ends_at: Instant = 0
    left: int = 0
    unclaimed: int = 0

    def begin(self, now: Instant) -> None:
        """A new window: all is there to be taken."""
        length = self.rate.seconds * SECOND
        self.ends_at = now - now % length + length
        self.left, self.unclaimed = 0, self.rate.requests

    @property
    def policy_header(self) -> str:
        """The `RateLimit-Policy` field (draft-ietf-httpapi-ratelimit-headers-10)."""
        return f'"{POLICY}";q={self.rate.requests};w={self.rate.seconds}'

    def header(self, now: Instant) -> str:
        """The `RateLimit` field: what remains, and in how many seconds all is there again."""
        return f'"{POLICY}";r={self.left + self.unclaimed};t={self.seconds_left(now)}'

    def seconds_left(self, now: Instant) -> int:
        """Until the window ends."""
        return max(0, -(-(self.ends_at - now) // SECOND))


class Limits:
    """The meters of this process. `default` is for callers without a limit of their own."""

    def __init__(self, ledger: Ledger, default: Rate | None = None) -> None:
        self._ledger = ledger
        self._default = default
        self._meters: dict[str, Meter] = {}
        self._claims = SingleFlight[None]()

    def meter(self, subject: str, own: Rate | None = None) -> Meter | None:
        """The meter of a caller; None: it is not limited."""
        rate = own or self._default
        if rate is None:
            return None
        known = self._meters.get(subject)
        if known is None or known.rate != rate:
            if len(self._meters) >= METERS_MAX:
                self._meters.clear()
            known = self._meters[subject] = Meter(subject, rate)
        return known

    async def take(self, meter: Meter, now: Instant) -> None:
        """Let a request through. Raises `RateLimited`."""
        while True:
            if now >= meter.ends_at:
                meter.begin(now)
            if meter.left > 0:
                meter.left -= 1
                return
            if meter.unclaimed <= 0:
                raise _refusal(meter, now)
            await self._claims.ask(meter.subject, lambda: self._claim(meter))

    async def _claim(self, meter: Meter) -> None:
        """Take a share of what nobody has taken in this window."""
        limit, ends_at = meter.rate.requests, meter.ends_at
        if not self._ledger.store.is_shared:
            meter.left, meter.unclaimed = meter.unclaimed, 0
            return
        share = -(-limit // SHARES)

        def work(connection: Connection) -> tuple[int, int]:
            given = usage_store.claim(connection, meter.subject, ends_at, share, limit)
            return given, usage_store.given(connection, meter.subject)

        claimed, given = await self._ledger.work(work)
        # Time may have gone on to another window meanwhile.
        if meter.ends_at == ends_at:
            meter.left += claimed
            meter.unclaimed = max(0, limit - given) if claimed else 0


def _refusal(meter: Meter, now: Instant) -> RateLimited:
    seconds = meter.seconds_left(now)
    rate = meter.rate
    error = RateLimited.until(
        f"At most {rate.requests} requests in {rate.seconds} s; the next is possible in "
        f"{max(1, seconds)} s.",
        seconds,
    )
    assert isinstance(error, RateLimited), "it is made by its own class"
    error.meter, error.at = meter, now
    return error
