"""Taking a stream of records apart without reading it to its end: lines, or the items of a list.

Nothing is decoded here. A record that is not JSON is a mistake of that record alone, as long as it
can be told where it ends.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_MARKS = re.compile(rb'["\[\]{},]')
_STRING_MARKS = re.compile(rb'["\\]')
_QUOTE, _BACKSLASH, _COMMA = b'"', b"\\", b","
_OPENING = (b"[", b"{")


class Piece(NamedTuple):
    """The bytes of one record, numbered from 1 on; or (`data` None) why there are none."""

    number: int
    data: bytes | None
    mistake: str = ""


class Splitter(Protocol):
    """Takes a stream apart."""

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The records that end with this part of the stream."""
        ...

    def finish(self) -> Iterator[Piece]:
        """The record that ends with the stream."""
        ...


def _too_large(number: int, bytes_max: int) -> Piece:
    return Piece(number, None, f"a record has at most {bytes_max} bytes")


class LineSplitter:
    """One record a line. Empty lines are counted, and are nothing else."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._number = 1
        self._line = bytearray()
        self._overflowed = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._add(part)
            yield from self._end()
            self._number += 1
        self._add(rest)

    def finish(self) -> Iterator[Piece]:
        yield from self._end()

    def _add(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > self._bytes_max:
            self._overflowed = True
            self._line.clear()

    def _end(self) -> Iterator[Piece]:
        line = bytes(self._line).removeprefix(BOM if self._number == 1 else b"").strip(_SPACE)
        if self._overflowed:
            yield _too_large(self._number, self._bytes_max)
        elif line:
            yield Piece(self._number, line)
        self._line.clear()
        self._overflowed = False


class ListSplitter:
    """The items of one JSON list, of which the stream is known to begin with the bracket."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._number = 1
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._item = bytearray()
        self._overflowed = False
        self._over = False
        self._goes_on = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        at = 0
        while at < len(data):
            if self._depth == 0:
                at = self._outside(data, at)
                continue
            end, delimits = self._next(data, at)
            self._add(data[at : end - 1 if delimits else end])
            if delimits:
                yield from self._end()
            at = end

    def finish(self) -> Iterator[Piece]:
        if not self._over:
            yield Piece(self._number, None, "the list breaks off here")
        elif self._goes_on:
            yield Piece(self._number, None, "something stands behind the list; it was not taken")

    def _outside(self, data: bytes, at: int) -> int:
        """Pass over what is not in the list."""
        if self._over:
            self._goes_on = self._goes_on or bool(data[at:].strip(_SPACE))
            return len(data)
        begin = data.find(b"[", at)
        if begin < 0:
            return len(data)
        self._depth = 1
        return begin + 1

    def _next(self, data: bytes, at: int) -> tuple[int, bool]:
        """Where the next mark ends, and whether that mark ends an item."""
        if self._escaped:
            self._escaped = False
            return at + 1, False
        found = (_STRING_MARKS if self._in_string else _MARKS).search(data, at)
        if found is None:
            return len(data), False
        return found.end(), self._delimits(found[0])

    def _delimits(self, mark: bytes) -> bool:
        if self._in_string:
            self._escaped = mark == _BACKSLASH
            self._in_string = self._escaped
        elif mark == _QUOTE:
            self._in_string = True
        elif mark == _COMMA:
            return self._depth == 1
        elif mark in _OPENING:
            self._depth += 1
        else:
            self._depth -= 1
            return self._depth == 0
        return False

    def _add(self, part: bytes) -> None:
        self._item += part
        if len(self._item) > self._bytes_max:
            self._overflowed = True
            self._item.clear()

    def _end(self) -> Iterator[Piece]:
        self._over = self._depth == 0
        item = bytes(self._item).strip(_SPACE)
        if self._overflowed:
            yield _too_large(self._number, self._bytes_max)
        elif item:
            yield Piece(self._number, item)
        elif not (self._over and self._number == 1):
            yield Piece(self._number, None, "there is nothing between two commas")
        self._number += 1
        self._item.clear()
        self._overflowed = False
