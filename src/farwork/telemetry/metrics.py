"""What a process tells of itself in numbers: Prometheus metrics, by its conventions.

Names that callers choose (queues, kinds) are read from the tables when somebody asks, a bounded
number of them; what is counted while working has labels that we choose ourselves.
"""

import os
from bisect import bisect_left
from collections import Counter as Count
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from farwork.telemetry.counts import Batch, Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where several processes of one server put their counts together; the library looks there."""
_FAST = (0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000)
_LATENESS = (0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0)


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: Any = {"registry": self.registry}
        self._reports = Counter(
            "farwork_reports", "Reports taken, by what became of them.", ["verdict"], **own
        )
        self._events = Counter("farwork_events", "Events appended to the log.", ["type"], **own)
        self._commit_seconds = Histogram(
            "farwork_commit_seconds", "Time of one transaction.", buckets=_FAST, **own
        )
        self._commit_commands = Histogram(
            "farwork_commit_commands", "Commands in one transaction.", buckets=_SIZES, **own
        )
        self._lateness = _Many(
            "farwork_report_lateness_seconds",
            "How long before it was taken a report says that it happened.",
            buckets=_LATENESS,
            **own,
        )
        self._requests = Histogram(
            "farwork_http_request_duration_seconds",
            "Time of one request; a stream counts until its head is sent.",
            ["method", "route", "status"],
            buckets=_FAST,
            **own,
        )
        self._attempts = Counter(
            "farwork_hook_attempts", "Attempts to deliver a webhook.", ["outcome"], **own
        )
        self._attempt_seconds = Histogram(
            "farwork_hook_attempt_seconds", "Time of one attempt.", buckets=_FAST, **own
        )
        self._dropped = Counter(
            "farwork_feed_subscribers_dropped",
            "Subscribers of the feed dropped.",
            ["reason"],
            **own,
        )
        self._waiting = Gauge(
            "farwork_writes_waiting", "Commands that wait to be written.",
            multiprocess_mode="livesum", **own,
        )  # fmt: skip
        self._subscribers = Gauge(
            "farwork_feed_subscribers", "Subscribers of the feed.",
            multiprocess_mode="livesum", **own,
        )  # fmt: skip
        self._subscriber_lag = Gauge(
            "farwork_feed_subscriber_lag_events",
            "By how many positions the hindmost subscriber is behind.",
            multiprocess_mode="livemax",
            **own,
        )
        self._of_reports = self._requests.labels("POST", "/v1/reports", "200")

    # --- told while working ---

    def committed(self, batch: Batch) -> None:
        """A transaction is over."""
        self._commit_seconds.observe(batch.seconds)
        self._commit_commands.observe(batch.commands)
        for verdict, number in batch.verdicts.items():
            self._reports.labels(verdict).inc(number)
        for kind, number in batch.events.items():
            self._events.labels(kind).inc(number)
        self._lateness.observe_all(batch.lateness_s)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def took_report(self, seconds: float) -> None:
        """A plain report was answered; the same as `answered`, for what comes most."""
        self._of_reports.observe(seconds)

    def attempted(self, outcome: str, seconds: float) -> None:
        """An attempt to deliver a webhook is over."""
        self._attempts.labels(outcome).inc()
        self._attempt_seconds.observe(seconds)

    def dropped(self, reason: str) -> None:
        """A subscriber of the feed was dropped."""
        self._dropped.labels(reason).inc()

    # --- told when asked ---

    def look(self, *, waiting: int, subscribers: int, subscriber_lag: int) -> None:
        """Take in what is true at this moment."""
        self._waiting.set(waiting)
        self._subscribers.set(subscribers)
        self._subscriber_lag.set(subscriber_lag)

    def text(self, readings: Iterable[Reading] = ()) -> bytes:
        """Everything, as Prometheus reads it; of all processes together where there are several."""
        registry = self.registry
        folder = os.environ.get(SHARED_FOLDER)
        if folder:
            _forget_the_dead(folder)
            registry = CollectorRegistry()
            collect: Any = MultiProcessCollector
            collect(registry)
        read = CollectorRegistry()
        read.register(_Read(list(readings)))  # pyright: ignore[reportArgumentType] - a collector by what it can do
        return generate_latest(registry) + generate_latest(read)


class _Many(Histogram):
    """A histogram of what comes by the hundred: to observe each by itself costs several locks."""

    def observe_all(self, values: Sequence[float]) -> None:
        """Observe each of these values."""
        buckets: Any = self._buckets  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - the library leaves them untyped
        sum_: Any = self._sum
        places = Count([bisect_left(self._upper_bounds, value) for value in values])
        for place, number in places.items():
            buckets[place].inc(number)
        sum_.inc(sum(values))


def _forget_the_dead(folder: str) -> None:
    """Leave out what processes say of this moment that are no more; their counts stay."""
    for path in Path(folder).glob("gauge_live*_*.db"):
        process = path.stem.rpartition("_")[2]
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)


class _Read:
    """A collector of values that were looked up."""

    def __init__(self, readings: list[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges."""
        for reading in self._readings:
            family = GaugeMetricFamily(reading.name, reading.text, labels=reading.labels)
            for labels, value in reading.values.items():
                family.add_metric(labels, value)
            yield family
