"""A reconstruction: raw k-space in, a picture out. It knows ScanHub's task client and no more.

    python -m examples.reconstruction.reconstruct --task-id ID --lake DIR

It reads its DAG task, takes the newest result of its input, transforms every coil by NumPy's FFT,
and leaves the picture beside: the numbers as `image.npy`, and `image.png` to be looked at.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np

from examples.reconstruction.scanner import Image, Raw, folder_of, run
from farwork.sdk import scanhub
from farwork.sdk.scanhub import DAGTaskOut, ResultOut

WHITE = 255


def raw_of(input_id: str, token: str) -> tuple[Raw, float]:
    """What the newest result of an input holds, and how much noise there is in it."""
    results = scanhub.get_task(input_id, token).results
    if not results:
        raise LookupError(f"The input {input_id} has no result.")
    newest = max(results, key=lambda one: one.datetime_created or "")
    noise = float((newest.meta or {}).get("noise", 0))
    return cast("Raw", np.load(Path(newest.directory) / newest.files[0])), noise


def coil_image(plane: Raw) -> Raw:
    """What one coil has seen."""
    whole = np.fft.ifft2(np.fft.ifftshift(plane), norm="ortho")
    return np.fft.fftshift(whole).astype(np.complex64)


def combined(images: list[Raw], noise: float) -> Image:
    """All coils in one picture: the root of the sum of squares, less what noise adds to it."""
    power = (np.abs(np.stack(images)) ** 2).sum(axis=0) - len(images) * noise**2
    return np.sqrt(np.maximum(power, 0)).astype(np.float64)


def save_picture(image: Image, path: Path) -> None:
    """Write a picture in grey, the brightest hundredth of it white."""
    white = float(np.quantile(image, 0.99))
    grey = np.clip(image / white, 0, 1) * WHITE
    picture: Any = import_module("PIL.Image").fromarray(grey.astype(np.uint8))
    picture.save(path)


def reconstruct(task_id: str, token: str, lake: Path) -> ResultOut:
    """Make a picture of the inputs, and leave it as a result of the task."""
    task = scanhub.get_task(task_id, token)
    if not isinstance(task, DAGTaskOut):
        raise TypeError(f"The task {task_id} is no DAG.")
    raw, noise = raw_of(task.input_task_ids[0], token)
    images: list[Raw] = []
    for plane in raw:
        task.status, task.progress = "INPROGRESS", 100 * len(images) // len(raw)
        task = scanhub.set_task(task_id, task, token)
        images.append(coil_image(plane))
        print(f"{task.progress:3d} %: coil {len(images)}", flush=True)
    image = combined(images, noise)
    result = scanhub.create_blank_result(task_id, token)
    folder = folder_of(lake, task.workflow_id, task_id, result.id)
    np.save(folder / "image.npy", image)
    save_picture(image, folder / "image.png")
    result.type, result.directory = "NUMPY", f"{folder}/"
    result.files, result.meta = ["image.npy", "image.png"], {"coils": len(images)}
    result = scanhub.set_result(result.id, result, token)
    task.status, task.progress = "FINISHED", 100
    scanhub.set_task(task_id, task, token)
    return result


if __name__ == "__main__":
    sys.exit(run(reconstruct, None))
