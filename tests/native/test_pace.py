"""How many tasks came and ended over time."""

from datetime import timedelta

from farwork import clock
from farwork.domain.values import moment
from tests.native.api import Api


def test_pace_counts_what_came_and_what_ended(each_api: Api) -> None:
    each_api.create("good", "bad", "open")
    each_api.report("good", state="succeeded")
    each_api.report("bad", state="failed")
    told = each_api.get("/v1/pace", seconds=600, steps=2)
    assert told == {
        "since": told["since"],
        "step_seconds": 300.0,
        "complete_since": told["since"],
        "created": [0, 3],
        "succeeded": [0, 1],
        "failed": [0, 1],
        "cancelled": [0, 0],
    }


def test_pace_puts_an_end_where_it_happened(each_api: Api) -> None:
    before = moment(clock.now()) - timedelta(minutes=8)
    each_api.create("early")
    each_api.report("early", state="succeeded", occurred_at=before.isoformat())
    assert each_api.get("/v1/pace", seconds=600, steps=2)["succeeded"] == [1, 0]


def test_pace_is_of_one_project_only(each_api: Api, api: Api) -> None:
    api.create("foreign")
    assert each_api.get("/v1/pace")["created"] == [0] * 72
