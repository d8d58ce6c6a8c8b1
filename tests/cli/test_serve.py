"""Serving: what it says, what it refuses, how it ends."""

import signal
import socket
import threading
from pathlib import Path

import httpx
import pytest
from inline_snapshot import snapshot

from farwork.cli.serving import SUFFIX
from farwork.storage.schema import REVISION
from tests.cli.conftest import SECONDS_MAX, Serving, Shell, wrapped
from tests.support.server import free_port

LOOK_SECONDS = 0.02


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


def wait_until_silent(url: str) -> None:
    pause = threading.Event()
    for _ in range(int(SECONDS_MAX / LOOK_SECONDS)):
        if not answers(url):
            return
        pause.wait(LOOK_SECONDS)
    raise AssertionError(f"{url} still answers")


def test_the_first_start_says_where_it_is_and_gives_an_admin_key_once(
    shell: Shell, database: str
) -> None:
    with Serving(shell, "--port", "0", "--database", database) as first:
        assert set(first.said) == {"version", "pid", "url", "data", "auth", "admin_key"}
        assert first.said["data"] == database.removeprefix("sqlite:///")
        # It is said when it answers, not before.
        assert answers(first.url)
        key = first.said["admin_key"]
        created = shell("submit", "--kind", "x", "--server", first.url, "--key", key)
        assert created.code == 0
        assert first.stop() == (0, "")
    with Serving(shell, "--port", "0", "--database", database) as second:
        assert second.said["admin_key"] is None
        assert second.stop(signal.SIGINT, everybody=True) == (0, "")


def test_people_are_told_the_same_in_words(shell: Shell, database: str) -> None:
    serving = shell.started("serve", "--port", "0", "--database", database)
    assert serving.stdout is not None
    lines = [serving.stdout.readline().rstrip() for _ in range(7)]
    serving.send_signal(signal.SIGINT)
    out, err = serving.communicate(timeout=SECONDS_MAX)
    assert (serving.returncode, out, err) == (0, "", "")
    key = lines[3].split()[1]
    file = database.removeprefix("sqlite:///")
    port = lines[0].rpartition(":")[2]
    told = [line.replace(key, "KEY").replace(file, "FILE").replace(port, "PORT") for line in lines]
    assert told == snapshot(
        [
            "Farwork 0.1.0 listens on http://127.0.0.1:PORT",
            "  data  FILE",
            "  auth  callers show an API key",
            "  key   KEY",
            "        This admin key is shown once; keep it, and",
            "        export FARWORK_KEY=KEY",
            "Ctrl-C stops it.",
        ]
    )


def test_with_authentication_off_no_key_is_made(shell: Shell, database: str) -> None:
    with Serving(shell, "--port", "0", "--database", database, "--auth", "off") as serving:
        assert serving.said["admin_key"] is None
        assert shell("ls", "--server", serving.url).code == 0
        assert serving.stop()[0] == 0
    keys = shell("keys", "list", "--database", database)
    assert (keys.out, keys.err) == snapshot(
        ("", "farwork: there is no key; 'farwork keys create --role ROLE' makes one.\n")
    )


def test_a_file_is_served_once(shell: Shell, database: str) -> None:
    with Serving(shell, "--port", "0", "--database", database) as first:
        second = shell("serve", "--port", "0", "--database", database)
        assert (second.code, second.out) == (3, "")
        said = second.err.replace(database.removeprefix("sqlite:///"), "FILE")
        said = said.replace(str(first.said["pid"]), "PID").replace(first.url, "URL")
        assert wrapped(said) == snapshot(
            [
                "farwork: FILE is being served already (process PID at URL). A SQLite file takes",
                "one server; PostgreSQL takes any number.",
            ]
        )
        assert first.stop() == (0, "")


def test_a_port_that_is_taken_is_refused_before_a_key_is_made(shell: Shell, database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = shell("serve", "--port", port, "--database", database)
    assert (done.code, done.out, wrapped(done.err.replace(port, "8400"))) == snapshot(
        (
            3,
            "",
            [
                "farwork: Cannot listen on http://127.0.0.1:8400: Address already in use. --port",
                "takes another port, 0 a free one.",
            ],
        )
    )
    assert shell("keys", "list", "--database", database).out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--auth", "off", "--host", "0.0.0.0"),  # noqa: S104 - that is what is refused
        ("--processes", "2"),
        ("--port", "70000"),
        ("--database", "/data/x.db"),
        ("--host", "no.such.host.invalid"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    shell: Shell, database: str, arguments: tuple[str, ...]
) -> None:
    given = ["--port", "0", "--database", database, *arguments]
    done = shell("serve", *given)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_all_problems_come_at_once(shell: Shell) -> None:
    wrong = shell.with_settings(port="x", processes="0", database="mysql://me:secret@h/x")
    done = wrong("serve")
    assert (done.code, done.out, wrapped(done.err)) == snapshot(
        (
            2,
            "",
            [
                "farwork: The configuration has 3 problems:",
                "  port: 'x' is not a whole number",
                "  processes: 0 is less than 1",
                "  database: 'mysql://me:***@h/x' is neither sqlite:////absolute/path.db nor",
                "postgresql://user@host/name",
            ],
        )
    )


def test_a_database_that_cannot_be_reached_is_one_line(shell: Shell, tmp_path: Path) -> None:
    nowhere = f"postgresql://me:secret@127.0.0.1:{free_port()}/x"
    no_database = tmp_path / "letter.txt"
    no_database.write_text("Dear database, " * 100)
    for database in (nowhere, f"sqlite:///{no_database}"):
        done = shell("serve", "--port", "0", "--database", database)
        assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
        assert "secret" not in done.err


def test_the_processes_that_answer_end_with_the_one_that_started_them(
    shell: Shell, database: str
) -> None:
    with Serving(shell, "--port", "0", "--database", database) as serving:
        serving.stop(signal.SIGKILL)
        wait_until_silent(serving.url)
    with Serving(shell, "--port", "0", "--database", database) as again:
        assert answers(again.url)


def test_a_follower_does_not_keep_the_server_from_stopping(shell: Shell, database: str) -> None:
    with Serving(shell, "--port", "0", "--database", database, "--auth", "off") as serving:
        tail = shell.started("tail", "--from-start", "--json", "--server", serving.url)
        with tail:
            shell("submit", "--kind", "x", "--server", serving.url)
            assert tail.stdout is not None
            tail.stdout.readline()
            assert serving.stop()[0] == 0
            tail.kill()


def test_several_processes_serve_one_postgresql(shell: Shell, postgres_url: str) -> None:
    given = ("--port", "0", "--database", postgres_url, "--processes", "2")
    with Serving(shell, *given) as serving:
        asker = shell.with_settings(server=serving.url, key=serving.said["admin_key"])
        assert asker("submit", "--id", "a").code == 0
        assert [task["id"] for task in asker("ls", "--json").objects] == ["a"]
        assert serving.stop(signal.SIGINT, everybody=True) == (0, "")


def test_migrate_makes_the_database_and_is_content_with_it_after(
    shell: Shell, database: str
) -> None:
    for _ in range(2):
        done = shell("migrate", "--database", database, "--json")
        assert done.objects == [{"database": database, "schema": REVISION}]
    assert not Path(f"{database.removeprefix('sqlite:///')}{SUFFIX}").exists()


def test_a_key_is_made_listed_and_revoked(shell: Shell, database: str) -> None:
    typed = shell.with_settings(database=database)
    made = typed("keys", "create", "--role", "operator", "--name", "mara")
    assert made.out.startswith("fw_")
    assert len(made.out.splitlines()) == 1
    more = typed(
        *("keys", "create", "--role", "viewer", "--expires-in", "2h"),
        *("--rate-limit", "600/1m", "--json"),
    )
    (described,) = more.objects
    assert described["rate_limit"] == {"requests": 600, "seconds": 60}
    assert set(described) == snapshot(
        {
            "created_at",
            "expires_at",
            "id",
            "key",
            "name",
            "project",
            "rate_limit",
            "revoked_at",
            "role",
        }
    )
    assert [key["role"] for key in typed("keys", "list", "--json").objects] == [
        "operator",
        "viewer",
    ]
    key_id = made.out.split("_")[1]
    assert typed("keys", "revoke", made.out.strip()).out == f"{key_id} is revoked.\n"
    again = typed("keys", "revoke", key_id)
    assert (again.code, again.err) == (1, f"farwork: The key {key_id!r} is revoked already.\n")
    assert typed("keys", "revoke", "nobody").err == snapshot(
        "farwork: The key 'nobody' does not exist; 'farwork keys list' shows all.\n"
    )
    table = typed("keys", "list").out
    assert made.out.strip() not in table
    stands = [line.rpartition("  ")[2] for line in table.splitlines()[1:]]
    assert stands[0].startswith("revoked ")
    assert stands[1].startswith("ends in 1 h")


def test_keys_are_not_looked_for_where_there_is_no_database(shell: Shell, tmp_path: Path) -> None:
    done = shell("keys", "list", "--database", f"sqlite:///{tmp_path}/none.db")
    assert (done.code, wrapped(done.err.replace(str(tmp_path), ""))) == snapshot(
        (
            3,
            [
                "farwork: There is no database at /none.db; 'farwork serve' or 'farwork migrate'",
                "makes one.",
            ],
        )
    )
    assert list(tmp_path.iterdir()) == []


def test_config_shows_values_where_they_come_from_and_no_secret(shell: Shell) -> None:
    typed = shell.with_settings(database="postgresql://me:pass@h/x", key="fw_abc_def", prot="1")
    done = typed("config")
    assert (done.code, done.out, wrapped(done.err)) == snapshot(
        (
            0,
            """\
FOR     SETTING                      VALUE                    FROM
server  host                         127.0.0.1                default
        port                         8400                     default
        database                     postgresql://me:***@h/x  FARWORK_DATABASE
        auth                         on                       default
        processes                    1                        default
        readers                      4                        default
        single_body_bytes_max        1048576                  default
        batch_body_bytes_max         16777216                 default
        log_level                    info                     default
        log_format                   text                     default
        hook_targets_allowed                                  default
        rate_requests_max            0                        default
        rate_window_seconds          60                       default
        trusted_proxies                                       default
        proxy_header                 x-forwarded-for          default
        oidc_issuer                                           default
        oidc_audience                                         default
        oidc_role_claim              roles                    default
        oidc_roles                                            default
        oidc_project_claim                                    default
        oidc_project                 default                  default
        oidc_name_claim              preferred_username       default
        oidc_skew_seconds            30                       default
        scanhub_patients                                      default
        scanhub_data_lake                                     default
        scanhub_wait_seconds_max     3600                     default
        scanhub_silence_seconds_max  86400                    default
        argus_job_seconds_max        86400                    default
        traces                                                default
client  server                       http://127.0.0.1:8400    default
        key                          fw_abc_***               FARWORK_KEY
        traces                                                default
        spool                                                 default
""",
            ["farwork: FARWORK_PROT is no setting; FARWORK_PORT is."],
        )
    )
    found = {one["setting"]: one for one in typed("config", "--json").objects}
    assert found["port"] == {"for": "server", "setting": "port", "value": 8400, "from": "default"}


def test_config_lists_every_problem(shell: Shell) -> None:
    done = shell.with_settings(port="x", server="here")("config", "--json")
    assert (done.code, wrapped(done.err)) == snapshot(
        (
            2,
            [
                "farwork: port: 'x' is not a whole number",
                "farwork: server: 'here' is not an address like http://127.0.0.1:8400",
            ],
        )
    )


def test_the_version_is_told_in_three_ways(shell: Shell) -> None:
    (told,) = shell("version", "--json").objects
    assert shell("version").out == shell("--version").out == f"farwork {told['version']}\n"
