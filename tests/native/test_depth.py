"""How deep JSON is nested is found out without walking it."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from farwork.http.mistakes import JsonValue
from farwork.protocol.depth import DEPTH_MAX, is_too_deep, path_to_the_deep

values = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\,:a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='[]{}"\\'), inner),
    max_leaves=5,
)


def depth_of(value: JsonValue) -> int:
    match value:
        case list():
            return 1 + max(map(depth_of, value), default=0)
        case dict():
            return 1 + max(map(depth_of, value.values()), default=0)
        case _:
            return 0


def walked(value: Any, steps: list[str]) -> Any:
    for step in steps:
        value = value[int(step) if isinstance(value, list) else step]
    return value


@given(
    value=values,
    wraps=st.integers(DEPTH_MAX - 4, DEPTH_MAX + 4),
    shapes=st.integers(0, 2 ** (DEPTH_MAX + 4)),
)
@example(value={'"': []}, wraps=DEPTH_MAX - 1, shapes=0)
def test_depth_counts_brackets_outside_of_texts(value: Any, wraps: int, shapes: int) -> None:
    for wrap in range(wraps):
        value = ["[{", value] if shapes >> wrap & 1 else {"]}": value, "[": 1}
    raw = json.dumps(value).encode()
    too_deep = depth_of(value) > DEPTH_MAX
    assert is_too_deep(raw) is too_deep
    if too_deep:
        steps = path_to_the_deep(raw)
        assert len(steps) == DEPTH_MAX
        assert isinstance(walked(value, steps), list | dict)


@given(raw=st.binary() | st.text(alphabet='[]{}"\\, 1').map(str.encode))
def test_any_bytes_are_judged(raw: bytes) -> None:
    is_too_deep(raw * 80)
    path_to_the_deep(raw * 80)
