"""A receiver of webhooks as others write them: it verifies with the library, and misbehaves."""

import json
import threading
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECONDS_MAX = 30.0
SECRET = "whsec_" + b64encode(b"s" * 24).decode()


@dataclass(slots=True)
class Message:
    """A message that came, with whether its signature was good."""

    path: str
    headers: dict[str, str]
    body: bytes
    is_signed: bool
    answered: int

    @property
    def data(self) -> dict[str, Any]:
        """The event."""
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found


@dataclass
class Receiver:
    """What came, and how it is answered.

    `answers` are used one after the other; when there is none left, 204. An answer is a status, or
    a word: `close` (the connection), `stall` (until the end), `garbage`.
    """

    url: str = ""
    secret: str = SECRET
    messages: list[Message] = field(default_factory=list[Message])
    answers: list[int | str] = field(default_factory=list[int | str])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    changed: threading.Condition = field(default_factory=threading.Condition)
    over: threading.Event = field(default_factory=threading.Event)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int | str:
        with self.changed:
            how = self.answers.pop(0) if self.answers else 204
            try:
                Webhook(self.secret).verify(body, headers)
                good = True
            except Exception:  # noqa: BLE001 - whatever the library objects to, it is not good
                good = False
            status = how if isinstance(how, int) else 0
            self.messages.append(Message(path, headers, body, good, status))
            self.changed.notify_all()
            return how

    def wait(self, count: int) -> list[Message]:
        """The messages once there are so many of them."""
        with self.changed:
            done = self.changed.wait_for(lambda: len(self.messages) >= count, SECONDS_MAX)
            assert done, f"only {len(self.messages)} of {count} messages came"
            return list(self.messages)

    @property
    def told(self) -> list[tuple[str, str]]:
        """What was taken: the type and the task of each."""
        return [
            (one.data["type"], one.data["task_id"])
            for one in self.messages
            if 200 <= one.answered < 300
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        how = self.receiver.take(self.path, headers, body)
        if how == "stall":
            self.receiver.over.wait(SECONDS_MAX)
        if not isinstance(how, int):
            if how == "garbage":
                self.wfile.write(b"what?\r\n\r\n")
            self.close_connection = True
            return
        self.send_response(how)
        for name, value in self.receiver.headers.items():
            self.send_header(name, value)
        if how != 204:
            self.send_header("content-length", str(len(self.receiver.body)))
        self.end_headers()
        self.wfile.write(self.receiver.body if how != 204 else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Peers may go."""


@contextmanager
def receiving() -> Generator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        thread.join()
        with suppress(OSError):
            server.server_close()
