"""The configuration: all problems at once, no secrets shown, and where each value comes from."""

import pytest
from inline_snapshot import snapshot

from farwork.config import (
    ClientConfig,
    Config,
    ConfigError,
    hide_password,
    hide_secret,
    is_loopback,
    load,
    load_client,
    look,
    strangers,
)

ANY = "0.0.0.0"  # noqa: S104 - asked about, not bound to
FILE = "sqlite:////data/farwork.db"


def problems(**environment: str) -> list[str]:
    named = {f"FARWORK_{name.upper()}": text for name, text in environment.items()}
    try:
        load({"FARWORK_DATABASE": FILE, **named})
    except ConfigError as error:
        return error.problems
    return []


def test_without_anything_it_serves_on_loopback_from_a_file_of_the_user() -> None:
    config = load({})
    assert (config.host, config.port, config.auth_on) == ("127.0.0.1", 8400, True)
    assert config.database.startswith("sqlite:///")
    assert config.database.endswith("farwork.db")


def test_an_option_overrules_a_variable_and_a_variable_the_default() -> None:
    found = look(Config, {"FARWORK_PORT": "9000", "FARWORK_HOST": "::1"}, {"port": 9001})
    assert (found.values.port, found.values.host) == (9001, "::1")
    assert {name: found.origins[name] for name in ("port", "host", "auth")} == {
        "port": "--port",
        "host": "FARWORK_HOST",
        "auth": "default",
    }


def test_an_issuer_is_told_apart_from_what_cannot_be_trusted() -> None:
    assert problems(
        oidc_issuer="http://id.example/realms/work", oidc_roles="boss=king", oidc_skew_seconds="900"
    ) == snapshot(
        [
            "oidc_issuer: 'http://id.example/realms/work' is not an https:// address",
            "oidc_audience: a token must say that it is for this server; name it",
            (
                "oidc_roles: 'king' is none of viewer, worker, operator, admin; "
                "write theirs=ours,theirs=ours"
            ),
            "oidc_skew_seconds: it is not between 0 and 300",
        ]
    )


def test_an_empty_variable_counts_as_none() -> None:
    assert load({"FARWORK_PORT": "", "FARWORK_DATABASE": FILE}).port == 8400


def test_every_problem_is_told_at_once() -> None:
    assert problems(
        port="x", auth="maybe", processes="0", readers="-1", log_level="loud", database="/data/x.db"
    ) == snapshot(
        [
            "port: 'x' is not a whole number",
            "auth: 'maybe' is neither 'on' nor 'off'",
            "processes: 0 is less than 1",
            "readers: -1 is less than 1",
            "log_level: 'loud' is none of debug, info, warning, error",
            "database: '/data/x.db' is not a URL; for a SQLite file write sqlite:////data/x.db",
        ]
    )


def test_authentication_is_off_on_loopback_only() -> None:
    assert problems(auth="off", host="127.0.0.1") == []
    assert problems(auth="off", host="::1") == []
    assert problems(auth="off", host=ANY) == snapshot(
        ["auth: 'off' is accepted on a loopback address only, not on '0.0.0.0'"]
    )


def test_several_processes_need_postgresql() -> None:
    assert problems(processes="2") == snapshot(
        ["processes: SQLite is served by one process; use PostgreSQL for several"]
    )
    assert problems(processes="2", database="postgresql:///farwork") == []


@pytest.mark.parametrize(
    "url",
    [
        FILE,
        "sqlite:///relative.db",
        "sqlite+pysqlite:////data/x.db",
        "postgresql://me@db.example/farwork",
        "postgresql+psycopg:///farwork?host=/run/postgresql",
        "postgres://db.example/farwork",
    ],
)
def test_these_are_databases(url: str) -> None:
    assert problems(database=url) == []


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://x.db", "mysql://h/x", "x"]
)
def test_these_are_not(url: str) -> None:
    assert len(problems(database=url)) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@h/x", "postgresql://me:***@h/x"),
        ("postgresql://me:se/c@re:t@h/x?a=b", "postgresql://me:***@h/x?a=b"),
        ("postgresql://me@h/x", "postgresql://me@h/x"),
        ("postgresql:///x?user=me&password=secret&a=b", "postgresql:///x?user=me&password=***&a=b"),
        (FILE, FILE),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert hide_password(url) == shown
    assert look(Config, {"FARWORK_DATABASE": url}).shown()["database"] == shown


def test_not_even_among_the_problems() -> None:
    assert "secret" not in str(problems(database="oracle://me:secret@h/x"))


def test_of_a_key_the_id_is_shown_and_not_the_secret() -> None:
    assert hide_secret("fw_abcd_efgh") == "fw_abcd_***"
    assert look(ClientConfig, {"FARWORK_KEY": "fw_abcd_efgh"}).shown()["key"] == "fw_abcd_***"
    assert (hide_secret("nonsense"), hide_secret("")) == ("***", "")


@pytest.mark.parametrize(
    "server", ["127.0.0.1:8400", "ftp://h", "http://", "http://h:x", "http://h:99999", "http:///p"]
)
def test_a_server_is_a_web_address(server: str) -> None:
    with pytest.raises(ConfigError, match="server"):
        load_client({"FARWORK_SERVER": server})


def test_a_key_that_cannot_be_sent_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        load_client({"FARWORK_KEY": "fw_a\nb"})
    assert "fw_a" not in str(caught.value)


def test_a_mistyped_variable_is_found_with_what_was_meant() -> None:
    given = {"FARWORK_PROT": "1", "FARWORK_XYZZY": "2", "FARWORK_PORT": "3", "PATH": "4"}
    assert strangers(given) == {"FARWORK_PROT": "FARWORK_PORT", "FARWORK_XYZZY": None}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_these_are_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [ANY, "::", "10.0.0.1", "farwork.example", ""])
def test_these_may_be_any(host: str) -> None:
    assert not is_loopback(host)
