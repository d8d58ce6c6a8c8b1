"""Running seeds: one of them, or as many as fit into a time."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from farwork.storage import access_store
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from tests.simulation.record import Broken
from tests.simulation.world import START, World, dice_of, live

STEPS = 250
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


@contextmanager
def folder() -> Generator[Path]:
    """A folder for short-lived files, in memory where that can be had."""
    where = _MEMORY if _MEMORY.is_dir() else None
    with TemporaryDirectory(prefix="farwork-simulation-", dir=where) as name:
        yield Path(name)


def template_in(place: Path) -> Path:
    """An empty database, of which every world has a copy."""
    file = place / "template.db"
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    with engine.begin() as connection:
        access_store.add_project(connection, "default", START)
    engine.dispose()
    return file


def run(seed: int, template: Path, steps: int = STEPS) -> list[str]:
    """What happened in the world of a seed. Raises `Broken`, with how to see it again."""
    with TemporaryDirectory(dir=template.parent) as name:
        world = World(seed, template, Path(name))
        try:
            with dice_of(world.dice):
                asyncio.run(live(world, steps))
        except BaseException as error:
            last = "\n".join(world.trace[-12:])
            again = f"python -m tests.simulation --seed {seed} --steps {steps}"
            message = f"{type(error).__name__}: {error}\nafter\n{last}\nAgain: {again}"
            raise Broken(message) from error
        return world.trace
