"""Marks compare like what they stand for."""

from hypothesis import given
from hypothesis import strategies as st

from farwork.domain.marks import FIRST, command_mark, rank, report_mark
from farwork.domain.values import Instant, TaskState

LIFE = (
    None,
    TaskState.CREATED,
    TaskState.BLOCKED,
    TaskState.QUEUED,
    TaskState.RUNNING,
    TaskState.CANCELLED,
    TaskState.FAILED,
    TaskState.SUCCEEDED,
)

# From the year 1 to 9999.
_instants = st.integers(-62_135_596_800 * 10**6, 253_402_300_799 * 10**6)
_places = st.tuples(
    _instants | st.integers(0, 3),
    st.integers(0, len(LIFE) - 1),
    st.integers(0, 100_000).map(lambda thousandths: thousandths / 1000),
    st.text("0123456789abcdef", min_size=16, max_size=16),
)
Place = tuple[Instant, int, float, str]


@given(_places, _places)
def test_reports_are_ordered_by_time_then_state_then_percent_then_content(
    here: Place, there: Place
) -> None:
    assert (here < there) == (marked(here) < marked(there))


@given(_instants, _places)
def test_a_command_comes_after_the_reports_of_its_instant_and_before_later_ones(
    at: Instant, place: Place
) -> None:
    assert (command_mark(at) > marked(place)) == (at >= place[0])


@given(_instants, _places, _places)
def test_a_command_comes_after_all_that_is_known_and_before_what_is_said_of_a_later_time(
    at: Instant, known: Place, later: Place
) -> None:
    mark = command_mark(at, marked(known))
    assert mark > marked(known)
    assert (mark > marked(later)) == (at >= later[0] or known >= later)
    assert command_mark(at, mark) > mark


def test_everything_comes_after_the_first_mark() -> None:
    assert report_mark(-(10**15), None, None, "") > FIRST


def test_a_report_without_a_percentage_stands_where_one_with_zero_does() -> None:
    assert report_mark(1, None, None, "a") == report_mark(1, None, 0.0, "a")


def test_a_final_statement_outweighs_a_later_one_that_is_not() -> None:
    assert rank(command_mark(1), final=True) > rank(command_mark(2), final=False)
    assert rank(command_mark(1), final=True) < rank(command_mark(2), final=True)


def marked(place: Place) -> str:
    at, state, percent, digest = place
    return report_mark(at, LIFE[state], percent, digest)
