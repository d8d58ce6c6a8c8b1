"""Help comes at once, because nothing is loaded that it does not need; and the page shows it."""

import subprocess
import sys

import pytest

from farwork.cli.entry import COMMANDS
from tests.cli.conftest import Shell
from tests.support import cli_reference
from tests.support.repository import ROOT

HEAVY = {"rich", "httpx", "sqlalchemy", "litestar", "granian", "msgspec", "pydantic"}


@pytest.mark.parametrize("line", ["--help", "ls --help", "serve --help", "keys create --help"])
def test_help_loads_nothing_heavy(shell: Shell, line: str) -> None:
    program = (
        "import sys; from farwork.cli.entry import run;"
        f"code = run({line.split()}); print(*sorted(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=shell.environment,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert loaded & HEAVY == set()


def test_every_command_is_in_the_help_under_its_name(shell: Shell) -> None:
    text = shell("--help").out
    assert [name for name in COMMANDS if f"\n  {name} " not in text] == []


def test_every_command_gives_json_and_says_what_its_options_do() -> None:
    for path, command in cli_reference.commands():
        options = {name: param for param in command.params for name in param.opts}
        # What `exec` writes to the standard output is the program's.
        assert "--json" in options or path == "farwork exec", path
        unexplained = [name for name, param in options.items() if not getattr(param, "help", None)]
        assert unexplained == [], path


def test_the_page_of_the_command_line_is_current() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    assert page == cli_reference.page(), "python -m tests.support.cli_reference writes it anew"
