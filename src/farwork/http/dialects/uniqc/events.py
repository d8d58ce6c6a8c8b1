"""`/ws/events`: tells who listens when a task of the caller's project comes into another state.

Each connection reads the log at its own pace from its own position: one that is slow holds nobody
else, and nothing piles up here. Those that stand at the same place share the reading.
"""

import asyncio
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from litestar import websocket
from litestar.exceptions import WebSocketException
from litestar.handlers import WebsocketRouteHandler

from farwork.http.context import Context
from farwork.http.dialects.uniqc.answers import encode, refusal_of
from farwork.http.dialects.uniqc.callers import AnySocket, watcher_of
from farwork.http.dialects.uniqc.translate import event_from
from farwork.realtime.hub import Ticket
from farwork.service.access import Principal
from farwork.service.listings import MOVES_MAX, Listings, Move

LOOK_SECONDS = 15.0
"""So often the log is read, and the caller's key looked at, when nothing wakes us."""
PAUSE_SECONDS = 0.05
"""Between two readings: under load one of them serves many commits."""
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
REASON_LENGTH_MAX = 120

Reading = tuple[list[Move], int]


class SharedReadings:
    """Reads the same part of the log once, however many ask for it at the same time."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, int, Ticket], asyncio.Task[Reading]] = {}

    async def moves(
        self, listings: Listings, caller: Principal, after: int, ticket: Ticket
    ) -> Reading:
        """The moves behind a position, with all that was committed before `ticket` was taken."""
        key = (caller.project, after, ticket)
        running = self._running.get(key)
        if running is None:
            running = asyncio.create_task(listings.moves(caller, after))
            self._running[key] = running
            running.add_done_callback(partial(self._forget, key))
        # The one who began it may leave; the others still wait.
        return await asyncio.shield(running)

    def _forget(self, key: tuple[str, int, Ticket], done: asyncio.Task[Reading]) -> None:
        del self._running[key]
        if not done.cancelled():
            # Everybody who asked may have left: then its failure is nobody's.
            done.exception()


def events_route() -> WebsocketRouteHandler:
    """The websocket's route."""
    readings = SharedReadings()

    @websocket("/ws/events")
    async def events(socket: AnySocket, context: Context) -> None:
        try:
            caller = await watcher_of(socket, context)
            _, place = await context.listings.moves(caller, None)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the peer is told
            await _turn_away(socket, error)
            return
        await socket.accept()
        hearing = asyncio.create_task(_hear(socket))
        telling = asyncio.create_task(_tell(socket, context, readings, place, hearing))
        try:
            await asyncio.wait({hearing, telling}, return_when=asyncio.FIRST_COMPLETED)
            gone = hearing.done()
        finally:
            # The server does not close a connection while somebody listens on it.
            hearing.cancel()
            telling.cancel()
            _, failure = await asyncio.gather(hearing, telling, return_exceptions=True)
        if not gone and isinstance(failure, Exception):
            await _turn_away(socket, failure)

    return events


async def _hear(socket: AnySocket) -> None:
    """Read what the peer says, which is nothing to us, until it goes."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return


async def _tell(
    socket: AnySocket,
    context: Context,
    readings: SharedReadings,
    place: int,
    hearing: "asyncio.Task[None]",
) -> None:
    """Send every move behind `place`, until the caller may hear no more or the store fails."""
    while True:
        ticket = context.hub.ticket
        # Asked anew each time: a key that was revoked opens nothing any longer.
        caller = await watcher_of(socket, context)
        moves, place = await readings.moves(context.listings, caller, place, ticket)
        for move in moves:
            await socket.send_text(encode(event_from(move.task_id, move.state)))
        if len(moves) < MOVES_MAX:
            await context.hub.wait(ticket, LOOK_SECONDS)
            await asyncio.wait({hearing}, timeout=PAUSE_SECONDS)


async def _turn_away(socket: AnySocket, error: Exception) -> None:
    """Close with the reason; one who may call again later is told so."""
    status, reason, _ = refusal_of(socket, error)
    code = POLICY_VIOLATION if status < HTTPStatus.INTERNAL_SERVER_ERROR else TRY_AGAIN_LATER
    # The peer may have gone meanwhile.
    with suppress(WebSocketException, OSError, RuntimeError):
        await socket.close(code, reason[:REASON_LENGTH_MAX])
