"""Which rule of retention decides about a task."""

import pytest

from farwork.domain.retention import ANY, NEVER, Rule, Rules

RULES = Rules(
    [
        Rule(ANY, ANY, archive_after=100, delete_after=1_000),
        Rule(ANY, "failed", archive_after=50),
        Rule("train", ANY, delete_after=NEVER),
        Rule("train", "failed", archive_after=NEVER, legal_hold="case 17"),
        Rule("audit", ANY, legal_hold="seven years"),
    ]
)


@pytest.mark.parametrize(
    ("kind", "state", "archive_after", "delete_after", "hold"),
    [
        ("scan", "succeeded", 100, 1_000, None),
        ("scan", "failed", 50, 1_000, None),
        ("train", "succeeded", 100, None, None),
        ("train", "failed", None, None, "case 17"),
        ("audit", "failed", 50, 1_000, "seven years"),
    ],
)
def test_each_time_comes_from_the_narrowest_rule_that_gives_it(
    kind: str, state: str, archive_after: int | None, delete_after: int | None, hold: str | None
) -> None:
    assert RULES.archive_after(kind, state) == archive_after
    assert RULES.delete_after(kind, state) == delete_after
    assert RULES.hold(kind, state) == hold


def test_without_rules_everything_stays() -> None:
    none = Rules([])
    assert (none.archive_after("k", "failed"), none.delete_after("k", "failed")) == (None, None)
    assert none.hold("k", "failed") is None
