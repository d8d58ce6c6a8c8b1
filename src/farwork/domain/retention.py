"""Retention: when tasks that have ended are archived and deleted, and which of them are held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from farwork.domain.values import Instant

ANY = "*"
"""Stands for every kind, or for every state."""
NEVER = -1
"""Stands, in place of a time, for none at all, whatever a wider rule says."""


@dataclass(slots=True)
class Rule:
    """What a project does with its tasks of one kind and state, or of `ANY`.

    Times are microseconds since a task that has ended was last changed; None: a wider rule says
    it. With a `legal_hold` (why), none of these tasks is deleted by anybody.
    """

    kind: str = ANY
    state: str = ANY
    archive_after: Instant | None = None
    delete_after: Instant | None = None
    legal_hold: str | None = None
    updated_at: Instant = 0
    updated_by: str | None = None


class Rules:
    """The rules of a project. What is said of a kind counts more than what is said of a state."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = {(rule.kind, rule.state): rule for rule in rules}

    def archive_after(self, kind: str, state: str) -> Instant | None:
        """How long after its last change a task is archived, None: never."""
        return self._time(kind, state, lambda rule: rule.archive_after)

    def delete_after(self, kind: str, state: str) -> Instant | None:
        """How long after its last change a task is deleted, None: never."""
        return self._time(kind, state, lambda rule: rule.delete_after)

    def hold(self, kind: str, state: str) -> str | None:
        """Why tasks of this kind and state are not deleted, None: they may be.

        Every rule counts here that concerns them, not the narrowest alone.
        """
        held = (rule.legal_hold for rule in self._concerning(kind, state))
        return next((why for why in held if why is not None), None)

    def _time(self, kind: str, state: str, of: Callable[[Rule], Instant | None]) -> Instant | None:
        for rule in self._concerning(kind, state):
            said = of(rule)
            if said is not None:
                return None if said == NEVER else said
        return None

    def _concerning(self, kind: str, state: str) -> list[Rule]:
        """The rules about tasks of this kind and state, the narrowest first."""
        names = ((kind, state), (kind, ANY), (ANY, state), (ANY, ANY))
        return [self._rules[name] for name in dict.fromkeys(names) if name in self._rules]
