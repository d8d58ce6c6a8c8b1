"""What is in a file of raw data (ISMRMRD in HDF5): its acquisitions, and their samples.

The library that reads HDF5 comes with the extra `mri`, and is loaded when it is first needed.
"""

import re
import struct
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from farwork.http.dialects.scanhub import wire

ACQUISITIONS = "data"
IDS_MAX = 2**16 - 1
"""The packet counts its acquisitions in two bytes."""
MAGIC, VERSION = 0x49534D52, 1
FLOATS = 1
"""The mark of samples that are two floats of four bytes each, real and imaginary."""
_STEPS = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*(?::\s*(\d{1,9})\s*)?)?")


class NotReadable(Exception):
    """A file that is no raw data, or nothing here that could read it; the text says which."""


class NotThere(Exception):
    """Acquisitions or a coil that the file does not have; the text says which."""


def ids_in(text: str) -> list[int]:
    """The numbers of a text such as `0,1,10-20,40-50:2`. Raises `ValueError`."""
    found: list[int] = []
    for part in filter(str.strip, text.split(",")):
        steps = _STEPS.fullmatch(part)
        if steps is None:
            raise ValueError(
                f"{part.strip()!r} is neither a number nor a range like 10-20 or 40-50:2"
            )
        first = int(steps[1])
        last = first if steps[2] is None else int(steps[2])
        step = 1 if steps[3] is None else int(steps[3])
        if last < first or step == 0:
            raise ValueError(f"{part.strip()!r} is a range of nothing")
        if len(found) + (last - first) // step + 1 > IDS_MAX:
            raise ValueError(f"at most {IDS_MAX} acquisitions are given at once")
        found += range(first, last + 1, step)
    return found


def index_of(path: Path) -> list[wire.RawAcquisition]:
    """What each acquisition is. Raises `NotReadable`."""
    with _opened(path) as rows:
        heads = rows.fields("head")[:]
    return [
        wire.RawAcquisition(
            acquisition_id=number,
            num_samples=int(head["number_of_samples"]),
            num_coils=int(head["active_channels"]),
            dwell_time=round(float(head["sample_time_us"]) * 1e-6, 6),
        )
        for number, head in enumerate(heads)
    ]


def check(path: Path, ids: Sequence[int], coil: int) -> None:
    """Raises `NotThere` unless all of it is in the file; `NotReadable`."""
    with _opened(path) as rows:
        count = len(rows)
        missing = next((one for one in ids if one >= count), None)
        if missing is not None:
            raise NotThere(f"There is no acquisition {missing}; there are {count}.")
        heads = rows.fields("head")[:]
    coils = min((int(heads[one]["active_channels"]) for one in ids), default=coil + 1)
    if coil >= coils:
        raise NotThere(f"There is no coil {coil} in all of them.")


def packets(path: Path, ids: Sequence[int], coil: int, stride: int) -> Iterator[bytes]:
    """The samples of one coil, every `stride`-th of them, acquisition by acquisition.

    What the viewer reads, in little-endian: magic and version and how many there are; then of each
    its number, coils, kind of samples, samples and bytes, and the samples.
    """
    yield struct.pack("<IHH", MAGIC, VERSION, len(ids))
    with _opened(path) as rows:
        for number in ids:
            row = rows[number]
            samples = int(row["head"]["number_of_samples"])
            # Two floats a sample, coil after coil.
            floats = row["data"].reshape(-1, samples, 2)[coil, ::stride]
            raw = floats.astype("<f4").tobytes()
            yield struct.pack("<IHHII", number, 1, FLOATS, len(floats), len(raw)) + raw


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    """The table of acquisitions of a file."""
    try:
        # It is not there without the extra, and it says little of its types.
        h5py: Any = import_module("h5py")
    except ImportError:
        raise NotReadable("To look into raw data, install farwork[mri] on the server.") from None
    try:
        with h5py.File(path, "r") as file:
            # The first group holds the measurement, whatever it is called.
            yield file[next(iter(file))][ACQUISITIONS]
    except (OSError, KeyError, ValueError, StopIteration, TypeError) as error:
        raise NotReadable(f"The file is no raw data: {type(error).__name__}.") from None
