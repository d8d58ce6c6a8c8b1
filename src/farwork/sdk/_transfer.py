"""Moving whole tasks from server to server, as flows."""

from collections.abc import Iterable, Iterator
from typing import Unpack

from farwork.protocol.transfer import ImportOut
from farwork.sdk._flow import Emit, Flow, More, Request, Stream, ask, exchange
from farwork.sdk._tasks import TaskFilter, query_of

# A request that fails is sent again: it shall not be too large for that.
PIECE_BYTES = 4 << 20
# Time for the server to keep what it was sent.
IMPORT_WAIT_S = 300.0
REFUSALS_MAX = 1_000
_LINES = {"Content-Type": "application/x-ndjson"}


def export_tasks(**wanted: Unpack[TaskFilter]) -> Stream[bytes]:
    """The tasks that fit the filter, archived ones too, each a line of JSON that import takes.

    They come as the server reads them. Raises `Unreachable` when the connection breaks off before
    the last.
    """
    request = Request("GET", "/v1/export", query_of(wanted), streamed=True)
    yield from exchange(request)
    rest = b""
    while piece := (yield More()):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield Emit(line)
    if rest:
        yield Emit(rest)


def import_tasks(lines: Iterable[bytes]) -> Flow[ImportOut]:
    """Take whole tasks, each a line of JSON; how many were created, replaced and refused.

    A task that has the id of one that is there replaces it, so the same lines may be sent again.
    The first 1000 refusals are told with the numbers of their lines, from 1 on.
    """
    total = ImportOut(0, 0, 0, [])
    for first_line, body in _pieces(lines):
        request = Request(
            "POST",
            "/v1/import",
            body=body,
            headers=_LINES,
            wait_s=IMPORT_WAIT_S,
            repeatable=True,
        )
        found = yield from ask(request, ImportOut)
        total.created += found.created
        total.replaced += found.replaced
        total.refused += found.refused
        total.jobs += found.jobs
        for refusal in found.refusals[: REFUSALS_MAX - len(total.refusals)]:
            refusal.line += first_line - 1
            total.refusals.append(refusal)
    return total


def _pieces(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines in pieces, each with the number of its first line."""
    piece: list[bytes] = []
    size = 0
    first = 1
    for given in lines:
        line = given.rstrip(b"\r\n")
        if piece and size + len(line) > PIECE_BYTES:
            yield first, b"\n".join(piece)
            first += len(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield first, b"\n".join(piece)
