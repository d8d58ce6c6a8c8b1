"""`make` is the one way in, and it explains itself."""

import os
import re

from tests.support.repository import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGET = re.compile(r"^(?P<name>[a-z][a-z-]*):(?P<rest>.*)$", re.MULTILINE)
PHONY = re.compile(r"^\.PHONY: (?P<name>[a-z-]+)$", re.MULTILINE)


def test_every_target_says_what_it_does() -> None:
    assert [
        found["name"] for found in TARGET.finditer(MAKEFILE) if "## " not in found["rest"]
    ] == []


def test_every_target_is_phony_so_that_no_file_can_hide_it() -> None:
    targets = [found["name"] for found in TARGET.finditer(MAKEFILE)]
    assert [found["name"] for found in PHONY.finditer(MAKEFILE)] == targets


def test_ci_calls_make_test_and_nothing_else() -> None:
    script = ROOT / ".ci" / "run"
    commands = [line for line in script.read_text().splitlines() if not line.startswith("#")]
    assert commands == [
        "set -euo pipefail",
        'cd "$(dirname "${BASH_SOURCE[0]}")/.."',
        "exec make test",
    ]
    assert os.access(script, os.X_OK)
