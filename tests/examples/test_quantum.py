"""Real circuits through a worker, as the gateway's clients see them."""

import subprocess
import sys

from tests.support.repository import ROOT


def test_what_the_gateway_shows_is_what_the_simulator_says() -> None:
    command = [sys.executable, "-m", "examples.quantum.run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Gate not found: 'T'" in done.stdout
