"""A scanner that has eight coils and a phantom in it; it knows ScanHub's task client and no more.

    python -m examples.reconstruction.scanner --task-id ID --lake DIR

SCANHUB_TASK_URI says where tasks are, SCANHUB_TOKEN who asks. It reads its acquisition task, tells
of every block of lines that it has measured, and leaves the raw k-space in the data lake: complex
numbers, one plane a coil, with the noise that every coil picks up.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farwork.sdk import scanhub
from farwork.sdk.scanhub import AcquisitionTaskOut, ResultOut, TaskRefused

Image: TypeAlias = NDArray[np.float64]
Raw: TypeAlias = NDArray[np.complex64]

SIZE = 256
COILS = 8
NOISE = 0.02
"""The spread of the noise in each coil's image; the phantom goes from 0 to 1."""
BLOCKS = 8


def phantom(size: int = SIZE) -> Image:
    """What lies in the scanner: the head of Shepp and Logan."""
    # Their types are half known.
    drawn: Any = import_module("skimage.data").shepp_logan_phantom()
    resize: Any = import_module("skimage.transform").resize
    return np.asarray(resize(drawn, (size, size), anti_aliasing=True), dtype=np.float64)


def sensitivities(size: int = SIZE, coils: int = COILS) -> NDArray[np.complex128]:
    """How well each coil hears each place: those on a ring around it, each with a phase."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    angles = np.arange(coils) * 2 * np.pi / coils
    maps = np.stack(
        [
            np.exp(-((x - 1.2 * np.cos(a)) ** 2 + (y - 1.2 * np.sin(a)) ** 2) / 1.5)
            * np.exp(1j * (a + x * np.cos(a) + y * np.sin(a)))
            for a in angles
        ]
    )
    return maps / np.sqrt((np.abs(maps) ** 2).sum(axis=0))


def measured(lines: int = SIZE // BLOCKS, size: int = SIZE) -> Iterator[Raw]:
    """The k-space of the phantom, block by block of so many lines: coil, line, column."""
    dice = np.random.default_rng(7)
    seen = phantom(size) * sensitivities(size)
    whole = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(seen, axes=(1, 2)), norm="ortho"), (1, 2))
    whole += (
        NOISE
        / np.sqrt(2)
        * (dice.standard_normal(whole.shape) + 1j * dice.standard_normal(whole.shape))
    )
    for begin in range(0, size, lines):
        yield whole[:, begin : begin + lines].astype(np.complex64)


def folder_of(lake: Path, workflow_id: str | None, task_id: str, result_id: str) -> Path:
    """Where the files of a result lie in the data lake."""
    place = lake / str(workflow_id) / task_id / result_id
    place.mkdir(parents=True, exist_ok=True)
    return place


def scan(task_id: str, token: str, lake: Path) -> ResultOut:
    """Measure, and leave what was measured as a result of the task."""
    task = scanhub.get_task(task_id, token)
    if not isinstance(task, AcquisitionTaskOut):
        raise TypeError(f"The task {task_id} is no scan.")
    blocks: list[Raw] = []
    for block in measured():
        task.status, task.progress = "INPROGRESS", 100 * len(blocks) // BLOCKS
        task = scanhub.set_task(task_id, task, token)
        blocks.append(block)
        print(f"{task.progress:3d} %: {len(blocks) * block.shape[1]} lines", flush=True)
    result = scanhub.create_blank_result(task_id, token)
    folder = folder_of(lake, task.workflow_id, task_id, result.id)
    np.save(folder / "kspace.npy", np.concatenate(blocks, axis=1))
    result.type, result.directory, result.files = "NUMPY", f"{folder}/", ["kspace.npy"]
    result.meta = {"coils": COILS, "noise": NOISE, "lines": SIZE}
    result = scanhub.set_result(result.id, result, token)
    task.status, task.progress = "FINISHED", 100
    scanhub.set_task(task_id, task, token)
    return result


def run(work: Callable[[str, str, Path], object], arguments: Sequence[str] | None) -> int:
    """Do the work on the task that is asked for; one that fails is told so."""
    options = argparse.ArgumentParser(description="Works on one task of ScanHub's.")
    options.add_argument("--task-id", required=True)
    options.add_argument("--lake", type=Path, required=True)
    asked = options.parse_args(arguments)
    scanhub.TASK_URI = os.environ["SCANHUB_TASK_URI"]
    token = os.environ["SCANHUB_TOKEN"]
    try:
        work(asked.task_id, token, asked.lake)
    except TaskRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    except Exception:
        task = scanhub.get_task(asked.task_id, token)
        task.status = "ERROR"
        scanhub.set_task(asked.task_id, task, token)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(run(scan, None))
