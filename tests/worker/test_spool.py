"""What is said waits in files until the server has it: in order, and whoever began it."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from farwork.sdk import InvalidRequest, Unreachable
from farwork.worker._letters import Letters
from farwork.worker._spool import Spool, folder_of
from tests.support.waiting import until


class Post:
    """Where letters go; it can be away, and refuse."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.away = Event()
        self.refuses = b""

    def send(self, kind: str, bodies: Sequence[bytes]) -> None:
        if self.away.is_set():
            raise Unreachable("nobody there")
        if self.refuses and self.refuses in bodies:
            raise InvalidRequest(422, "invalid", "no")
        self.got += [(kind, body) for body in bodies]


@pytest.fixture
def post() -> Post:
    return Post()


def files(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


def test_letters_arrive_once_and_in_order_when_the_server_is_back(
    post: Post, tmp_path: Path
) -> None:
    post.away.set()
    spool = Spool(tmp_path, post.send)
    spool.open()
    expected = [("ab"[n % 3 // 2], str(n).encode()) for n in range(250)]
    for kind, body in expected:
        spool.add(kind, body)
    post.away.clear()
    spool.close(30)
    assert post.got == expected
    assert files(tmp_path) == []


def test_what_a_process_leaves_behind_is_delivered_by_the_next(post: Post, tmp_path: Path) -> None:
    post.away.set()
    for said in (b"1", b"2"):
        ended = Spool(tmp_path, post.send)
        ended.open()
        ended.add("report", said)
        ended.close(30)
    post.away.clear()
    spool = Spool(tmp_path, post.send)
    spool.open()
    spool.add("report", b"3")
    spool.close(30)
    assert [body for _, body in post.got] == [b"1", b"2", b"3"]
    assert files(tmp_path) == []


def test_what_another_process_holds_is_left_to_it(tmp_path: Path) -> None:
    living = Letters(tmp_path)
    living.add("report", b"its own")
    other = Letters(tmp_path)
    assert other.waiting == 0
    other.close()
    assert living.waiting == 1
    living.close()


def test_a_letter_that_is_never_taken_holds_up_nothing(post: Post, tmp_path: Path) -> None:
    post.refuses = b"2"
    told: list[bytes] = []
    spool = Spool(tmp_path, post.send, lambda _kind, body, _refusal: told.append(body))
    spool.open()
    for body in (b"1", b"2", b"3"):
        spool.add("report", body)
    spool.close(30)
    assert [body for _, body in post.got] == [b"1", b"3"]
    assert told == [b"2"]


def test_a_folder_that_is_a_file_stops_nothing(post: Post, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file", post.send)
    spool.open()
    spool.add("report", b"1")
    spool.close(30)
    assert post.got == [("report", b"1")]


def test_a_file_that_breaks_under_way_loses_nothing(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post.away.set()
    spool = Spool(tmp_path, post.send)
    spool.open()
    (file,) = tmp_path.glob("*.db")
    with sqlite3.connect(file) as other:
        other.execute("DROP TABLE letters")
    other.close()
    spool.add("report", b"1")
    post.away.clear()
    spool.close(30)
    assert post.got == [("report", b"1")]
    assert "in memory only" in capsys.readouterr().err


def test_each_server_and_key_has_its_own_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FARWORK_SPOOL", str(tmp_path))
    assert folder_of(spool=True, destination="abc") == tmp_path / "abc"
    assert folder_of(spool=False, destination="abc") is None
    assert folder_of(spool="here", destination="abc") == Path("here")


def test_somebody_who_waits_for_nothing_is_not_kept(post: Post) -> None:
    spool = Spool(None, post.send)
    spool.open()
    spool.add("report", b"1")
    until(lambda: post.got, "it is delivered")
    spool.close(30)
