"""`farwork exec` under rough treatment: it never stands between a program and its terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from farwork.sdk import Client
from farwork.worker._exec import percent_in
from tests.cli.conftest import Shell
from tests.support.server import FARWORK
from tests.support.waiting import until

PROGRAM = [sys.executable, "-c"]
AWAY = "http://127.0.0.1:9"


@pytest.fixture
def away(farwork: Shell, tmp_path: Path) -> Shell:
    """A shell whose server is away, so that each test is about the program alone."""
    return farwork.with_settings(server=AWAY, spool=str(tmp_path / "spool"))


def typed(shell: Shell, command: list[str], keys: bytes, *, after: bytes) -> str:
    """What a terminal shows on which the command was given and these keys were pressed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(FARWORK, ["farwork", "exec", "--", *command], shell.environment)  # noqa: S606 - as a shell does
    seen = b""
    try:
        while piece := os.read(terminal, 65_536):
            seen += piece
            if after in seen and keys:
                os.write(terminal, keys)
                keys = b""
    except OSError:
        pass  # so ends a terminal that nobody holds any more
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return f"{seen.decode()}code {os.waitstatus_to_exitcode(status)}"


def test_at_a_terminal_a_program_has_a_terminal_and_hears_what_is_typed(away: Shell) -> None:
    script = "import sys; print(sys.stdout.isatty(), input('name? '))"
    shown = typed(away, [*PROGRAM, script], b"ada\n", after=b"name? ")
    assert "True ada\r\n" in shown
    assert shown.endswith("code 0")


def test_ctrl_c_reaches_the_program_once(away: Shell) -> None:
    script = dedent("""
        import signal, time
        heard = []
        signal.signal(signal.SIGINT, lambda *_: heard.append(1))
        print("up", flush=True)
        while not heard:
            time.sleep(0.01)
        time.sleep(0.3)
        print("heard", len(heard))
        raise SystemExit(5)
    """)
    shown = typed(away, [*PROGRAM, script], b"\x03", after=b"up")
    assert "heard 1" in shown
    assert shown.endswith("code 5")


def test_a_signal_to_it_is_handed_on(away: Shell) -> None:
    script = dedent("""
        import signal, time
        heard = []
        signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
        print("up", flush=True)
        while not heard:
            time.sleep(0.01)
        print("usr1", flush=True)
    """)
    with away.started("exec", "--", *PROGRAM, script) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        running.send_signal(signal.SIGUSR1)
        assert running.stdout.readline() == "usr1\n"
        assert running.wait(30) == 0


def test_a_reader_that_leaves_ends_the_program_as_it_would_without_us(away: Shell) -> None:
    command = f"{FARWORK} exec -- yes | head -n 2; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        env=away.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == ["y", "y", str(128 + signal.SIGPIPE)]


def test_what_a_program_leaves_in_the_background_holds_up_nothing(away: Shell) -> None:
    done = away("exec", "--", "sh", "-c", "sleep 30 & echo $! done")
    assert done.out.endswith("done\n")
    os.kill(int(done.out.split()[0]), signal.SIGKILL)


def test_where_no_report_can_be_kept_the_program_runs_all_the_same(
    away: Shell, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = away("exec", "--spool", str(tmp_path / "file"), "--", *PROGRAM, "print(7)")
    assert (done.code, done.out) == (0, "7\n")
    assert "in memory only" in done.err


def test_what_cannot_be_run_ends_as_in_a_shell(away: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert away("exec", "--", str(tmp_path / "data")).code == 126


def test_bytes_that_are_no_text_pass_unchanged(away: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)"
    with out.open("wb") as file:
        subprocess.run(
            [FARWORK, "exec", "--", *PROGRAM, script], env=away.environment, stdout=file, check=True
        )
    assert out.read_bytes() == bytes(range(256)) * 1000


def test_a_second_run_under_one_id_is_heard(farwork: Shell, client: Client, name: str) -> None:
    command = ("exec", "--id", name, "--", *PROGRAM)
    assert farwork(*command, "raise SystemExit(3)").code == 3
    assert farwork(*command, "pass").code == 0
    until(lambda: client.get_task(name).state == "succeeded", "the second run counts")
    assert next(one.data["exit_code"] for one in client.list_results(name)) == 0


@pytest.mark.parametrize(
    ("line", "pattern", "percent"),
    [
        ("12.5% of it", r"([\d.]+)%", 12.5),
        ("step 3/12", r"step (\d+)/(\d+)", 25.0),
        ("step 3/0", r"step (\d+)/(\d+)", None),
        ("epoch x", r"epoch (\w)", None),
        ("250 %", r"(\d+) %", 100.0),
    ],
)
def test_the_percentage_is_what_the_pattern_finds(
    line: str, pattern: str, percent: float | None
) -> None:
    assert percent_in(line, re.compile(pattern)) == percent


def test_cancelling_at_a_terminal_ends_all_that_the_program_started(
    farwork: Shell, client: Client, name: str, tmp_path: Path
) -> None:
    shell = farwork.with_settings(spool=str(tmp_path))
    pid, terminal = pty.fork()
    if pid == 0:
        command = ["sh", "-c", "sleep 60 & echo started $!; wait"]
        os.execve(FARWORK, ["farwork", "exec", "--id", name, "--", *command], shell.environment)  # noqa: S606 - as a shell does
    seen = b""
    while not (found := re.search(rb"started (\d+)\r?\n", seen)):
        seen += os.read(terminal, 65_536)
    until(lambda: [one.id for one in client.list_tasks(states=["running"])].count(name), "it runs")
    client.cancel_task(name)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGTERM
    sleeper = Path(f"/proc/{int(found[1])}/cmdline")
    until(lambda: not sleeper.exists() or not sleeper.read_bytes(), "what it started has ended")
