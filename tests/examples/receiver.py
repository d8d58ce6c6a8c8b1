"""A webhook receiver on loopback that keeps what it gets and can be told to behave badly."""

import json
from collections.abc import Sequence
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

WAIT_SECONDS_MAX = 20.0


class Reaction(Enum):
    TAKE = auto()
    REFUSE_FOR_NOW = auto()
    REFUSE_FOR_GOOD = auto()
    HANG_UP = auto()
    KEEP_SILENT = auto()  # until the sender hangs up


class Post(NamedTuple):
    path: str
    authorization: str | None
    body: bytes


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # a fuller queue drops connections, which come again a second later


class Receiver:
    """Reacts to the first posts as told and takes every later one."""

    def __init__(self, first_reactions: Sequence[Reaction] = ()) -> None:
        self.posts: list[Post] = []
        self._reactions = [*first_reactions]
        self._arrived = Condition()
        self._server = Server(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def bodies(self) -> list[bytes]:
        return [post.body for post in self.posts]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    def wait_for(self, count: int) -> None:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.posts) >= count, WAIT_SECONDS_MAX)
        assert arrived, f"waited for {count} posts, got {self.posts}"

    def react_to(self, post: Post) -> Reaction:
        with self._arrived:
            self.posts.append(post)
            self._arrived.notify_all()
            return self._reactions.pop(0) if self._reactions else Reaction.TAKE

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = Post(self.path, self.headers["Authorization"], body)
                match receiver.react_to(post):
                    case Reaction.TAKE:
                        self.answer(200)
                    case Reaction.REFUSE_FOR_NOW:
                        self.answer(503)
                    case Reaction.REFUSE_FOR_GOOD:
                        self.answer(422)
                    case Reaction.HANG_UP:
                        pass
                    case Reaction.KEEP_SILENT:
                        self.rfile.read(1)

            def answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        return Handler
