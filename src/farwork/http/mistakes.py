"""Everything that is wrong with a value that should have been of some type, in words.

msgspec stops at the first mistake and speaks to programmers. This walks the same type over a value
that msgspec refused and says of each place what would be right there.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from difflib import get_close_matches
from enum import Enum
from functools import cache
from itertools import islice
from typing import Any, TypeAlias, cast

import msgspec
from msgspec import inspect as kinds

from farwork.domain.errors import TimeOutOfRange
from farwork.domain.values import instant

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Mistake = tuple[str, str]
"""A JSON pointer, and what would be right there."""

MISTAKES_MAX = 100
SHOWN_CHARACTERS_MAX = 60
NAMES_SHOWN_MAX = 40


def mistakes(value: JsonValue, kind: Any, pointer: str = "") -> list[Mistake]:
    """What is wrong with a decoded JSON value, `MISTAKES_MAX` things at most."""
    found = list(islice(_check(value, _type_info(kind), pointer), MISTAKES_MAX + 1))
    if len(found) > MISTAKES_MAX:
        found[MISTAKES_MAX:] = [(pointer, "has more mistakes than are listed here")]
    return found


@cache
def _type_info(kind: Any) -> kinds.Type:
    return kinds.type_info(kind)


def below(pointer: str, key: str | int) -> str:
    """The JSON pointer of a member of what `pointer` points at."""
    step = str(key).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{step.encode(errors='backslashreplace').decode()}"


def bare(kind: kinds.Type) -> kinds.Type:
    """A type without what is only said about it."""
    while isinstance(kind, kinds.Metadata):
        kind = kind.type
    return kind


def _check(value: JsonValue, kind: kinds.Type, at: str) -> Iterator[Mistake]:  # noqa: C901 - one case a type
    match bare(kind):
        case kinds.UnionType() as union:
            yield from _check_union(value, union, at)
        case kinds.StructType() as struct if isinstance(value, dict):
            yield from _check_struct(value, struct, at)
        case kinds.DictType() as mapping if isinstance(value, dict):
            yield from _check_dict(value, mapping, at)
        case kinds.ListType() | kinds.VarTupleType() as sequence if isinstance(value, list):
            yield from _check_list(value, sequence, at)
        case kinds.StrType() as text if isinstance(value, str):
            yield from _check_text(value, text, at, _rule(kind))
        case kinds.IntType() | kinds.FloatType() as number if _fits(value, number):
            yield from _check_number(cast("float", value), number, at)
        case kinds.EnumType() | kinds.LiteralType() as words:
            yield from _check_word(value, words_of(words), at)
        case kinds.DateTimeType() if isinstance(value, str):
            yield from _check_time(value, at)
        case kinds.AnyType():
            yield from _check_any(value, at)
        case other if not _fits(value, other):
            yield at, f"must be {_name(other)}, not {shown(value)}"
        case _:
            pass


# --- the kinds of values ---


_JSON_TYPES: dict[type[kinds.Type], tuple[type, ...]] = {
    kinds.AnyType: (object,),
    kinds.NoneType: (type(None),),
    kinds.BoolType: (bool,),
    kinds.IntType: (int,),
    kinds.FloatType: (int, float),
    kinds.ListType: (list,),
    kinds.VarTupleType: (list,),
    kinds.DictType: (dict,),
    kinds.StructType: (dict,),
}


def _fits(value: JsonValue, kind: kinds.Type) -> bool:
    """Whether a value is of the JSON type that belongs to a kind; true and false are no numbers."""
    allowed = _JSON_TYPES.get(type(bare(kind)), (str,))
    if isinstance(value, bool):
        return bool in allowed or object in allowed
    return isinstance(value, allowed)


_NAMES: dict[type[kinds.Type], str] = {
    kinds.NoneType: "null",
    kinds.BoolType: "true or false",
    kinds.IntType: "a whole number",
    kinds.FloatType: "a number",
    kinds.StrType: "a string",
    kinds.DateTimeType: "a time as a string",
    kinds.ListType: "a list",
    kinds.VarTupleType: "a list",
    kinds.DictType: "an object",
    kinds.StructType: "an object",
}


def _name(kind: kinds.Type) -> str:
    inner = bare(kind)
    if isinstance(inner, kinds.EnumType | kinds.LiteralType):
        return f"one of {', '.join(words_of(inner))}"
    return _NAMES[type(inner)]


def shown(value: JsonValue) -> str:
    """A value as a sentence can hold it: short ones as they are, others by their type."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}..."


# --- one kind after the other ---


def _check_union(value: JsonValue, union: kinds.UnionType, at: str) -> Iterator[Mistake]:
    """Judge by the one branch that is of the value's JSON type; msgspec allows no two."""
    for branch in union.types:
        if _fits(value, branch):
            yield from _check(value, branch, at)
            return
    *names, last = [_name(branch) for branch in sorted(union.types, key=_null_last)]
    yield at, f"must be {', '.join(names)} or {last}, not {shown(value)}"


def _null_last(kind: kinds.Type) -> bool:
    return isinstance(kind, kinds.NoneType)


def _check_struct(
    value: dict[str, JsonValue], struct: kinds.StructType, at: str
) -> Iterator[Mistake]:
    fields = {field.encode_name: field for field in struct.fields}
    for name, inner in value.items():
        field = fields.get(name)
        if field is not None:
            yield from _check(inner, field.type, below(at, name))
        elif struct.forbid_unknown_fields:
            yield below(at, name), unknown(name, list(fields))
    for name, field in fields.items():
        if field.required and name not in value:
            yield below(at, name), f"is missing; it must be {_name(field.type)}"


def unknown(name: str, known: list[str]) -> str:
    """That a name is not known, and which ones are."""
    said = "is not known here"
    near = get_close_matches(name, known, n=1)
    if near:
        return f"{said}; did you mean {near[0]!r}?"
    if not known:
        return f"{said}; nothing can be said here"
    more = ", ..." if len(known) > NAMES_SHOWN_MAX else ""
    return f"{said}; known are {', '.join(known[:NAMES_SHOWN_MAX])}{more}"


def _check_dict(value: dict[str, JsonValue], mapping: kinds.DictType, at: str) -> Iterator[Mistake]:
    yield from _check_length(len(value), mapping, at, "entry", "entries")
    for key, inner in value.items():
        for _, detail in _check(key, mapping.key_type, at):
            yield below(at, key), f"the key {detail}"
        yield from _check(inner, mapping.value_type, below(at, key))


def _check_list(
    value: list[JsonValue], sequence: kinds.ListType | kinds.VarTupleType, at: str
) -> Iterator[Mistake]:
    yield from _check_length(len(value), sequence, at, "item", "items")
    for index, inner in enumerate(value):
        yield from _check(inner, sequence.item_type, below(at, index))


def _check_length(
    length: int, kind: kinds.StrType | kinds.CollectionType | kinds.DictType, at: str, *unit: str
) -> Iterator[Mistake]:
    least, most = kind.min_length, kind.max_length
    if least is not None and length < least:
        yield at, f"must have at least {_counted(least, *unit)}, not {length}"
    if most is not None and length > most:
        yield at, f"must have at most {_counted(most, *unit)}, not {length}"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _rule(kind: kinds.Type) -> str | None:
    """What a pattern means, where its type says so: `Meta(extra={"rule": ...})`."""
    if not isinstance(kind, kinds.Metadata):
        return None
    return cast("dict[str, str]", kind.extra or {}).get("rule")


def _check_text(value: str, text: kinds.StrType, at: str, rule: str | None) -> Iterator[Mistake]:
    if "\0" in value:
        yield at, "must not hold a NUL character"
        return
    yield from _check_length(len(value), text, at, "character", "characters")
    if value and text.pattern is not None and not re.search(text.pattern, value):
        yield at, f"{rule or f'must match {text.pattern}'}, not {shown(value)}"


def _check_number(
    value: float, number: kinds.IntType | kinds.FloatType, at: str
) -> Iterator[Mistake]:
    if number.gt is not None and value <= number.gt:
        yield at, f"must be greater than {number.gt:g}, not {shown(value)}"
        return
    least, most = number.ge, number.le
    if (least is None or value >= least) and (most is None or value <= most):
        return
    if least is None:
        yield at, f"must be at most {most}, not {shown(value)}"
    elif most is None:
        yield at, f"must be at least {least}, not {shown(value)}"
    else:
        yield at, f"must be between {least} and {most}, not {shown(value)}"


def words_of(kind: kinds.EnumType | kinds.LiteralType) -> list[str]:
    """The words that an enumeration allows."""
    match kind:
        case kinds.EnumType():
            members: list[Enum] = list(kind.cls)
            return [str(member.value) for member in members]
        case kinds.LiteralType():
            return [str(value) for value in kind.values]


def _check_word(value: JsonValue, words: list[str], at: str) -> Iterator[Mistake]:
    if not isinstance(value, str):
        yield at, f"must be one of {', '.join(words)}, not {shown(value)}"
    elif value not in words:
        near = get_close_matches(value.lower(), words, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        yield at, f"must be one of {', '.join(words)}, not {shown(value)}{hint}"


def _check_time(value: str, at: str) -> Iterator[Mistake]:
    try:
        instant(msgspec.convert(value, datetime))
    except msgspec.ValidationError:
        plus = "; a + in an address is written %2B" if re.search(r" \d\d:\d\d$", value) else ""
        yield at, f'{shown(value)} is not a time like "2026-11-22T02:00:00Z" (RFC 3339){plus}'
    except TimeOutOfRange as error:
        yield at, error.detail


def _check_any(value: JsonValue, at: str) -> Iterator[Mistake]:
    match value:
        case str() if "\0" in value:
            yield at, "must not hold a NUL character"
        case dict():
            for key, inner in value.items():
                if "\0" in key:
                    yield below(at, key), "the key must not hold a NUL character"
                yield from _check_any(inner, below(at, key))
        case list():
            for index, inner in enumerate(value):
                yield from _check_any(inner, below(at, index))
        case _:
            pass
