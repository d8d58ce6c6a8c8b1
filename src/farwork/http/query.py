"""Reading query strings: every parameter is known, well-formed and given once, or is named."""

import re
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from msgspec import inspect as kinds

from farwork.http.auth import AnyRequest
from farwork.http.body import bad_request
from farwork.http.mistakes import Mistake, bare, mistakes, unknown

T = TypeVar("T", bound=Struct)

PARAMETERS_MAX = 200
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,19})?")


def query_of(request: AnyRequest, kind: type[T]) -> T:
    """The query string of a request. Raises `InvalidBody` with everything that is wrong."""
    raw: bytes = request.scope["query_string"]
    if not raw:
        return kind()
    problems: list[Mistake] = []
    said = _gather(_pairs(raw), kind, problems)
    try:
        query = msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        problems += [(_place(at), detail) for at, detail in mistakes(said, kind)] or [
            ("query:", str(error))
        ]
    else:
        # A text that msgspec takes may still hold a NUL, and a time may be of no year.
        problems += [(_place(at), detail) for at, detail in mistakes(said, kind)]
        if not problems:
            return query
    raise bad_request(problems, "Some parameters cannot be taken.")


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except UnicodeDecodeError:
        raise bad_request([("query:", "must be UTF-8, percent-encoded")]) from None
    except ValueError:
        raise bad_request([("query:", f"has more than {PARAMETERS_MAX} parameters")]) from None


def _place(pointer: str) -> str:
    """Where a parameter stands: `/state/0` is `query:state`."""
    return f"query:{pointer.split('/')[1]}"


def _gather(
    pairs: list[tuple[str, str]], kind: type[Struct], problems: list[Mistake]
) -> dict[str, Any]:
    """The parameters by name, numbers as numbers; what is unknown or given twice is noted."""
    known = parameters(kind)
    said: dict[str, Any] = {}
    for name, text in pairs:
        field = known.get(name)
        if field is None:
            problems.append((f"query:{name}", unknown(name, list(known))))
        elif isinstance(field, kinds.ListType):
            said.setdefault(name, []).append(_value(text, bare(field.item_type)))
        elif name in said:
            problems.append((f"query:{name}", "is given more than once"))
        else:
            said[name] = _value(text, field)
    return said


@cache
def parameters(kind: type[Struct]) -> dict[str, kinds.Type]:
    """The parameters of a query by name, with the type of what they may be (null left out)."""
    info = kinds.type_info(kind)
    assert isinstance(info, kinds.StructType)
    return {field.encode_name: _given(field.type) for field in info.fields}


def _given(kind: kinds.Type) -> kinds.Type:
    inner = bare(kind)
    if isinstance(inner, kinds.UnionType):
        inner = next(bare(b) for b in inner.types if not isinstance(bare(b), kinds.NoneType))
    return inner


def _value(text: str, kind: kinds.Type) -> Any:
    """A number where one belongs and stands, else the text as it is."""
    if isinstance(kind, kinds.IntType) and _WHOLE.fullmatch(text):
        return int(text)
    if isinstance(kind, kinds.FloatType) and _NUMBER.fullmatch(text):
        return float(text)
    return text
