"""How deeply JSON may be nested.

What is taken must be given back by code that calls itself a level deeper than the code that took
it; so the bound lies far below what an interpreter bears.
"""

import re
from dataclasses import dataclass

import msgspec

from farwork.domain.errors import NestedTooDeeply

DEPTH_MAX = 64
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_PAIRS = re.compile(rb"\{\}|\[\]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TOKENS = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|([\[{])|([\]}])|(,)', re.DOTALL)


def is_too_deep(raw: bytes, levels_max: int = DEPTH_MAX) -> bool:
    """Whether JSON is nested more than so many levels deep.

    Most has too few brackets for that, which is seen at once. Else the innermost pairs are taken
    away again and again. Brackets that do not match are left to the decoder.
    """
    if raw.count(b"{") + raw.count(b"[") <= levels_max:
        return False
    brackets = _STRINGS.sub(b"", raw).translate(None, _NOT_BRACKETS)
    for _ in range(levels_max):
        if not brackets:
            return False
        brackets = _PAIRS.sub(b"", brackets)
    return bool(brackets)


def refuse_if_too_deep(raw: bytes) -> None:
    """Raises `NestedTooDeeply`."""
    if is_too_deep(raw):
        raise NestedTooDeeply(f"At most {DEPTH_MAX} levels are taken.")


@dataclass(slots=True)
class _Place:
    key: str | None
    index: int = 0


def _said(string: bytes) -> str:
    """What a JSON string says; one that is no such string is shown as it is."""
    try:
        return msgspec.json.decode(string, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return string[1:-1].decode(errors="replace")


def path_to_the_deep(raw: bytes) -> list[str]:
    """The keys and indexes on the way to the first value that is nested too deeply."""
    path: list[_Place] = []
    last = b'""'
    for token in _TOKENS.finditer(raw):
        string, opening, closing, _comma = token.groups()
        here = path[-1] if path else None
        if string:
            last = string
        elif opening:
            if here is not None and here.key is not None:
                here.key = _said(last)
            if len(path) == DEPTH_MAX:
                break
            path.append(_Place("" if opening == b"{" else None))
        elif here is not None and closing:
            path.pop()
        elif here is not None:
            here.index += 1
    return [str(place.index) if place.key is None else place.key for place in path]
