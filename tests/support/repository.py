"""The repository's own files, for the tests that read them."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
MADE_BY_TOOLS = {"LICENSE", "requirements", "package-lock.json", "openapi.json"}
TEXT = {"", ".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".sh", ".toml", ".ts"} | {
    ".tsx",
    ".txt",
    ".yaml",
    ".yml",
}


@cache
def tracked_files() -> tuple[Path, ...]:
    """What git tracks and what it would track: a new file is checked before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - the developer's own git
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def text_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix in TEXT]


def written_files() -> list[Path]:
    """Text that people write and read; the rest is made by tools."""
    return [path for path in text_files() if MADE_BY_TOOLS.isdisjoint(shown(path).split("/"))]


def python_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py"]


def shown(path: Path) -> str:
    """The path as a reader of a failure wants it."""
    return path.relative_to(ROOT).as_posix()


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
