"""What it takes to be there: time until it is ready, memory at rest, the size of the download.

Each round starts the server on a database that is there already, as every start but the first does,
and asks the command line for its help. The files are warm: the system's cache is left as it is.
"""

import subprocess
import sys
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

from bench import machine, subjects
from bench.harness import ServerFailed, free_port, scratch, served
from bench.outcome import Bar, Outcome
from bench.rounds import in_turn
from bench.settings import Settings

FARWORK = str(Path(sys.executable).parent / "farwork")
ROOT = Path(__file__).parent.parent
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one round saw."""

    ready_s: float
    help_s: float
    idle_mb: float
    elsewhere_cores: float

    def as_text(self) -> str:
        """Says in one line what was found."""
        return (
            f"ready {self.ready_s:5.2f} s   help {self.help_s:5.2f} s   "
            f"idle {self.idle_mb:6.1f} MB   elsewhere {self.elsewhere_cores:.2f}"
        )


def run(settings: Settings) -> Outcome:
    """Measures on SQLite; the wheel is built once."""
    with scratch() as directory:
        wheel = _wheel_bytes(directory / "wheel")
        database = subjects.sqlite_url(directory / "farwork.db")
        subjects.farwork_key(database)
        rounds = in_turn(settings, {"footprint": lambda number: _measure(directory, number)})
    figures = {
        "ready_s": rounds.median("footprint", lambda one: one.ready_s),
        "help_s": rounds.median("footprint", lambda one: one.help_s),
        "idle_mb": rounds.median("footprint", lambda one: one.idle_mb),
        "wheel_mb": wheel / MB,
    }
    bars = {
        "ready_s": Bar("<=", 1.5),
        "help_s": Bar("<=", 0.3),
        "idle_mb": Bar("<=", 120.0),
        "wheel_mb": Bar("<=", 10.0),
    }
    return Outcome(bench="footprint", figures=figures, bars=bars, loud_rounds=rounds.loud)


def _measure(directory: Path, number: int) -> Footprint:
    port, database = free_port(), subjects.sqlite_url(directory / "farwork.db")
    command = [FARWORK, "serve", "--port", str(port), "--database", database]
    busy, began = machine.busy_seconds(), perf_counter()
    with served(f"farwork-{number}", command, port, directory) as server:
        ready_s = perf_counter() - began
        idle_mb = _idle_bytes(server.pid, port) / MB
        own = machine.cpu_seconds(server.pid)
    stopped = perf_counter()
    subprocess.run([FARWORK, "--help"], check=True, stdout=subprocess.DEVNULL)
    help_s = perf_counter() - stopped
    seconds = perf_counter() - began
    # The help keeps one core busy while it lasts.
    elsewhere = (machine.busy_seconds() - busy - own - help_s) / seconds
    return Footprint(ready_s, help_s, idle_mb, max(0.0, elsewhere))


def _idle_bytes(pid: int, port: int) -> int:
    """The memory of all its processes, once it has answered a first request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5.0)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    connection.close()
    return machine.used_bytes(pid)


def _wheel_bytes(folder: Path) -> int:
    """The size of the wheel that is published, with the UI as it is built by now."""
    uv = Path(sys.executable).parent / "uv"
    command = [uv, "build", "--wheel", "--no-build-isolation", "--out-dir", folder, ROOT]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    if built.returncode != 0:
        raise ServerFailed(built.stderr[-2000:])
    return max(file.stat().st_size for file in folder.glob("*.whl"))
