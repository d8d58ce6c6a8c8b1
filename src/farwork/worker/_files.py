"""Files that a task brought forth, as its results tell of them.

The server keeps what a file is called, where it is, how long it is and what it holds as a digest.
The file itself stays where the worker put it.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

File = dict[str, Any]
"""`name`, `uri`, `size` in bytes, and `digest` as `sha256:` and 64 hex digits."""


def file_of(path: "str | os.PathLike[str]", uri: str | None = None) -> File:
    """What is to be told of a file; `uri` is where others find it. Raises `OSError`."""
    place = Path(path).absolute()
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    return {
        "name": place.name,
        "uri": place.as_uri() if uri is None else uri,
        "size": size,
        "digest": f"sha256:{digest}",
    }


def files_of(files: "Sequence[str | os.PathLike[str] | File]") -> list[File]:
    """What is to be told of files, those told of already as they are. Raises `OSError`."""
    return [one if isinstance(one, dict) else file_of(one) for one in files]
