"""What has been said of a task and not yet been sent."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

MESSAGE_LENGTH_MAX = 10_000


@dataclass(slots=True)
class Unsaid:
    """The latest percentage and status line, every line that was logged, and metadata by key."""

    percent: float | None = None
    status: str | None = None
    lines: list[str] = field(default_factory=list[str])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return self.percent is None and not self.message and not self.metadata

    @property
    def message(self) -> str | None:
        """All lines, the status last. Where they are too long, the older ones give way."""
        lines = self.lines if self.status is None else [*self.lines, self.status]
        text = "\n".join(lines).replace("\0", "")
        return text[-MESSAGE_LENGTH_MAX:] or None

    def log(self, line: str) -> None:
        """Add a line; of what is too long to send anyway, nothing is kept."""
        self.lines.append(line[:MESSAGE_LENGTH_MAX])
        while sum(map(len, self.lines[1:])) > MESSAGE_LENGTH_MAX:
            del self.lines[0]

    def put_before(self, newer: "Unsaid") -> None:
        """This was said before, and neither has been sent: together they are this."""
        if newer.percent is not None:
            self.percent = newer.percent
        if newer.status is not None:
            self.status = newer.status
        for line in newer.lines:
            self.log(line)
        self.metadata.update(newer.metadata)


def as_json(what: str, value: Any) -> Any:
    """The value as JSON has it, a copy that nobody changes. Raises `TypeError`."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise TypeError(f"{what} is no JSON value: {error}") from error
