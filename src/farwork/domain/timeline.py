"""Timelines: the log of a task, taken apart by attempt."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from farwork.domain.facts import CommandFact, Fact, Opened, Retried
from farwork.domain.reports import Report


@dataclass(slots=True)
class Attempt:
    """One try at a task: how it began, and what was said and done about it."""

    number: int
    opening: Opened | Retried
    facts: list[Report | CommandFact] = field(default_factory=list)

    @property
    def reports(self) -> list[Report]:
        """What was reported of it."""
        return [fact for fact in self.facts if isinstance(fact, Report)]


def attempts_of(log: Iterable[Fact]) -> list[Attempt]:
    """The attempts of a task since it was last opened, from its log.

    A report belongs to the attempt that it names, even when that begins later. One that names none
    belongs to the attempt into which its time falls, among those that had begun when it arrived:
    nothing that was known before a retry can speak of what the retry began.
    """
    begun: list[Attempt] = []
    ahead: list[Report] = []
    for fact in log:
        if isinstance(fact, Opened):
            begun, ahead = [Attempt(fact.attempt, fact)], []
        elif isinstance(fact, Retried):
            number = begun[-1].number + 1
            begun.append(Attempt(number, fact, [r for r in ahead if r.attempt == number]))
        elif not isinstance(fact, Report):
            begun[-1].facts.append(fact)
        elif (number := attempt_meant(fact, begun)) > begun[-1].number:
            ahead.append(fact)
        elif number >= begun[0].number:
            begun[number - begun[0].number].facts.append(fact)
    return begun


def attempt_meant(report: Report, begun: list[Attempt]) -> int:
    """The number of the attempt that a report is about, where these have begun."""
    if report.attempt is not None:
        return report.attempt
    for attempt in reversed(begun):
        if report.occurred_at >= attempt.opening.at:
            return attempt.number
    return begun[0].number
