"""The doctor finds what is wrong, says what to do, and changes nothing."""

import sqlite3
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from farwork import clock
from farwork.cli import doctor_database, doctor_loops, times
from farwork.storage import tables
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from tests.cli.conftest import Ended, Serving, Shell, wrapped
from tests.support.server import Server, free_port


def found(done: Ended) -> dict[str, str]:
    """The worst verdict of each check."""
    worst = ["good", "note", "bad"]
    verdicts: dict[str, str] = {}
    for one in done.objects:
        before = verdicts.get(one["check"], "good")
        verdicts[one["check"]] = max(before, one["verdict"], key=worst.index)
    return verdicts


def details(done: Ended, check: str) -> list[str]:
    return [one["detail"] for one in done.objects if one["check"] == check]


def test_a_healthy_server_is_found_healthy(farwork: Shell) -> None:
    done = farwork("doctor", "--json")
    assert (done.code, done.err) == (0, "")
    assert found(done) == snapshot(
        {
            "configuration": "good",
            "server": "good",
            "clock": "good",
            "readiness": "good",
            "authentication": "good",
            "key": "good",
        }
    )
    assert details(done, "key") == ["It is valid; its role is admin."]


def test_people_read_a_list(farwork: Shell, server: Server) -> None:
    done = farwork("doctor")
    assert done.code == 0
    lines = done.out.replace(server.url, "URL").splitlines()
    assert [line for line in lines if "position" not in line] == snapshot(
        [
            "ok   configuration  It can be used.",
            "ok   server         URL answers.",
            "ok   clock          The server and this machine agree about the time.",
            "ok   authentication It is on: callers show an API key.",
            "ok   key            It is valid; its role is admin.",
        ]
    )


def test_the_role_of_a_key_is_told(farwork: Shell, server: Server) -> None:
    done = farwork.with_settings(key=server.key("worker"))("doctor", "--json")
    assert details(done, "key") == ["It is valid; its role is worker."]


def test_a_key_that_is_not_known_is_found(farwork: Shell) -> None:
    done = farwork.with_settings(key="fw_abcd_efgh")("doctor", "--json")
    assert (done.code, found(done)["key"]) == (1, "bad")


def test_a_server_that_is_not_there_is_found(shell: Shell) -> None:
    done = shell("doctor", "--json", "--server", f"http://127.0.0.1:{free_port()}")
    assert (done.code, found(done)) == (1, {"configuration": "good", "server": "bad"})


def test_authentication_that_is_off_is_noted(shell: Shell, database: str) -> None:
    with Serving(shell, "--port", "0", "--database", database, "--auth", "off") as serving:
        done = shell("doctor", "--json", "--server", serving.url)
        assert (done.code, found(done)["authentication"]) == (0, "note")


@pytest.fixture
def behind() -> Iterator[str]:
    """A server that lives two minutes ago, and cannot work."""

    class Behind(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_health = self.path == "/healthz"
            self.send_response_only(200 if is_health else 503)
            self.send_header("Date", formatdate(times.present().timestamp() - 120, usegmt=True))
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}' if is_health else b'{"detail": "Disk full."}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the class's own name
            pass

    with HTTPServer(("127.0.0.1", 0), Behind) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_a_clock_that_is_wrong_and_a_database_that_cannot_work_are_found(
    shell: Shell, behind: str
) -> None:
    done = shell("doctor", "--json", "--server", behind)
    assert done.code == 1
    assert (found(done)["clock"], found(done)["readiness"]) == ("bad", "bad")
    assert details(done, "clock")[0].startswith("The server's clock is 2 min")


def test_a_healthy_database_is_found_healthy(shell: Shell, database_url: str) -> None:
    assert shell("keys", "create", "--role", "admin", "--database", database_url).code == 0
    done = shell("doctor", "--json", "--database", database_url)
    assert (done.code, done.err) == (0, "")
    assert "bad" not in found(done).values()
    assert details(done, "counters") == ["They equal a recount."]


def test_who_serves_a_file_is_told(shell: Shell, database: str) -> None:
    with Serving(shell, "--port", "0", "--database", database) as serving:
        done = shell("doctor", "--json", "--database", database)
        said = f"It is being served (process {serving.said['pid']} at {serving.url})."
        assert details(done, "serving") == [said]
        assert serving.stop() == (0, "")
    done = shell("doctor", "--json", "--database", database)
    assert details(done, "serving") == ["No server is serving it at present."]


def test_a_database_that_is_not_there_is_found_and_not_made(shell: Shell, tmp_path: Path) -> None:
    done = shell("doctor", "--json", "--database", f"sqlite:///{tmp_path}/none.db")
    assert (done.code, found(done)["database"]) == (1, "bad")
    assert list(tmp_path.iterdir()) == []


def test_counters_that_lie_are_found(shell: Shell, database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        values = "('default', 'gpu', 'train', 'running', 0, 3)"
        connection.exec_driver_sql(f"INSERT INTO counters VALUES {values}")  # noqa: S608 - our own words
        connection.exec_driver_sql("INSERT INTO job_counters VALUES ('default', 'j', 'failed', 1)")
    engine.dispose()
    done = shell("doctor", "--json", "--database", database_url)
    assert done.code == 1
    assert details(done, "counters") == snapshot(
        [
            "running tasks of kind 'train' in queue 'gpu' of project 'default': 3 counted, 0 there",
            "failed tasks of job 'j' of project 'default': 1 counted, 0 there",
            "2 numbers are wrong.",
        ]
    )


def test_a_schema_of_another_time_is_found(shell: Shell, database: str) -> None:
    shell("migrate", "--database", database)
    for revision, advice in (
        ("0000", "'farwork migrate' renews it."),
        ("9999", "Use the newer program."),
    ):
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            connection.execute("UPDATE farwork_version SET version_num = ?", (revision,))
        connection.close()
        done = shell("doctor", "--json", "--database", database)
        (schema,) = [one for one in done.objects if one["check"] == "schema"]
        assert (schema["verdict"], schema["advice"]) == ("bad", advice)


@pytest.mark.parametrize(
    ("free_bytes", "verdict"), [(100 << 30, "good"), (1 << 30, "note"), (100 << 20, "bad")]
)
def test_a_disk_that_fills_up_is_noted_and_a_full_one_is_bad(free_bytes: int, verdict: str) -> None:
    assert doctor_database.room(free_bytes).verdict == verdict


def test_settings_that_cannot_be_are_told_first(shell: Shell) -> None:
    done = shell.with_settings(port="x", prot="1")("doctor")
    assert (done.code, wrapped(done.out)) == snapshot(
        (
            1,
            [
                "BAD  configuration  port: 'x' is not a whole number",
                "                    'farwork config' shows where each value comes from.",
                "note configuration  FARWORK_PROT is no setting.",
                "                    Did you mean FARWORK_PORT?",
            ],
        )
    )


def hook_row(id_: str, **said: object) -> dict[str, object]:
    row = {"project": "default", "url": "https://a.example/", "format": "json", "wanted": "{}"}
    numbers = {"position": 0, "failures": 0, "created_at": 0, "updated_at": 0, "version": 1}
    return row | numbers | {"state": "active", "reason": None, "id": id_} | said


def test_webhooks_and_upkeep_that_do_not_go_on_are_found(database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    now = clock.now()
    with engine.begin() as connection:
        connection.execute(tables.heads.update().values(value=2_000))
        error = {"probe_at": 1, "last_error": "The receiver answered 500."}
        for row in (
            hook_row("dead", position=2_000) | error,
            hook_row("late"),
            hook_row("gone", state="disabled", reason="gone"),
            hook_row("off", state="disabled"),
        ):
            connection.execute(tables.hooks.insert().values(**row))
        lease = {"project": "default", "queue": "q", "worker": "w", "lease_seq": 1}
        connection.execute(tables.leases.insert().values(task_pk=1, ends_at=now - 10**9, **lease))
    found = list(doctor_loops.findings(engine, is_served=True))
    assert list(doctor_loops.findings(engine, is_served=False)) == []
    engine.dispose()
    verdicts = [(one.check, one.verdict) for one in found if "leads" not in one.detail]
    assert verdicts[:4] == [
        ("upkeep", "bad"),
        ("webhooks", "bad"),
        ("webhooks", "bad"),
        ("webhooks", "note"),
    ]
    said = " ".join(one.detail for one in found)
    for part in ("ran out 1000 s ago", "answered 500", "2000 events behind"):
        assert part in said
    assert "off (" not in said
    assert all(one.advice for one in found if one.verdict != "good")
    postgres = database_url.startswith("postgresql")
    assert ("No process leads" in said, "No process sends" in said) == (postgres, postgres)


def test_a_server_that_does_its_work_is_found_to_do_so(shell: Shell, database_url: str) -> None:
    with Serving(shell, "--port", "0", "--database", database_url, "--auth", "off"):
        done = shell("doctor", "--json", "--database", database_url)
    assert details(done, "upkeep")[-1] == "Leases and limits are looked at in time."
    assert details(done, "webhooks") == ["0 hooks, none failing and none behind."]
    assert done.code == 0
