"""The requests that the load generator sends, as ready bytes.

A workload numbers its requests, so that two rounds never repeat a delivery id and times ascend:
the number fixes the task, the delivery, the time and the progress of a report.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count, cycle

import msgspec

TASKS = 2_000
QUEUES = 8
# Reports lie one millisecond apart; a round may number a million of them and stay in the past.
NUMBERS_PER_ROUND = 1_000_000
_FIRST_TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests to send: a workload's name and what it needs to build them."""

    workload: str
    round: int = 0
    key: str = ""
    reports: int = 1
    paths: tuple[str, ...] = ()


def requests_of(plan: Plan) -> Iterator[bytes]:
    """Yields the requests of a plan, each a whole HTTP/1.1 message, without end."""
    return WORKLOADS[plan.workload](plan)


def report(number: int) -> dict[str, object]:
    """Builds the progress report with this number, as a training would send it."""
    task, step = number % TASKS, number // TASKS
    return {
        "task_id": f"run-{task:06d}",
        "source": f"gpu-{task % QUEUES}",
        "delivery_id": f"d-{number:010d}",
        "occurred_at": _time(number),
        "state": "running",
        "reported_status": "TRAINING",
        "progress": {"percent": step % 1000 / 10, "message": f"epoch {step}"},
        "metadata": {"epoch": step, "loss": 1 / (1 + step), "accuracy": 1 - 1 / (2 + step)},
        "kind": "train",
        "queue": f"gpu-{task % QUEUES}",
    }


def _time(number: int) -> str:
    moment = _FIRST_TIME + timedelta(milliseconds=number)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _head(line: str, plan: Plan) -> bytes:
    authorization = f"Authorization: Bearer {plan.key}\r\n" if plan.key else ""
    return f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}".encode()


def _post(head: bytes, body: bytes) -> bytes:
    return b"%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        head,
        len(body),
        body,
    )


def _single_reports(plan: Plan) -> Iterator[bytes]:
    head, encode = _head("POST /v1/reports", plan), msgspec.json.Encoder().encode
    for number in count(plan.round * NUMBERS_PER_ROUND):
        yield _post(head, encode(report(number)))


def _report_batches(plan: Plan) -> Iterator[bytes]:
    head, encode = _head("POST /v1/reports", plan), msgspec.json.Encoder().encode
    for first in count(plan.round * NUMBERS_PER_ROUND, plan.reports):
        yield _post(head, encode([report(first + offset) for offset in range(plan.reports)]))


def _reads(plan: Plan) -> Iterator[bytes]:
    return cycle([_head(f"GET {path}", plan) + b"\r\n" for path in plan.paths])


WORKLOADS: Mapping[str, Callable[[Plan], Iterator[bytes]]] = {
    "single_reports": _single_reports,
    "report_batches": _report_batches,
    "reads": _reads,
}
