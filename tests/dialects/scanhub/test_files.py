"""The files of results, as its viewers ask for them; and scans that nobody brings to an end."""

import struct
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from farwork.http.dialects.scanhub.files import Part, part_of
from farwork.http.dialects.scanhub.raw_data import ids_in
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


# --- what is in raw data ---


def measured(path: Path, lines: int = 4, coils: int = 3, samples: int = 10) -> Any:
    """A file as scanners write it, by the format's own library; what its samples are."""
    mrd: Any = import_module("ismrmrd")
    dice = np.random.default_rng(7)
    values = dice.standard_normal((lines, coils, samples, 2)).astype(np.float32)
    with mrd.Dataset(str(path), "dataset") as file:
        for number, line in enumerate(values):
            head = mrd.AcquisitionHeader(scan_counter=number, sample_time_us=12.5)
            acquisition = mrd.Acquisition(head)
            acquisition.resize(samples, coils)
            acquisition.data[:] = line[..., 0] + 1j * line[..., 1]
            file.append_acquisition(acquisition)
    return values


def unpacked(raw: bytes) -> list[tuple[int, Any]]:
    """What a viewer makes of a packet: the number of each acquisition, and its samples."""
    magic, version, count = struct.unpack_from("<IHH", raw)
    assert (magic, version) == (0x49534D52, 1)
    found: list[tuple[int, Any]] = []
    place = 8
    for _ in range(count):
        number, coils, kind, samples, size = struct.unpack_from("<IHHII", raw, place)
        assert (coils, kind) == (1, 1)
        place += 16
        found.append((number, np.frombuffer(raw[place : place + size], "<f4").reshape(samples, 2)))
        place += size
    assert place == len(raw)
    return found


def test_raw_data_is_looked_into(here: Lab, lake: Path) -> None:
    place, folder = filed(here, lake)
    values = measured(folder / "data.mrd")
    meta = here.ask("GET", f"/mrd/{place}/meta")
    line = {"num_samples": 10, "num_coils": 3, "dwell_time": 1.2e-05}
    assert meta["dtype"] == "fc32"
    assert [meta["workflow_id"], meta["task_id"], meta["result_id"]] == place.split("/")
    assert meta["acquisitions"] == [{"acquisition_id": n, **line} for n in range(4)]
    answer = here.send("GET", f"/mrd/{place}/data", ids="0,2-3", coil_idx=1, stride=3)
    assert answer.headers["content-type"] == "application/octet-stream"
    got = unpacked(answer.content)
    assert [number for number, _ in got] == [0, 2, 3]
    for number, samples in got:
        np.testing.assert_array_equal(samples, values[number, 1, ::3])
    ((_, first),) = unpacked(here.send("GET", f"/mrd/{place}/data", ids="0").content)
    np.testing.assert_array_equal(first, values[0, 0])


def test_what_is_not_in_raw_data_is_refused(here: Lab, lake: Path) -> None:
    place, folder = filed(here, lake)
    assert here.refused("GET", f"/mrd/{place}/meta") == 404
    (folder / "data.mrd").write_bytes(b"no HDF5")
    assert here.refused("GET", f"/mrd/{place}/meta") == 404
    (folder / "data.mrd").unlink()
    measured(folder / "data.mrd")
    data = f"/mrd/{place}/data"
    assert here.refused("GET", data) == 422
    assert here.refused("GET", data, ids="0", stride=0) == 422
    for ids in ("4", "0-9", "x", "3-1", "0-3:0", "0-999999999"):
        assert here.refused("GET", data, ids=ids) == 400, ids
    assert here.refused("GET", data, ids="0", coil_idx=3) == 400


@pytest.mark.parametrize(
    ("text", "ids"),
    [("", []), ("0", [0]), (" 1 , 3-5 ", [1, 3, 4, 5]), ("10-20:5,2", [10, 15, 20, 2])],
)
def test_numbers_of_acquisitions_are_written_short(text: str, ids: list[int]) -> None:
    assert ids_in(text) == ids
