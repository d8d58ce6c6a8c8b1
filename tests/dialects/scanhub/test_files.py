"""The files of results, as its viewers ask for them; and scans that nobody brings to an end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from farwork.http.dialects.scanhub.files import Part, part_of
from farwork.service.access import Role
from tests.dialects.scanhub.lab import NOWHERE, Lab
from tests.support.server import Server, serving

DATA = bytes(range(256)) * 8


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, lake: Path) -> Iterator[Server]:
    """A server that shows files, and on which nothing may take long."""
    folder = tmp_path_factory.mktemp("scanhub-files")
    with serving(
        f"sqlite:///{folder / 'farwork.db'}",
        folder,
        scanhub_data_lake=str(lake),
        scanhub_wait_seconds_max="1",
        scanhub_silence_seconds_max="1",
    ) as server:
        yield server


@pytest.fixture
def here(impatient: Server) -> Iterator[Lab]:
    with Lab(impatient, "clinic") as opened:
        yield opened


def filed(lab: Lab, lake: Path) -> tuple[str, Path]:
    """The address of a result's files, and the folder in which they lie."""
    scan = lab.scan()
    result = lab.ask("POST", "/result", task_id=scan["id"])
    place = f"{scan['workflow_id']}/{scan['id']}/{result['id']}"
    (lake / place).mkdir(parents=True)
    return place, lake / place


def test_a_file_is_given_whole_and_in_parts(here: Lab, lake: Path) -> None:
    place, folder = filed(here, lake)
    (folder / "a.dcm").write_bytes(DATA)
    (folder / "data.mrd").write_bytes(DATA[::-1])
    whole = here.send("GET", f"/dcm/{place}/a.dcm")
    assert (whole.status_code, whole.content) == (200, DATA)
    assert whole.headers["content-type"] == "application/dicom"
    assert whole.headers["content-length"] == str(len(DATA))
    assert here.send("GET", f"/mrd/{place}/download").content == DATA[::-1]

    def asked(**headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return here.http.get(f"/api/v1/exam/dcm/{place}/a.dcm", headers=named)

    part = asked(Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, DATA[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(DATA)}"
    beyond = asked(Range="bytes=99999-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(DATA)}")
    assert asked(If_None_Match=whole.headers["etag"]).status_code == 304
    assert asked(Range="bytes=10-19", If_Range='"old"').status_code == 200


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=5-", Part(5, 10)),
        ("bytes=-3", Part(7, 10)),
        ("bytes=-99", Part(0, 10)),
        ("bytes=4-99", Part(4, 10)),
        ("bytes=-0", None),
        ("bytes=10-", None),
        ("bytes=5-4", Part(0, 10)),
        ("bytes=0-1,4-5", Part(0, 10)),
        ("lines=0-1", Part(0, 10)),
        ("bytes=-", Part(0, 10)),
    ],
)
def test_a_range_is_a_part_of_the_file(asked: str, part: Part | None) -> None:
    assert part_of(asked, 10) == part


def test_nothing_is_given_that_is_not_the_results_own(
    here: Lab, impatient: Server, lake: Path
) -> None:
    place, folder = filed(here, lake)
    other, _ = filed(here, lake)
    (lake / "secret").write_bytes(b"s")
    (folder / "a.dcm").write_bytes(DATA)
    (folder / "link.dcm").symlink_to(lake / "secret")
    (folder / "inner").mkdir()
    workflow, task, result = place.split("/")
    for path in (
        f"{place}/none.dcm",
        f"{place}/link.dcm",
        f"{place}/inner",
        f"{place}/..%2F..%2F..%2Fsecret",
        f"{place}/%2e%2e",
        f"{place}/a.dcm%00",
        f"{workflow}/{task}/{NOWHERE}/a.dcm",
        f"{workflow}/{other.split('/')[1]}/{result}/a.dcm",
        f"{other.split('/')[0]}/{task}/{result}/a.dcm",
    ):
        assert here.send("GET", f"/dcm/{path}").status_code == 404, path
    assert here.refused("GET", f"/dcm/{workflow}/{task}/none/a.dcm") == 400
    assert httpx.get(f"{impatient.url}/api/v1/exam/dcm/{place}/a.dcm").status_code == 401
    with Lab(impatient, "another-clinic") as stranger:
        assert stranger.refused("GET", f"/dcm/{place}/a.dcm") == 404
    with Lab(impatient, "clinic", Role.VIEWER) as viewer:
        assert viewer.send("GET", f"/dcm/{place}/a.dcm").status_code == 200


def test_without_a_data_lake_no_file_is_shown(sqlite_lab: Lab) -> None:
    place = "/".join([NOWHERE] * 3)
    assert sqlite_lab.refused("GET", f"/dcm/{place}/a.dcm") == 404


# --- scans that hang ---


def ended(lab: Lab, task_id: str) -> dict[str, Any]:
    """The task once it has ended."""
    shown = lab.http.get(f"/v1/tasks/{task_id}/wait", params={"wait": 30}).json()
    assert shown["met"], shown
    return lab.native(task_id)


@pytest.mark.parametrize(
    ("status", "reason"), [("STARTED", "queue_timeout"), ("INPROGRESS", "silence_timeout")]
)
def test_a_task_that_nobody_brings_to_an_end_ends_in_error(
    here: Lab, status: str, reason: str
) -> None:
    """Weakness 9: a trigger with the device offline, a DAG that never calls back."""
    scan = here.scan()
    here.moved(scan["id"], status)
    task = ended(here, scan["id"])
    assert (task["state"], task["reason"]) == ("failed", reason)
    assert here.get(scan["id"])["status"] == "ERROR"
    # A device that goes on after all corrects what we concluded.
    assert here.moved(scan["id"], "FINISHED", 100)["status"] == "FINISHED"
    assert here.native(scan["id"])["attempt"] == 1


def test_a_kind_that_is_set_decides_instead(here: Lab) -> None:
    limits = {"policy": {"limits": {"run_seconds": 3600}}, "attempts_max": 2}
    assert here.http.put("/v1/kinds/reconstruction", json=limits).status_code == 200
    dag = here.dag(here.workflow()["id"])
    task = here.native(dag["id"])
    assert task["attempts_max"] == 2
    assert task["limits"] == {"run_seconds": 3600.0}
    assert here.http.delete("/v1/kinds/reconstruction").is_success
