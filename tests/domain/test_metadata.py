"""Each key of the metadata follows the latest statement about it."""

from hypothesis import given
from hypothesis import strategies as st

from farwork.domain.marks import command_mark
from farwork.domain.metadata import change, merge
from farwork.domain.values import Json

EARLY, LATE = command_mark(1), command_mark(2)

_statements = st.dictionaries(
    st.integers(0, 9).map(command_mark),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
    max_size=5,
)


@given(_statements, st.data())
def test_statements_may_come_in_any_order(
    said: dict[str, dict[str, int]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(sorted(said.items())))
    assert merged(*said.items()) == merged(*shuffled)


def test_the_latest_statement_holds_key_by_key() -> None:
    assert merged((LATE, {"a": 2}), (EARLY, {"a": 1, "b": 1})) == (
        {"a": 2, "b": 1},
        {"a": LATE, "b": EARLY},
    )


def test_what_was_given_at_creation_yields_to_any_statement() -> None:
    values: dict[str, Json] = {"a": "given", "b": "given"}
    merge(values, {}, {"a": "said"}, EARLY)
    assert values == {"a": "said", "b": "given"}


def test_what_an_operator_says_holds_against_all_that_was_said_before() -> None:
    values, marks = merged((LATE, {"a": 1}))
    change(values, marks, {"a": 2}, now=0)
    merge(values, marks, {"a": 1}, LATE)
    assert values == {"a": 2}


def test_a_removed_key_comes_back_by_a_later_statement_only() -> None:
    values, marks = merged((EARLY, {"a": 1}))
    change(values, marks, {"a": None, "never": None}, now=2)
    merge(values, marks, {"a": 2}, EARLY)
    assert values == {}
    merge(values, marks, {"a": 3}, command_mark(3))
    assert values == {"a": 3}


def merged(*said: tuple[str, dict[str, int]]) -> tuple[dict[str, Json], dict[str, str]]:
    values: dict[str, Json] = {}
    marks: dict[str, str] = {}
    for mark, statement in said:
        merge(values, marks, statement, mark)
    return values, marks
