"""A task as a page of lines."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from farwork.cli import event_lines, times
from farwork.cli.output import as_json, printable, state_text, styled
from farwork.cli.task_rows import message
from farwork.sdk import EventOut, Explanation, ResultOut, TaskOut

LABEL_WIDTH = 11
BAR_WIDTH = 24


class View:
    """Writes the page; on a terminal it shortens long values, in a pipe nothing."""

    def __init__(self, console: Console, now: datetime) -> None:
        self._width = console.width if console.is_terminal else None
        self._plain = not console.is_terminal
        self._now = now

    def lines(
        self,
        task: TaskOut,
        explanation: Explanation,
        results: list[ResultOut],
        events: list[EventOut],
    ) -> Iterator[Text]:
        """The lines of the page."""
        yield Text.assemble((printable(task.id), "bold"), "  ", styled(task.name or ""))
        for label, value in self._standing(task, explanation):
            yield _labelled(label, value)
        for label, value in self._identity(task):
            yield _labelled(label, styled(value))
        for label, moment in _moments(task).items():
            if moment is not None:
                yield _labelled(label, self._moment(moment))
        if task.started_at is not None:
            until = task.completed_at or self._now
            took = times.span((until - task.started_at).total_seconds())
            yield _labelled("took" if task.completed_at else "running for", styled(took))
        yield from self._values("labels", task.labels)
        yield from self._values("params", task.params)
        yield from self._values("metadata", task.metadata)
        yield from self._values("extensions", task.extensions)
        yield from self._results(results)
        yield from self._events(events)

    def _standing(self, task: TaskOut, explanation: Explanation) -> Iterator[tuple[str, Text]]:
        state = state_text(task.state, task.reason)
        if task.attempts_max > 1 or task.attempt > 1:
            state.append(f"  attempt {task.attempt} of {max(task.attempts_max, task.attempt)}")
        if task.archived_at is not None:
            state.append("  archived", style="dim")
        yield "state", state
        if task.error is not None:
            yield "error", message(task)
            if task.error.details is not None:
                yield "", self._short(as_json(task.error.details))
        yield "why", styled(explanation.summary)
        if explanation.can:
            yield "can", styled(", ".join(explanation.can), "dim")
        if task.progress.percent or task.progress.message:
            yield "progress", self._progress(task)
        if task.reported_status is not None:
            yield "reported", styled(task.reported_status)
        if task.shards is not None:
            s = task.shards
            counted = {"succeeded": s.succeeded, "failed": s.failed, "cancelled": s.cancelled}
            parts = [f"{n} {word}" for word, n in {**counted, "open": s.open}.items() if n]
            yield "shards", styled(f"{s.total}: {', '.join(parts)}")

    def _progress(self, task: TaskOut) -> Text:
        percent = task.progress.percent
        filled = round(BAR_WIDTH * percent / 100)
        bar = (
            Text()
            if self._plain
            else Text("━" * filled, "green").append("━" * (BAR_WIDTH - filled), "dim").append(" ")
        )
        return Text.assemble(bar, f"{percent:.4g}%  ", styled(task.progress.message or ""))

    def _identity(self, task: TaskOut) -> Iterator[tuple[str, str]]:
        origin = task.origin
        parts = (
            () if origin is None else (origin.source, origin.instance, origin.zone, origin.version)
        )
        found = {
            "kind": task.kind,
            "queue": task.queue,
            "priority": task.priority or "",
            "job": task.job_id or "",
            "reference": task.external_ref or "",
            "inputs": ", ".join(task.inputs),
            "creator": task.creator or "",
            "origin": " ".join(part for part in parts if part),
        }
        for label, value in found.items():
            if value:
                yield label, str(value)

    def _moment(self, moment: datetime) -> Text:
        return Text.assemble(
            times.exactly(moment), "  ", styled(times.ago(moment, self._now), "dim")
        )

    def _values(self, label: str, values: dict[str, Any]) -> Iterator[Text]:
        width = max((len(printable(key)) for key in values), default=0)
        for place, (key, value) in enumerate(values.items()):
            said = value if isinstance(value, str) else as_json(value)
            line = Text.assemble(
                (printable(key).ljust(width), "cyan"), "  ", self._short(said, width + 2)
            )
            yield _labelled(label if place == 0 else "", line)

    def _results(self, results: list[ResultOut]) -> Iterator[Text]:
        for place, result in enumerate(results):
            head = [
                printable(result.name),
                result.type,
                f"attempt {result.attempt}" if result.attempt > 1 else None,
            ]
            head.append("late" if result.late else None)
            line = styled("  ".join(part for part in head if part), "cyan")
            yield _labelled("results" if place == 0 else "", line)
            if result.data is not None:
                yield _labelled("", self._short(as_json(result.data)))
            for file in result.files:
                yield _labelled("", self._short(as_json(file)))

    def _events(self, events: list[EventOut]) -> Iterator[Text]:
        for place, event in enumerate(events):
            line = event_lines.line(event, exact=True, subject_width=None)
            yield _labelled("events" if place == 0 else "", line)

    def _short(self, text: str, used: int = 0) -> Text:
        found = styled(text)
        if self._width is not None:
            found.truncate(max(20, self._width - LABEL_WIDTH - 2 - used), overflow="ellipsis")
        return found


def _moments(task: TaskOut) -> dict[str, datetime | None]:
    return {
        "created": task.created_at,
        "queued": task.queued_at,
        "started": task.started_at,
        "ended": task.completed_at,
        "updated": task.updated_at,
        "archived": task.archived_at,
    }


def _labelled(label: str, value: Text) -> Text:
    return Text.assemble((f"  {label.ljust(LABEL_WIDTH)}", "dim"), " ", value)
