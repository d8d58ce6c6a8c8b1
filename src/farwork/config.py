"""The configuration: one frozen record, read once; nothing else looks at the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from platformdirs import user_data_dir
from sqlalchemy.engine import make_url

PREFIX = "FARWORK_"


class ConfigError(ValueError):
    """The configuration cannot be used; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def default_database() -> str:
    """A SQLite file in the user's data directory."""
    return f"sqlite:///{Path(user_data_dir('farwork', appauthor=False)) / 'farwork.db'}"


@dataclass(frozen=True, slots=True)
class Config:
    """How a server runs. Every field is an option of `farwork serve` and a variable `FARWORK_<NAME>`."""

    host: str = "127.0.0.1"
    port: int = 8400
    database: str = ""
    auth: str = "on"
    processes: int = 1
    readers: int = 4
    single_body_bytes_max: int = 1 << 20
    batch_body_bytes_max: int = 16 << 20
    log_level: str = "info"

    @property
    def auth_on(self) -> bool:
        """Whether callers must show who they are."""
        return self.auth == "on"

    def shown(self) -> dict[str, Any]:
        """All values, secrets blanked."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["database"] = make_url(self.database).render_as_string(hide_password=True)
        return values


def load(environment: Mapping[str, str], given: Mapping[str, Any] | None = None) -> Config:
    """The configuration from `FARWORK_*` variables, overruled by what was `given` (None: not given).

    Raises `ConfigError` with every problem at once.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    for f in fields(Config):
        value = (given or {}).get(f.name)
        if value is None:
            value = environment.get(PREFIX + f.name.upper())
        if value is None:
            continue
        if f.type is int or f.type == "int":
            try:
                value = int(value)
            except ValueError:
                problems.append(f"{f.name}: {value!r} is not a whole number")
                continue
        values[f.name] = value
    if not values.get("database"):
        values["database"] = default_database()
    config = Config(**values)
    problems += _problems(config)
    if problems:
        raise ConfigError(problems)
    return config


def _problems(config: Config) -> list[str]:
    problems: list[str] = []
    if not 0 <= config.port <= 65_535:
        problems.append(f"port: {config.port} is not between 0 and 65535")
    if config.auth not in ("on", "off"):
        problems.append(f"auth: {config.auth!r} is neither 'on' nor 'off'")
    if config.auth == "off" and not is_loopback(config.host):
        problems.append(f"auth: 'off' is accepted on a loopback address only, not on {config.host!r}")
    if config.processes < 1:
        problems.append("processes: at least 1")
    if config.processes > 1 and config.database.startswith("sqlite"):
        problems.append("processes: SQLite is served by one process; use PostgreSQL for several")
    if config.readers < 1:
        problems.append("readers: at least 1")
    return problems


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
