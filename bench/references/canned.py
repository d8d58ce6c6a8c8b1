"""Answers every request with the same bytes, unread.

What the load generator reaches against it is the floor under the generator's ceiling.

Run it as `python -m bench.references.canned PORT`.
"""

import select
import socket
import sys

_BODY = (
    b'{"task_id":"run-000042","verdict":"applied","reason":null,'
    b'"event_id":"0193513e-5a8c-7b4e-9d2f-3c1a5b7e9f01","state":"running","version":17}'
)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
_REQUEST_BYTES_MAX = 1 << 16


def serve(port: int) -> None:
    """Serves until it is stopped; it takes every arrival of bytes for one request."""
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in epoll.poll():
            if descriptor == listener.fileno():
                client, _ = listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[client.fileno()] = client
                epoll.register(client.fileno(), select.EPOLLIN)
            elif clients[descriptor].recv(_REQUEST_BYTES_MAX):
                clients[descriptor].sendall(_ANSWER)
            else:
                epoll.unregister(descriptor)
                clients.pop(descriptor).close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
