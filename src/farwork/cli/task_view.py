"""A task as a page of lines."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from farwork.cli import event_lines, times
from farwork.cli.output import as_json, paragraph, printable, state_text, styled
from farwork.sdk import EventOut, Explanation, ResultOut, TaskOut

INDENT = 14
BAR_WIDTH = 24
VALUE_WIDTH_MIN = 24
# On a terminal a value takes so many lines at most.
VALUE_LINES_MAX = 4

Entries = Iterator[tuple[str, Text]]


class View:
    """Writes the page: on a terminal broken between words and long values cut, else as it is."""

    def __init__(self, console: Console, now: datetime) -> None:
        self._console = console
        self._now = now

    def lines(
        self,
        task: TaskOut,
        explanation: Explanation,
        results: list[ResultOut],
        events: list[EventOut],
    ) -> Iterator[Text]:
        """The lines of the page."""
        yield Text("  ").join(styled(part, "bold") for part in (task.id, task.name) if part)
        yield from self._block(self._standing(task, explanation))
        yield from self._block(_identity(task))
        yield from self._block(self._times(task))
        for label, values in (
            ("labels", task.labels),
            ("params", task.params),
            ("metadata", task.metadata),
            ("extensions", task.extensions),
        ):
            yield from self._block(_values(label, values), lines_max=VALUE_LINES_MAX)
        yield from self._block(_results(results), lines_max=VALUE_LINES_MAX)
        yield from self._block(self._events(events))

    def _block(self, entries: Entries, *, lines_max: int | None = None) -> Iterator[Text]:
        last = None
        for label, value in entries:
            shown = "" if label == last else label
            last = label
            for line in self._broken(value, lines_max):
                yield Text.assemble((f"  {shown}".ljust(INDENT), "dim"), line)
                shown = ""

    def _broken(self, value: Text, lines_max: int | None) -> list[Text]:
        if not self._console.is_terminal:
            return list(value.split("\n"))
        width = max(VALUE_WIDTH_MIN, self._console.width - INDENT)
        lines = list(value.wrap(self._console, width, no_wrap=False))
        for line in lines:
            line.rstrip()
        if lines_max is None or len(lines) <= lines_max:
            return lines
        cut = lines[lines_max - 1]
        cut.truncate(width - 1)
        cut.append("…")
        return lines[:lines_max]

    def _standing(self, task: TaskOut, explanation: Explanation) -> Entries:
        state = state_text(task.state, task.reason)
        if task.attempts_max > 1 or task.attempt > 1:
            state.append(f"  attempt {task.attempt} of {max(task.attempts_max, task.attempt)}")
        if task.archived_at is not None:
            state.append("  archived", style="dim")
        yield "state", state
        if task.error is not None:
            parts = (task.error.category, task.error.message)
            yield "error", paragraph(": ".join(part for part in parts if part), "red")
            if task.error.details is not None:
                yield "error", styled(as_json(task.error.details))
        yield "why", paragraph(explanation.summary)
        if explanation.can:
            yield "can", styled(", ".join(explanation.can))
        if task.progress.percent or task.progress.message:
            yield "progress", self._progress(task)
        if task.reported_status is not None:
            yield "reported", styled(task.reported_status)
        if task.shards is not None:
            s = task.shards
            counts = {"succeeded": s.succeeded, "failed": s.failed, "cancelled": s.cancelled}
            parts = [f"{n} {word}" for word, n in {**counts, "open": s.open}.items() if n]
            yield "shards", styled(f"{s.total}: {', '.join(parts)}")

    def _progress(self, task: TaskOut) -> Text:
        said = styled(f"{task.progress.percent:.4g}%  {task.progress.message or ''}".rstrip())
        if not self._console.is_terminal:
            return said
        filled = round(BAR_WIDTH * task.progress.percent / 100)
        bar = Text("━" * filled, "green").append("━" * (BAR_WIDTH - filled), "dim")
        return Text.assemble(bar, "  ", said)

    def _times(self, task: TaskOut) -> Entries:
        moments = {
            "created": task.created_at,
            "queued": task.queued_at,
            "started": task.started_at,
            "ended": task.completed_at,
            "updated": task.updated_at,
            "archived": task.archived_at,
        }
        for label, moment in moments.items():
            if moment is not None:
                ago = styled(times.ago(moment, self._now), "dim")
                yield label, Text.assemble(times.exactly(moment), "  ", ago)
        if task.started_at is not None:
            until = task.completed_at or self._now
            label = "took" if task.completed_at else "so far"
            yield label, styled(times.span((until - task.started_at).total_seconds()))

    def _events(self, events: list[EventOut]) -> Entries:
        now = self._now if self._console.is_terminal else None
        for event in events:
            yield "events", event_lines.line(event, now=now, subject_width=None)


def _identity(task: TaskOut) -> Entries:
    origin = task.origin
    parts = () if origin is None else (origin.source, origin.instance, origin.zone, origin.version)
    found = {
        "kind": task.kind,
        "queue": task.queue,
        "priority": task.priority,
        "job": task.job_id,
        "reference": task.external_ref,
        "inputs": ", ".join(task.inputs),
        "creator": task.creator,
        "origin": " ".join(part for part in parts if part),
    }
    for label, value in found.items():
        if value:
            yield label, styled(value)


def _values(label: str, values: dict[str, Any]) -> Entries:
    width = max((len(printable(key)) for key in values), default=0)
    for key, value in values.items():
        said = value if isinstance(value, str) else as_json(value)
        yield label, Text.assemble((printable(key).ljust(width), "cyan"), "  ", paragraph(said))


def _results(results: list[ResultOut]) -> Entries:
    for result in results:
        attempt = f"attempt {result.attempt}" if result.attempt > 1 else None
        parts = (result.name, result.type, attempt, "late" if result.late else None)
        yield "results", styled("  ".join(part for part in parts if part), "cyan")
        if result.data is not None:
            yield "results", styled(as_json(result.data))
        for file in result.files:
            yield "results", styled(as_json(file))
