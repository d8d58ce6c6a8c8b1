"""The configuration: frozen records, read once; nothing else looks at the environment."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

PREFIX = "FARWORK_"
AUTH_WORDS = ("on", "off")
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")
PORT_MAX = 65_535
PROXY_HEADERS = ("x-forwarded-for", "forwarded")
ROLE_WORDS = ("viewer", "worker", "operator", "admin")
SKEW_SECONDS_MAX = 300
_HOST = re.compile(r"(?=.*[a-zA-Z])[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?")


class ConfigError(ValueError):
    """The configuration cannot be used; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def default_database() -> str:
    """A SQLite file in the user's data directory."""
    from platformdirs import user_data_dir  # noqa: PLC0415 - no client command needs it

    return f"sqlite:///{Path(user_data_dir('farwork', appauthor=False)) / 'farwork.db'}"


def spool_folder(environment: Mapping[str, str]) -> Path:
    """Where reports wait for the server: `FARWORK_SPOOL`, or in the user's data directory."""
    said = look(ClientConfig, environment).values.spool
    if said:
        return _absolute(said)
    from platformdirs import user_data_dir  # noqa: PLC0415 - as above

    return Path(user_data_dir("farwork", appauthor=False)) / "spool"


@dataclass(frozen=True, slots=True)
class Config:
    """How a server runs. Every field is a variable `FARWORK_<NAME>`, many are options too.

    `database` is a SQLAlchemy URL. Port 0: any free one. `hook_targets_allowed` names networks
    (10.1.0.0/16) and hosts (hooks.corp.example), separated by commas, that webhooks may be sent to
    although they are private. `rate_requests_max` in each window is for callers without a limit of
    their own; 0: no limit. `scanhub_patients` is the address of ScanHub's patient service; without
    it any patient is taken. `scanhub_data_lake` is the folder whose files its viewers are shown;
    without it none are. A task of ScanHub may be STARTED for `scanhub_wait_seconds_max`, and
    INPROGRESS for `scanhub_silence_seconds_max` without a word. Jobs of Argus must end within
    `argus_job_seconds_max`. `trusted_proxies` names addresses and networks, separated by commas,
    whose `proxy_header` is believed about where a request comes from.
    Spans go to the OTLP endpoint `traces` (http://127.0.0.1:4318/v1/traces), if there is one.
    With an `oidc_issuer`, its access tokens for the `oidc_audience` are taken too.
    """

    host: str = "127.0.0.1"
    port: int = 8400
    database: str = ""
    auth: str = "on"
    processes: int = 1
    readers: int = 4
    single_body_bytes_max: int = 1 << 20
    batch_body_bytes_max: int = 16 << 20
    log_level: str = "info"
    log_format: str = "text"
    hook_targets_allowed: str = ""
    rate_requests_max: int = 0
    rate_window_seconds: int = 60
    trusted_proxies: str = ""
    proxy_header: str = "x-forwarded-for"
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_role_claim: str = "roles"
    oidc_roles: str = ""
    oidc_project_claim: str = ""
    oidc_project: str = "default"
    oidc_name_claim: str = "preferred_username"
    oidc_skew_seconds: int = 30
    scanhub_patients: str = ""
    scanhub_data_lake: str = ""
    scanhub_wait_seconds_max: int = 3_600
    scanhub_silence_seconds_max: int = 86_400
    argus_job_seconds_max: int = 86_400
    traces: str = ""

    @property
    def oidc_role_pairs(self) -> list[tuple[str, str]]:
        """The issuer's words with the roles they mean: `oidc_roles` is `theirs=ours,...`."""
        pairs = (pair.rpartition("=") for pair in self.oidc_roles.split(",") if pair.strip())
        return [(theirs.strip(), ours.strip()) for theirs, _, ours in pairs]

    @property
    def auth_on(self) -> bool:
        """Whether callers must show who they are."""
        return self.auth == "on"


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Which server a client talks to, the API key that it shows there, and where reports wait.

    `spool` is a folder; empty: one in the user's data directory. Spans of workers go to the OTLP
    endpoint `traces`, if there is one.
    """

    server: str = "http://127.0.0.1:8400"
    key: str = ""
    traces: str = ""
    spool: str = ""


Record = TypeVar("Record", Config, ClientConfig)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Record]):
    """A configuration as it was found, its problems, and where each value comes from."""

    values: Record
    origins: Mapping[str, str]
    problems: tuple[str, ...]

    def checked(self) -> Record:
        """The configuration. Raises `ConfigError` with every problem at once."""
        if self.problems:
            raise ConfigError(list(self.problems))
        return self.values

    def shown(self) -> dict[str, Any]:
        """All values, secrets blanked."""
        values = {f.name: getattr(self.values, f.name) for f in fields(self.values)}
        for name, hide in _HIDDEN.items():
            if name in values:
                values[name] = hide(values[name])
        return values


def load(environment: Mapping[str, str], given: Mapping[str, Any] | None = None) -> Config:
    """A server's configuration: `FARWORK_*` variables, overruled by what was `given`.

    Raises `ConfigError` with every problem at once.
    """
    return look(Config, environment, given).checked()


def load_client(
    environment: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> ClientConfig:
    """A client's configuration, found in the same way. Raises `ConfigError`."""
    return look(ClientConfig, environment, given).checked()


def look(
    kind: type[Record], environment: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> Loaded[Record]:
    """The configuration with its problems; a value that cannot be used is left at its default."""
    problems: list[str] = []
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    for f in fields(kind):
        value, origins[f.name] = _find(f.name, environment, given or {})
        if isinstance(f.default, int) and isinstance(value, str):
            try:
                value = int(value)
            except ValueError:
                problems.append(f"{f.name}: {value!r} is not a whole number")
                continue
        if value is not None:
            values[f.name] = value
    if kind is Config and not values.get("database"):
        values["database"] = default_database()
    record = kind(**values)
    problems += _problems(record) if isinstance(record, Config) else _client_problems(record)
    return Loaded(record, origins, tuple(problems))


def _find(name: str, environment: Mapping[str, str], given: Mapping[str, Any]) -> tuple[Any, str]:
    if given.get(name) is not None:
        return given[name], f"--{name.replace('_', '-')}"
    # An empty variable is an unset one: shells and unit files cannot always unset.
    found = environment.get(PREFIX + name.upper())
    return (found, PREFIX + name.upper()) if found else (None, "default")


def strangers(environment: Mapping[str, str]) -> dict[str, str | None]:
    """`FARWORK_*` variables that are no setting, each with the one that was probably meant."""
    known = {PREFIX + f.name.upper() for kind in (Config, ClientConfig) for f in fields(kind)}
    return {
        name: next(iter(get_close_matches(name, known, n=1, cutoff=0.8)), None)
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known and not name.startswith(f"{PREFIX}TEST_")
    }


def _problems(config: Config) -> list[str]:
    problems: list[str] = []
    if not 0 <= config.port <= PORT_MAX:
        problems.append(f"port: {config.port} is not between 0 and {PORT_MAX}")
    if config.auth not in AUTH_WORDS:
        problems.append(f"auth: {config.auth!r} is neither 'on' nor 'off'")
    if config.auth == "off" and not is_loopback(config.host):
        problems.append(
            f"auth: 'off' is accepted on a loopback address only, not on {config.host!r}"
        )
    problems += [
        f"{name}: {value} is less than 1"
        for name in (
            "processes",
            "readers",
            "single_body_bytes_max",
            "batch_body_bytes_max",
            "rate_window_seconds",
            "argus_job_seconds_max",
            "scanhub_wait_seconds_max",
            "scanhub_silence_seconds_max",
        )
        if (value := getattr(config, name)) < 1
    ]
    if config.rate_requests_max < 0:
        problems.append(f"rate_requests_max: {config.rate_requests_max} is less than 0")
    if config.processes > 1 and config.database.startswith("sqlite"):
        problems.append("processes: SQLite is served by one process; use PostgreSQL for several")
    if config.log_level not in LOG_LEVELS:
        problems.append(f"log_level: {config.log_level!r} is none of {', '.join(LOG_LEVELS)}")
    problems += _oidc_problems(config)
    if config.log_format not in LOG_FORMATS:
        problems.append(f"log_format: {config.log_format!r} is neither 'text' nor 'json'")
    problems += [
        f"hook_targets_allowed: {one!r} is neither a network like 10.1.0.0/16 nor a host"
        for one in listed(config.hook_targets_allowed)
        if not _HOST.fullmatch(one) and not is_network(one)
    ]
    problems += [
        f"trusted_proxies: {one!r} is neither an address nor a network like 10.1.0.0/16"
        for one in listed(config.trusted_proxies)
        if not is_network(one)
    ]
    if config.proxy_header not in PROXY_HEADERS:
        said = " nor ".join(PROXY_HEADERS)
        problems.append(f"proxy_header: {config.proxy_header!r} is neither {said}")
    if config.scanhub_data_lake and not Path(config.scanhub_data_lake).is_absolute():
        problems.append(f"scanhub_data_lake: {config.scanhub_data_lake!r} is no absolute path")
    problems += _traces_problems(config.traces)
    problem = _database_problem(config.database)
    return [*problems, f"database: {problem}"] if problem else problems


def _oidc_problems(config: Config) -> list[str]:
    if not config.oidc_issuer:
        return []
    problems: list[str] = []
    parts = urlsplit(config.oidc_issuer)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        problems.append(f"oidc_issuer: {config.oidc_issuer!r} is not an https:// address")
    if not config.oidc_audience:
        problems.append("oidc_audience: a token must say that it is for this server; name it")
    problems += [
        f"oidc_roles: {ours!r} is none of {', '.join(ROLE_WORDS)}; write theirs=ours,theirs=ours"
        for theirs, ours in config.oidc_role_pairs
        if ours not in ROLE_WORDS or not theirs
    ]
    if not 0 <= config.oidc_skew_seconds <= SKEW_SECONDS_MAX:
        problems.append(f"oidc_skew_seconds: it is not between 0 and {SKEW_SECONDS_MAX}")
    return problems


def _database_problem(database: str) -> str | None:
    shown = hide_password(database)
    scheme, sign, rest = database.partition("://")
    if not sign:
        return f"{shown!r} is not a URL; for a SQLite file write sqlite:///{_absolute(database)}"
    if scheme in ("sqlite", "sqlite+pysqlite"):
        return _sqlite_problem(shown, rest)
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        return f"{shown!r} is neither sqlite:////absolute/path.db nor postgresql://user@host/name"
    return None


def _sqlite_problem(shown: str, rest: str) -> str | None:
    if not rest.startswith("/"):
        return f"{shown!r} wants three slashes before the path: sqlite:///{rest}"
    if rest[1:].partition("?")[0] in ("", ":memory:"):
        return f"{shown!r} names no file: write sqlite:////absolute/path.db"
    return None


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _client_problems(config: ClientConfig) -> list[str]:
    problems: list[str] = []
    try:
        parts = urlsplit(config.server)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        problems.append(f"server: {config.server!r} is not an address like http://127.0.0.1:8400")
    if not config.key.isascii() or not config.key.isprintable() or " " in config.key:
        problems.append("key: it has characters that no API key has")
    return problems + _traces_problems(config.traces)


def _traces_problems(endpoint: str) -> list[str]:
    if not endpoint:
        return []
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [f"traces: {endpoint!r} is not an address like http://127.0.0.1:4318/v1/traces"]
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        return ["traces: OpenTelemetry is not installed; pip install 'farwork[traces]'"]
    return []


def listed(text: str) -> list[str]:
    """The parts of a list that commas separate."""
    return [part.strip() for part in text.split(",") if part.strip()]


def is_network(text: str) -> bool:
    """Whether this is the address of a network, or of one machine."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


_PASSWORD = re.compile(r"(?<=://)(?P<user>[^:/?@]*):.*@|(?<=[?&]password=)[^&]*")


def hide_password(url: str) -> str:
    """The URL with its password blanked."""
    return _PASSWORD.sub(lambda m: "***" if m["user"] is None else f"{m['user']}:***@", url)


def hide_secret(key: str) -> str:
    """The API key with its secret blanked; the id in front may be seen."""
    start, sign, _secret = key.rpartition("_")
    return f"{start}_***" if sign else "***" if key else ""


_HIDDEN: dict[str, Callable[[str], str]] = {"database": hide_password, "key": hide_secret}
