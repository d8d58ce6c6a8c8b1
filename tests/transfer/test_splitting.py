"""Streams of records, taken apart wherever they happen to be cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwork.http.splitting import LineSplitter, ListSplitter, Piece, Splitter

BYTES_MAX = 1_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def pieces(splitter: Splitter, *parts: bytes) -> list[Piece]:
    found = [piece for part in parts for piece in splitter.feed(part)]
    return found + list(splitter.finish())


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]), st.integers(1, 40))
def test_a_list_gives_its_items_however_it_is_cut(
    values: list[object], indent: int | None, size: int
) -> None:
    data = json.dumps(values, indent=indent, ensure_ascii=size % 2 == 0).encode()
    found = pieces(ListSplitter(100_000), *cut(data, size))
    assert [piece.number for piece in found] == list(range(1, len(values) + 1))
    assert [json.loads(piece.data or b"") for piece in found] == values


@given(st.lists(VALUES, max_size=5), st.integers(1, 40))
def test_lines_are_records_however_they_are_cut(values: list[object], size: int) -> None:
    data = b"\n\n".join(json.dumps(value).encode() for value in values)
    found = pieces(LineSplitter(100_000), *cut(data, size))
    assert [json.loads(piece.data or b"") for piece in found] == values
    assert [piece.number for piece in found] == list(range(1, 2 * len(values), 2))


@pytest.mark.parametrize("data", [b"[]", b" [ ] ", b"\xef\xbb\xbf[\n]\n"])
def test_an_empty_list_has_no_items(data: bytes) -> None:
    assert pieces(ListSplitter(BYTES_MAX), data) == []


def test_a_byte_order_mark_is_no_part_of_the_first_record() -> None:
    assert pieces(LineSplitter(BYTES_MAX), b"\xef\xbb\xbf{}\r\n") == [Piece(1, b"{}")]
    assert pieces(ListSplitter(BYTES_MAX), b"\xef\xbb\xbf[{}]") == [Piece(1, b"{}")]


def test_an_item_that_is_not_json_is_a_mistake_of_that_item_alone() -> None:
    assert pieces(ListSplitter(BYTES_MAX), b'[{"a": nope}, {"b": 1}]') == [
        Piece(1, b'{"a": nope}'),
        Piece(2, b'{"b": 1}'),
    ]


def test_an_item_that_is_missing_is_named() -> None:
    nothing = "there is nothing between two commas"
    assert pieces(ListSplitter(BYTES_MAX), b"[1,,2,]") == [
        Piece(1, b"1"),
        Piece(2, None, nothing),
        Piece(3, b"2"),
        Piece(4, None, nothing),
    ]


@pytest.mark.parametrize("data", [b"[1, 2", b'[1, "2]', b"[1, {]"])
def test_a_list_that_breaks_off_is_named(data: bytes) -> None:
    found = pieces(ListSplitter(BYTES_MAX), data)
    assert found == [Piece(1, b"1"), Piece(2, None, "the list breaks off here")]


def test_what_stands_behind_the_list_is_named() -> None:
    found = pieces(ListSplitter(BYTES_MAX), b"[1]", b" ", b"[2]")
    behind = "something stands behind the list; it was not taken"
    assert found == [Piece(1, b"1"), Piece(2, None, behind)]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_record_that_is_too_large_is_passed_over(size: int) -> None:
    large = b'"' + b"x" * BYTES_MAX + b'"'
    too_large = Piece(2, None, "a record has at most 1000 bytes")
    lines = pieces(LineSplitter(BYTES_MAX), *cut(b"1\n" + large + b"\n3", size))
    items = pieces(ListSplitter(BYTES_MAX), *cut(b"[1," + large + b",3]", size))
    assert lines == items == [Piece(1, b"1"), too_large, Piece(3, b"3")]
