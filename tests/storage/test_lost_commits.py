"""A connection that breaks in the very moment of a commit: we ask what became of it.

A relay stands between the store and a real PostgreSQL, and cuts the wire where it is told to.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy.engine import make_url

from farwork import clock
from farwork.storage import transactions
from farwork.storage.engine import open_engine
from farwork.storage.errors import CommitUnknown, StorageUnavailable
from farwork.storage.store import Store
from farwork.storage.transactions import Transactions
from tests.storage.desk import PATIENCE_S, Desk, creation

PORT = ".s.PGSQL.5432"
CHUNK = 1 << 16


class Wire:
    """Passes bytes on between programs and the database; `cut` decides when it breaks."""

    def __init__(self, real: Path, folder: Path) -> None:
        self._real = real
        self.folder = folder
        self.refuses = False
        self.cut: Callable[[bytes], bool] = lambda _sent: False
        self.passes_on_what_it_cuts_at = True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / PORT))
        self._listener.listen()
        self._open: list[socket.socket] = [self._listener]
        self._start(self._accept)

    def _start(self, run: Callable[[], None]) -> None:
        threading.Thread(target=run, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._real / PORT))
            self._open += [client, server]
            self._start(lambda c=client, s=server: self._forward(c, s))
            self._start(lambda c=client, s=server: self._back(s, c))

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        while sent := self._read(client):
            if self.cut(sent):
                if self.passes_on_what_it_cuts_at:
                    with suppress(OSError):
                        client.shutdown(socket.SHUT_RDWR)
                        server.sendall(sent)
                        # The server has done it once it closes its side.
                        server.shutdown(socket.SHUT_WR)
                    return
                break
            try:
                server.sendall(sent)
            except OSError:
                break
        self._close(client, server)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        while got := self._read(server):
            try:
                client.sendall(got)
            except OSError:
                continue
        self._close(client, server)

    def _read(self, end: socket.socket) -> bytes:
        try:
            return end.recv(CHUNK)
        except OSError:
            return b""

    def _close(self, *ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._close(*self._open)


@pytest.fixture
def wire(fresh_postgres_url: str) -> Iterator[Wire]:
    real = Path(str(make_url(fresh_postgres_url).query["host"]))
    with TemporaryDirectory(prefix="fw-wire-") as folder:
        wire = Wire(real, Path(folder))
        yield wire
        wire.close()


@pytest.fixture
def desk(fresh_postgres_url: str, wire: Wire) -> Iterator[Desk]:
    url = make_url(fresh_postgres_url).update_query_dict({"host": str(wire.folder)})
    store = Store(url.render_as_string(hide_password=False), clock.now)
    store.open()
    desk = Desk(store, "default")
    desk.create("first")
    yield desk
    store.close()


class Once:
    """Cuts at the first bytes that hold a word, and never again."""

    def __init__(self, word: bytes, then: Callable[[], None] = lambda: None) -> None:
        self._word = word
        self._then = then
        self.happened = threading.Event()

    def __call__(self, sent: bytes) -> bool:
        if self.happened.is_set() or self._word not in sent:
            return False
        self._then()
        self.happened.set()
        return True


def test_a_commit_whose_answer_was_lost_is_not_made_twice(desk: Desk, wire: Wire) -> None:
    wire.cut = Once(b"COMMIT")
    outcome = desk.do(creation("second"))
    assert (outcome.state, outcome.existed) == ("queued", False)
    assert wire.cut.happened.is_set()
    assert desk.told() == [("created", "first"), ("created", "second")]


def test_a_commit_that_never_arrived_is_made_again(desk: Desk, wire: Wire) -> None:
    wire.passes_on_what_it_cuts_at = False
    wire.cut = Once(b"COMMIT")
    outcome = desk.do(creation("second"))
    assert (outcome.state, wire.cut.happened.is_set()) == ("queued", True)
    assert desk.told() == [("created", "first"), ("created", "second")]


def test_a_connection_lost_before_the_commit_is_replaced_unnoticed(desk: Desk, wire: Wire) -> None:
    wire.cut = Once(b"INSERT INTO tasks")
    assert desk.do(creation("second")).state == "queued"
    assert desk.told() == [("created", "first"), ("created", "second")]


def test_when_nobody_can_say_what_became_of_a_commit_the_caller_is_told_so(
    desk: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "ASKS_MAX", 2)

    def refuse() -> None:
        wire.refuses = True

    wire.cut = Once(b"COMMIT", refuse)
    with pytest.raises(CommitUnknown, match="whether it was kept is not known"):
        desk.do(creation("second"))
    with pytest.raises(StorageUnavailable):
        desk.do(creation("third"))
    wire.refuses = False
    desk.create("fourth")
    assert ("created", "fourth") in desk.told()
    assert ("created", "third") not in desk.told()


def test_a_database_that_went_away_is_found_again_by_itself(desk: Desk, wire: Wire) -> None:
    wire.refuses = True
    wire.cut = Once(b"")
    with pytest.raises(StorageUnavailable, match="The database did not take the write"):
        desk.hand(creation("second")).result(PATIENCE_S)
    assert desk.store.committer.trouble is not None
    wire.refuses = False
    desk.create("second")
    assert desk.store.committer.trouble is None


def test_reading_finds_its_way_back_too(desk: Desk, wire: Wire) -> None:
    wire.refuses = True
    wire.cut = lambda _sent: True
    with pytest.raises(StorageUnavailable, match="The database cannot be read"):
        desk.find("first")
    wire.cut = lambda _sent: False
    wire.refuses = False
    assert desk.find("first") is not None


def test_a_transaction_that_the_server_never_heard_of_was_not_committed(
    fresh_postgres_url: str,
) -> None:
    """A crash of the server loses what was not in its log; its numbers begin anew there."""
    engine = open_engine(fresh_postgres_url)
    assert not Transactions(engine).has_committed(str(10**9))
    engine.dispose()
