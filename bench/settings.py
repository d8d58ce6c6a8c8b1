"""How a bench is run: what the command line may change about it."""

from argparse import ArgumentParser
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line's choices; the defaults are those of the figures in the README."""

    rounds: int = 5
    noisy: bool = False
    postgresql: bool = True


def from_arguments(benches: list[str], arguments: list[str]) -> tuple[str, Settings]:
    """Reads the name of a bench and its settings; a bad argument ends the program with status 2."""
    parser = ArgumentParser(prog="python -m bench", description="Measures the product.")
    parser.add_argument("name", choices=benches)
    parser.add_argument("--rounds", type=int, default=5, help="measure so often (default: 5)")
    parser.add_argument(
        "--noisy", action="store_true", help="accept rounds that other programs disturbed"
    )
    parser.add_argument(
        "--sqlite-only", action="store_true", help="leave out the figures on PostgreSQL"
    )
    given = parser.parse_args(arguments)
    settings = Settings(rounds=given.rounds, noisy=given.noisy, postgresql=not given.sqlite_only)
    return given.name, settings
