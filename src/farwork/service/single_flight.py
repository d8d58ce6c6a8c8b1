"""One question at a time: whoever asks while it is being answered shares the answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Questions under way, by what is asked.

    When what was remembered runs out of trust under load, every request in flight would ask the
    database the same.
    """

    def __init__(self) -> None:
        self._asking: dict[str, asyncio.Task[V]] = {}

    async def ask(self, about: str, question: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The answer to a question that is under way, or to this one. Raises what it raises."""
        asking = self._asking.get(about)
        if asking is None:
            asking = self._asking[about] = asyncio.create_task(question())
            asking.add_done_callback(lambda done: self._answered(about, done))
        return await asyncio.shield(asking)

    def _answered(self, about: str, done: "asyncio.Task[V]") -> None:
        self._asking.pop(about, None)
        # Whoever waited may be gone; then nobody else looks at why it failed.
        if not done.cancelled():
            done.exception()
