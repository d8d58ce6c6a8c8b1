"""What the sender knows of each hook while it has the duty."""

from dataclasses import dataclass, field
from typing import Any

from farwork.domain.values import Instant
from farwork.notifications.schedule import Circuit
from farwork.storage.delivery_store import DeliveryRow
from farwork.storage.hook_store import HookFilter, HookRow

IN_FLIGHT_PER_HOOK_MAX = 32


@dataclass(slots=True)
class Lane:
    """One hook: how far its feed is read, how sending goes, and when to look for what is due."""

    hook: HookRow
    filter: HookFilter
    circuit: Circuit
    position: int
    look_at: Instant | None
    in_flight: set[int] = field(default_factory=set[int])
    noted_position: int = 0

    @classmethod
    def of(cls, hook: HookRow, now: Instant) -> "Lane":
        """A lane for a hook as it was read; it is looked at now."""
        circuit = Circuit(hook.failures, hook.failing_since, hook.probe_at, hook.last_error)
        return cls(hook, hook.filter, circuit, hook.position, now, noted_position=hook.position)

    def renew(self, hook: HookRow, now: Instant) -> None:
        """Take over what was changed by a caller."""
        if hook.version != self.hook.version:
            self.filter = hook.filter
            self.circuit = Circuit(
                hook.failures, hook.failing_since, hook.probe_at, hook.last_error
            )
            self.look_at = now
        self.hook = hook

    @property
    def is_callback(self) -> bool:
        """Whether it is about one task alone."""
        return self.hook.task_pk is not None

    def room(self, now: Instant) -> int:
        """How many deliveries may be begun."""
        if self.hook.state != "active":
            return 0
        if self.circuit.probe_at is not None:
            return 0 if self.in_flight or self.circuit.probe_at > now else 1
        return IN_FLIGHT_PER_HOOK_MAX - len(self.in_flight)

    def expect(self, rows: list[DeliveryRow], asked: int, next_due: Instant | None) -> None:
        """Set when to look again, after a look that asked for so many and found these."""
        if self.circuit.probe_at is not None:
            # After the attempt that is made now there is another time.
            self.look_at = None if self.in_flight else self.circuit.probe_at
        elif len(rows) >= asked:
            # As soon as one of them is done.
            self.look_at = None
        else:
            self.look_at = next_due


@dataclass(slots=True)
class Finished:
    """A delivery's attempt that is to be kept: what is written of it and of its hook."""

    lane: Lane
    row: DeliveryRow
    values: dict[str, Any]
    hook_values: dict[str, Any]
    became: str | None
