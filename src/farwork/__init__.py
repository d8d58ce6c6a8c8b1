"""Farwork: the durable record, and the controls, for tasks that run elsewhere."""

from importlib import import_module

__version__ = "0.1.0"

# What users import from here, and where it is. Nothing of it is loaded before it is asked for: the
# server needs no client, and a command that prints its help needs neither.
_DOORS = {
    "AsyncClient": "farwork.sdk",
    "Client": "farwork.sdk",
    "Worker": "farwork.worker",
    "track": "farwork.worker",
}


def __getattr__(name: str) -> object:
    if name not in _DOORS:
        raise AttributeError(f"module 'farwork' has no attribute {name!r}")
    return getattr(import_module(_DOORS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_DOORS])
