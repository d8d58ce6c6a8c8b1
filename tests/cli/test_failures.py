"""What goes wrong is said in one line that tells what would be right, and never as a traceback."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from inline_snapshot import snapshot

from farwork.cli.failures import ExitCode
from tests.cli.conftest import Shell, wrapped
from tests.support.repository import ROOT
from tests.support.server import Server, free_port


def test_a_server_that_is_not_there_is_named_with_how_to_start_one(shell: Shell) -> None:
    port = str(free_port())
    done = shell("ls", "--server", f"http://127.0.0.1:{port}")
    assert (done.code, done.out, wrapped(done.err.replace(port, "8400"))) == snapshot(
        (
            3,
            "",
            [
                "farwork: Nothing answers at http://127.0.0.1:8400 (connection refused). Start a",
                "server there with 'farwork serve', or say where one is with --server or",
                "FARWORK_SERVER.",
            ],
        )
    )


def test_without_a_key_it_says_how_to_make_one(shell: Shell, server: Server) -> None:
    done = shell("ls", "--server", server.url)
    assert (done.code, done.out, wrapped(done.err)) == snapshot(
        (
            4,
            "",
            [
                "farwork: The server wants an API key: give --key or set FARWORK_KEY. 'farwork",
                "keys create --role operator' makes one; run it where the database is.",
            ],
        )
    )


def test_a_key_that_is_not_known_is_shown_without_its_secret(shell: Shell, server: Server) -> None:
    done = shell("ls", "--server", server.url, "--key", "fw_abcd_efgh")
    assert (done.code, done.out, wrapped(done.err)) == snapshot(
        (
            4,
            "",
            [
                "farwork: The server does not take the key fw_abcd_***: The API key is not known.",
                "'farwork keys create --role operator' makes one; run it where the database is.",
            ],
        )
    )


def test_a_role_that_is_not_enough_is_named(shell: Shell, server: Server) -> None:
    done = shell("cancel", "a", "--server", server.url, "--key", server.key("viewer"))
    assert (done.code, done.out, wrapped(done.err)) == snapshot(
        (4, "", ["farwork: This needs the role operator; this caller has the role viewer."])
    )


def test_all_problems_of_the_settings_are_told_at_once(shell: Shell) -> None:
    done = shell.with_settings(server="here", key="a b")("counts")
    assert (done.code, done.out, wrapped(done.err)) == snapshot(
        (
            2,
            "",
            [
                "farwork: The configuration has 2 problems:",
                "  server: 'here' is not an address like http://127.0.0.1:8400",
                "  key: it has characters that no API key has",
            ],
        )
    )


@pytest.fixture
def stranger() -> Iterator[str]:
    """A web server that is not Farwork."""

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path.startswith("/v1/tasks?") else 404)
            self.end_headers()
            self.wfile.write(b"<h1>Hello</h1>")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the class's own name
            pass

    with HTTPServer(("127.0.0.1", 0), Hello) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


@pytest.mark.parametrize("command", [("ls",), ("get", "a")])
def test_a_server_of_another_kind_is_recognised(
    shell: Shell, stranger: str, command: tuple[str, ...]
) -> None:
    done = shell(*command, "--server", stranger)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"farwork: {stranger} is no Farwork server.")


@pytest.mark.parametrize(
    "line",
    [
        "frobnicate",
        "list",
        "ls --colour",
        "ls --state done",
        "ls --limit 0",
        "ls --limit many",
        "ls --created-after soon",
        "ls extra",
        "get",
        "wait a --timeout forever",
        "keys create",
        "keys create --role boss",
        "keys",
        "serve --port x",
        "serve --auth maybe",
    ],
)
def test_a_wrong_command_line_ends_with_2(shell: Shell, line: str) -> None:
    done = shell(*line.split())
    assert done.code == 2
    assert "Traceback" not in done.err
    if line != "keys":
        assert (done.out, len(done.err.splitlines())) == ("", 1)
        assert done.err.startswith("farwork: ")


def test_a_wrong_word_is_answered_with_those_that_are_right(shell: Shell) -> None:
    assert wrapped(shell("ls", "--state", "done").err) == snapshot(
        [
            "farwork: Invalid value for '--state': 'done' is not one of 'created', 'blocked',",
            "'queued', 'running', 'succeeded', 'failed', 'cancelled'. 'farwork ls --help'",
            "says what can be said.",
        ]
    )
    assert wrapped(shell("lss").err) == snapshot(
        [
            "farwork: No such command 'lss'. Did you mean 'ls'? 'farwork --help' says what",
            "can be said.",
        ]
    )


def test_the_exit_codes_are_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    rows = [f"| {code:d} | {code.meaning} |" for code in ExitCode]
    assert [row for row in rows if row not in page] == []
