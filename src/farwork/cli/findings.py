"""What a check found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, how it stands, and what to do about it."""

    check: str
    verdict: Verdict
    detail: str
    advice: str | None = None


Findings = Iterator[Finding]
Check = Callable[[], Findings]


def good(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.GOOD, detail)


def note(check: str, detail: str, advice: str | None = None) -> Finding:
    """Not wrong, but worth knowing."""
    return Finding(check, Verdict.NOTE, detail, advice)


def bad(check: str, detail: str, advice: str | None = None) -> Finding:
    """Wrong."""
    return Finding(check, Verdict.BAD, detail, advice)
