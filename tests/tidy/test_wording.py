"""What must not stand in a file that others will read."""

import re

import pytest

from tests.support.repository import shown, text_files, tracked_files, written_files

# A class of one letter keeps a pattern from finding itself.
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(root|work|home/(?!user/)\w+|Users/\w+)/")
TRAILING_SPACE = re.compile(r"[ \t]$", re.MULTILINE)
REGISTRY_HOST = re.compile(
    r"py[p]i\.org|python[h]osted\.org|npm[j]s\.(org|com)|yarn[p]kg\.com|deb\.deb[i]an\.org|crat[e]s\.io"
)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(
            UNFINISHED, id="unfinished work: do it, or write down what is missing in words"
        ),
        pytest.param(MACHINE_PATH, id="a path of one machine"),
        pytest.param(REGISTRY_HOST, id="the address of a package registry"),
    ],
)
def test_no_file_contains(pattern: re.Pattern[str]) -> None:
    found = [
        f"{shown(path)}:{number}: {line.strip()[:120]}"
        for path in text_files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


def test_every_file_ends_with_one_newline_and_has_no_trailing_space() -> None:
    untidy = [
        shown(path)
        for path in written_files()
        if (text := path.read_text())
        and (not text.endswith("\n") or text.endswith("\n\n") or TRAILING_SPACE.search(text))
    ]
    assert untidy == []


def test_no_module_is_named_after_nothing() -> None:
    nouns = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
    assert [shown(path) for path in tracked_files() if path.stem in nouns] == []
