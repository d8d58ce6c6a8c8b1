"""The example of a scan and its reconstruction, as far as it is ours: every view has its end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from examples.reconstruction import demo, reconstruct, scanner
from farwork.sdk import scanhub
from farwork.sdk.scanhub import Settings, TaskRefused
from tests.dialects.scanhub.lab import Lab


@pytest.fixture
def token(sqlite_lab: Lab) -> Iterator[str]:
    """What the programs show; ScanHub's client is pointed at the lab."""
    before = scanhub.TASK_URI
    scanhub.TASK_URI = f"{sqlite_lab.server.url}/api/v1/exam/task"
    scanhub.configure(Settings())
    yield sqlite_lab.http.headers["authorization"].removeprefix("Bearer ")
    scanhub.TASK_URI = before
    scanhub.configure(Settings())


@pytest.fixture
def made(sqlite_lab: Lab) -> demo.Plan:
    return demo.plan(lambda path, said: sqlite_lab.ask("POST", path, said))


def test_a_scan_becomes_a_picture_of_the_phantom(
    sqlite_lab: Lab, token: str, made: demo.Plan, tmp_path: Path
) -> None:
    scanner.scan(made.scan, token, tmp_path)
    result = reconstruct.reconstruct(made.dag, token, tmp_path)
    numbers, picture = (Path(result.directory) / name for name in result.files)
    like, error = demo.likeness(cast("scanner.Image", np.load(numbers)))
    assert like > demo.LIKENESS_MIN
    assert error < scanner.NOISE
    assert picture.read_bytes().startswith(b"\x89PNG")

    def get(path: str) -> Any:
        return sqlite_lab.http.get(path).raise_for_status().json()

    assert demo.complaints_about(made, get) == []


def test_a_reconstruction_without_a_scan_ends_in_error(
    sqlite_lab: Lab, token: str, made: demo.Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCANHUB_TASK_URI", scanhub.TASK_URI)
    monkeypatch.setenv("SCANHUB_TOKEN", token)
    asked = ["--task-id", made.dag, "--lake", str(tmp_path)]
    with pytest.raises(LookupError, match="has no result"):
        scanner.run(reconstruct.reconstruct, asked)
    assert sqlite_lab.get(made.dag)["status"] == "ERROR"
    assert sqlite_lab.native(made.dag)["state"] == "failed"


def test_a_program_that_is_given_a_task_of_the_other_kind_leaves_it(
    token: str, made: demo.Plan, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match="is no scan"):
        scanner.scan(made.dag, token, tmp_path)
    with pytest.raises(TaskRefused):
        scanner.scan(made.scan, "nonsense", tmp_path)
