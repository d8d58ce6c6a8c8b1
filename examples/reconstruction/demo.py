"""A scan and its reconstruction, by ScanHub's own words: starts it all, shows it, checks the end.

    make demo-mri

Starts a server with a database of its own, signs in as ScanHub's web page does, and makes an exam
with a workflow of two tasks: a scan, and a reconstruction that has the scan as its input. The
scanner and the reconstruction are programs that know ScanHub's task client and nothing else. In the
end the picture is compared with what lay in the scanner, and the states as ScanHub, Argus, the
uniqc gateway and the native API show them. Exits with 0 if all is right, with 1 if it is not.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from examples.reconstruction.scanner import NOISE, Image, phantom
from examples.stage import DemoFailed, Stage, judged, new_key, say, staged, start_server

Record = dict[str, Any]
EXAM = "/api/v1/exam"
LOGIN = "/api/v1/userlogin"
PICTURE = Path(tempfile.gettempdir()) / "farwork-reconstruction.png"
LIKENESS_MIN = 0.99
"""Of a picture and the phantom, as their correlation."""
_UNIT = {"x": 1.0, "y": 1.0, "z": 1.0}


@dataclass(frozen=True)
class Plan:
    """An exam that is ready to begin, by its ids."""

    exam: str
    workflow: str
    scan: str
    dag: str


def sign_in(http: httpx.Client, admin: str) -> str:
    """Make the first user, as the page of a new ScanHub does, and sign in; the token.

    There is a key already, `admin`: from then on only its holder makes the first user.
    """
    password = "a phantom of eight coils"  # noqa: S105 - of a server that lives for a minute
    user = {"username": "max", "first_name": "Max", "last_name": "Maier", "access_token": password}
    headers = {"Authorization": f"Bearer {admin}"}
    http.post(f"{LOGIN}/createfirstuser", json=user, headers=headers).raise_for_status()
    form = {"username": "max", "password": password}
    answer = http.post(f"{LOGIN}/login", data=form).raise_for_status()
    return str(answer.json()["access_token"])


def plan(post: Callable[[str, Record], Record]) -> Plan:
    """Make an exam with a scan and the reconstruction of it; `post` sends a record."""
    shared: Record = {"description": "", "status": "NEW", "is_template": False}
    exam = post("/new", shared | {"patient_id": "phantom-1", "name": "head"})["id"]
    workflow = post("/workflow/new", shared | {"exam_id": exam, "name": "eight coils"})["id"]
    task: Record = shared | {"workflow_id": workflow, "destination": "", "progress": 0}
    parameter = {f"fov_{name}": _UNIT for name in ("scaling", "offset", "rotation")}
    scan = post(
        "/task/new",
        task
        | {"name": "scan", "task_type": "ACQUISITION", "sequence_id": ""}
        | {"acquisition_parameter": parameter},
    )
    dag = post(
        "/task/new",
        task
        | {"name": "reconstruction", "task_type": "DAG", "dag_type": "RECONSTRUCTION"}
        | {"dag_id": "numpy::fft::sum_of_squares", "input_task_ids": [scan["id"]]},
    )
    return Plan(exam, workflow, scan["id"], dag["id"])


def likeness(image: Image) -> tuple[float, float]:
    """How like the phantom a picture is, and by how much half of its points differ at most."""
    truth = phantom(image.shape[0])
    like = float(np.corrcoef(truth.ravel(), image.ravel())[0, 1])
    return like, float(np.median(np.abs(image - truth)))


def complaints_about(made: Plan, get: Callable[[str], Any]) -> list[str]:
    """What is not as it must be, in any view; `get` reads an address of the server."""
    exam = get(f"{EXAM}/{made.exam}")
    tasks: list[Record] = exam["workflows"][0]["tasks"]
    seen = {
        "ScanHub": [(task["id"], task["status"], task["progress"]) for task in tasks],
        "ScanHub's files": [one["files"] for task in tasks for one in task["results"]],
        "Argus": [
            get(f"/sampledb/v2/job/{made.workflow}")["data"]["state"],
            *(one["state"] for one in get(f"/sampledb/v2/job/{made.workflow}/tasks")["data"]),
        ],
        "uniqc": sorted((one["task_id"], one["status"]) for one in get("/api/tasks")["tasks"]),
        "native": sorted((one["id"], one["state"]) for one in get("/v1/tasks")["items"]),
    }
    ids = (made.scan, made.dag)
    right = {
        "ScanHub": [(id_, "FINISHED", 100) for id_ in ids],
        "ScanHub's files": [["kspace.npy"], ["image.npy", "image.png"]],
        "Argus": ["done", "success", "success"],
        "uniqc": sorted((id_, "success") for id_ in ids),
        "native": sorted((id_, "succeeded") for id_ in ids),
    }
    for view, shown in seen.items():
        say(f"{view}: {shown}")
    return [f"{view} shows {seen[view]}" for view, want in right.items() if seen[view] != want]


def play(stage: Stage, database: str, picture: Path) -> list[str]:
    """Play it all; what is wrong in the end."""
    server = start_server(stage, database, new_key(stage, "admin", database))
    lake = stage.folder / "lake.d"
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        token = sign_in(http, server.key)
        http.headers["Authorization"] = f"Bearer {token}"

        def post(path: str, said: Record) -> Record:
            record: Record = http.post(f"{EXAM}{path}", json=said).raise_for_status().json()
            return record

        made = plan(post)
    say(f"A server of its own listens on {server.url}; the exam is {made.exam}.")
    for name, task_id in (("scanner", made.scan), ("reconstruct", made.dag)):
        command = [sys.executable, "-m", f"examples.reconstruction.{name}"]
        command += ["--task-id", task_id, "--lake", str(lake)]
        uri = f"{server.url}{EXAM}/task"
        say(f"\n$ {name}.py --task-id {task_id}")
        process = stage.start(name, command, SCANHUB_TASK_URI=uri, SCANHUB_TOKEN=token)
        if stage.wait_for_end(name, process):
            raise DemoFailed(f"{name} ended with {process.returncode}")
        say(stage.printed_by(name).rstrip())
    server.show_all("ls")
    server.show_all("get", made.dag)
    complaints = complaints_about(made, server.get)
    (result,) = server.get(f"{EXAM}/task/{made.dag}")["results"]
    numbers, drawn = (Path(result["directory"]) / name for name in result["files"])
    like, error = likeness(np.load(numbers))
    say(f"\nThe picture is like the phantom to {like:.3f} of 1; half differs by < {error:.3f}.")
    if like < LIKENESS_MIN or error > NOISE:
        complaints.append("the picture is not that of the phantom")
    shutil.copyfile(drawn, picture)
    say(f"Look at it: {picture}")
    return complaints


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description="A scan and its reconstruction.")
    options.add_argument("--picture", type=Path, default=PICTURE, help="where to leave the picture")
    asked = options.parse_args(arguments)
    with staged() as (stage, database):
        try:
            complaints = play(stage, database, asked.picture)
        except (DemoFailed, OSError, httpx.HTTPError) as failure:
            complaints = [f"the demonstration broke off: {failure}"]
            say(stage.last_words())
    return judged(complaints, "Every view says of both tasks that they are done.")


if __name__ == "__main__":
    sys.exit(main())
