"""Events as lines."""

from datetime import datetime
from typing import Any, cast

from rich.text import Text

from farwork.cli import times
from farwork.cli.output import STATE_STYLES, styled
from farwork.sdk import EventOut

GAP = "  "


def line(event: EventOut, *, now: datetime | None, subject_width: int | None = 0) -> Text:
    """An event on one line: when, which task or job, what, and what else there is to say.

    Without a `now` the time is exact. A `subject_width` of None leaves out which task it is.
    """
    when = times.exactly(event.at) if now is None else times.clock_time(event.at, now)
    parts = [Text(when, "dim"), what(event)]
    if subject_width is not None:
        subject = styled(event.task_id or event.job_id or "")
        subject.pad_right(max(0, subject_width - subject.cell_len))
        parts.insert(1, subject)
    said = Text(" ").join(part for part in details(event) if part)
    return Text(GAP).join([*parts, said] if said else parts)


def what(event: EventOut) -> Text:
    """What happened: the change of state, or the kind of event."""
    change = event.state
    if change is None or change.before == change.after or change.after is None:
        return styled(event.type.removeprefix("task."))
    after = styled(change.after, STATE_STYLES[change.after])
    if change.before is None:
        return after
    return Text.assemble(styled(change.before, "dim"), " -> ", after)


def details(event: EventOut) -> list[Text]:
    """What else there is to say."""
    report = event.report or {}
    by = event.source or event.actor
    verdict = None if event.verdict in (None, "applied") else event.verdict
    return [
        _progress(report.get("progress")),
        styled(report.get("message") or ""),
        _error(report.get("error")),
        styled(event.reason or "", "dim"),
        styled(f"[{verdict}]" if verdict else "", "yellow"),
        styled(f"by {by}" if by else "", "dim"),
    ]


def _progress(said: Any) -> Text:
    if not isinstance(said, dict):
        return styled("" if said is None else f"{said:.4g}%")
    found = cast("dict[str, Any]", said)
    percent = found.get("percent")
    parts = ("" if percent is None else f"{percent:.4g}%", found.get("message") or "")
    return styled(" ".join(part for part in parts if part))


def _error(said: Any) -> Text:
    if not isinstance(said, dict):
        return styled("")
    found = cast("dict[str, Any]", said)
    parts = (found.get("category"), found.get("message"))
    return styled(": ".join(part for part in parts if part), "red")
