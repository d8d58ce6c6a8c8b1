"""What is listed as wrong, and what the decoder refuses, are the same values."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from farwork.http.mistakes import JsonValue, mistakes, shown
from farwork.protocol.bulk import BulkIn
from farwork.protocol.jobs import JobCreate
from farwork.protocol.reports import ReportIn
from farwork.protocol.tasks import TaskCreate, TaskPatch

KINDS: list[Any] = [ReportIn, list[ReportIn], TaskCreate, TaskPatch, JobCreate, BulkIn]
PROGRESS = (
    st.none() | st.floats(-1, 101) | st.dictionaries(st.sampled_from(["percent", "x"]), st.none())
)

words = st.sampled_from(["", ".", "running", "done", "2026-11-22T02:00:00Z", "2026-11-22", "a\nb"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    sorted(
        {
            f.encode_name
            for kind in (ReportIn, TaskCreate, JobCreate, BulkIn)
            for f in msgspec.structs.fields(kind)
        }
    )
)
objects = st.dictionaries(
    names | words, values | st.dictionaries(names, values, max_size=3), max_size=5
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(value=objects | values | st.lists(objects, max_size=3), task_id=st.booleans())
def test_a_value_has_mistakes_exactly_if_the_decoder_refuses_it(
    kind: Any, value: Any, *, task_id: bool
) -> None:
    if task_id and isinstance(value, dict):
        value["task_id"] = "a"
    raw = msgspec.json.encode(value)
    found = mistakes(msgspec.json.decode(raw), kind)
    try:
        msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        assert found != []
    else:
        assert found == []


@given(value=values)
def test_a_value_is_shown_in_few_words(value: Any) -> None:
    assert len(shown(value)) <= 63


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (int, "1", 'must be a whole number, not "1"'),
        (int, True, "must be a whole number, not true"),
        (float | None, [], "must be a number or null, not a list"),
        (bool, 1, "must be true or false, not 1"),
        (Annotated[int, Meta(ge=1)], 0, "must be at least 1, not 0"),
        (Annotated[int, Meta(le=9)], 10, "must be at most 9, not 10"),
        (Annotated[float, Meta(ge=0, le=1)], 1.5, "must be between 0 and 1, not 1.5"),
        (Annotated[list[int], Meta(min_length=1)], [], "must have at least 1 item, not 0"),
        (
            Annotated[dict[str, int], Meta(max_length=1)],
            {"a": 1, "b": 2},
            "must have at most 1 entry, not 2",
        ),
        (Annotated[str, Meta(pattern="^a$")], "b", 'must match ^a$, not "b"'),
        (Literal["x", "y"], "z", 'must be one of x, y, not "z"'),
        (Literal["x", "y"], 1, "must be one of x, y, not 1"),
        (None, 1, "must be null, not 1"),
        (dict[str, Any], 1, "must be an object, not 1"),
        (str, "x" * 100 + "\0", "must not hold a NUL character"),
    ],
    ids=str,
)
def test_the_words_say_what_would_be_right(kind: Any, value: Any, words: str) -> None:
    assert mistakes(value, kind, "/at") == [("/at", words)]


def test_pointers_quote_what_json_pointers_quote() -> None:
    value: JsonValue = {"metadata": {"a/b~c": "\0"}, "task_id": "x"}
    assert mistakes(value, ReportIn) == [("/metadata/a~1b~0c", "must not hold a NUL character")]
