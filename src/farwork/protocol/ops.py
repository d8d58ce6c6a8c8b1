"""Health on the wire."""

from msgspec import Struct


class Alive(Struct):
    """The process is alive."""

    status: str


class Ready(Struct):
    """Whether the process can work: `ok`, or `unavailable` for these reasons."""

    status: str
    reasons: list[str]
    feed_position: int | None
