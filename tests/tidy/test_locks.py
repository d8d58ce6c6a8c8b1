"""The lock files say what is installed, and leave where it comes from to the machine."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.repository import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PACKAGE_LOCKS = [ROOT / "web" / "package-lock.json", ROOT / "tests" / "oidc" / "package-lock.json"]
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[a-z,]+\])?==\S+( ; .+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
COMMENT = re.compile(r"^\s*#")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_file_holds_names_versions_and_hashes_only(lock: Path) -> None:
    other = [
        line
        for line in lock.read_text().splitlines()
        if not (PIN.match(line) or HASH.match(line) or COMMENT.match(line))
    ]
    assert other == []
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", PACKAGE_LOCKS, ids=lambda path: path.parent.name)
def test_a_package_lock_names_no_address(lock: Path) -> None:
    """Npm adds who takes donations; `funding` can be left out of the file."""
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", ["runtime", "dev"])
def test_a_lock_file_holds_every_dependency_of_the_project(lock: str) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[<>=;]", requirement)[0] for requirement in wanted}
    assert names - set(pinned(lock)) == set()


def test_development_and_runtime_lock_the_same_versions() -> None:
    runtime, dev = pinned("runtime"), pinned("dev")
    assert {name: dev.get(name) for name in runtime} == runtime


def pinned(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return {
        match["name"]: line.split("==")[1].split()[0]
        for line in text.splitlines()
        if (match := PIN.match(line))
    }
