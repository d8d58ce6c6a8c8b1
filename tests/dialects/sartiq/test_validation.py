"""Bad bodies: every problem at once, in the shape and the words that FastAPI's clients know."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from farwork.domain.ids import is_id
from farwork.http.dialects.sartiq.validation import InvalidEvent, problems_of, read_event
from tests.dialects.sartiq.sender import WEBHOOK, Sender, as_json, event

JSON = {"content-type": "application/json"}


def post(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post(WEBHOOK, content=body, headers=JSON | headers)


def problems(client: httpx.Client, body: bytes) -> list[dict[str, Any]]:
    response = post(client, body)
    assert response.status_code == 422, response.text
    found: dict[str, list[dict[str, Any]]] = response.json()
    assert found.keys() == {"detail"}
    return found["detail"]


def test_every_problem_of_a_body_is_listed_in_the_order_of_its_fields(client: httpx.Client) -> None:
    body: dict[str, Any] = {
        "event_type": "",
        "status": 3,
        "entity_id": "e" * 256,
        "origin_zone": [],
        "timestamp": "yesterday",
        "metadata": [1],
        "progress": "half",
        "error_category": {},
        "completed_at": 5,
        "started_at": "2026-11-22",
        "additional_properties": None,
    }
    found = problems(client, as_json(body))
    assert all(one["input"] == body.get(one["loc"][1], body) for one in found)
    assert [(one["loc"], one["type"], one.get("ctx")) for one in found] == [
        (["body", "event_type"], "string_too_short", {"min_length": 1}),
        (["body", "task_id"], "missing", None),
        (["body", "status"], "string_type", None),
        (["body", "entity_id"], "string_too_long", {"max_length": 255}),
        (["body", "origin_zone"], "string_type", None),
        (
            ["body", "timestamp"],
            "datetime_from_date_parsing",
            {"error": "it is not of the form YYYY-MM-DDTHH:MM:SS with an optional zone"},
        ),
        (["body", "metadata"], "dict_type", None),
        (["body", "progress"], "float_parsing", None),
        (["body", "error_category"], "string_type", None),
        (["body", "completed_at"], "datetime_type", None),
        (["body", "started_at"], "datetime_parsing", {"error": "the time of day is missing"}),
        (["body", "task_type"], "missing", None),
        (["body", "additional_properties"], "dict_type", None),
    ]


def test_a_problem_reads_as_the_published_shape(client: httpx.Client) -> None:
    assert problems(client, as_json(event("x", progress=150))) == [
        {
            "loc": ["body", "progress"],
            "msg": "Input should be less than or equal to 100",
            "type": "less_than_equal",
            "input": 150,
            "ctx": {"le": 100.0},
        }
    ]


@pytest.mark.parametrize(
    ("said", "field", "kind"),
    [
        ({"progress": -0.1}, "progress", "greater_than_equal"),
        ({"progress": 100.001}, "progress", "less_than_equal"),
        ({"progress": 10**400}, "progress", "less_than_equal"),
        ({"progress": None}, "progress", "float_type"),
        ({"progress": True}, "progress", "float_type"),
        ({"progress": "50"}, "progress", "float_type"),
        ({"progress": [50]}, "progress", "float_type"),
        ({"progress": ""}, "progress", "float_parsing"),
        ({"task_id": "x" * 300}, "task_id", "string_too_long"),
        ({"task_id": ""}, "task_id", "string_too_short"),
        ({"task_id": None}, "task_id", "string_type"),
        ({"task_id": "a\nb"}, "task_id", "string_pattern_mismatch"),
        ({"task_id": "ab\n"}, "task_id", "string_pattern_mismatch"),
        ({"task_id": "a\x00b"}, "task_id", "string_pattern_mismatch"),
        ({"task_id": "a\x9fb"}, "task_id", "string_pattern_mismatch"),
        ({"task_id": "a\u202eb"}, "task_id", "string_pattern_mismatch"),
        ({"task_id": " \u200b"}, "task_id", "string_pattern_mismatch"),
        ({"task_id": ".."}, "task_id", "string_pattern_mismatch"),
        ({"event_type": "x" * 101}, "event_type", "string_too_long"),
        ({"event_type": None}, "event_type", "string_type"),
        ({"task_type": None}, "task_type", "string_type"),
        ({"timestamp": "2026-02-30T00:00:00Z"}, "timestamp", "datetime_from_date_parsing"),
        ({"timestamp": "2026-11-22T25:00:00Z"}, "timestamp", "datetime_from_date_parsing"),
        ({"timestamp": ""}, "timestamp", "datetime_from_date_parsing"),
        ({"timestamp": True}, "timestamp", "datetime_type"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp", "datetime_parsing"),
        ({"started_at": "9999-12-31T23:59:59-14:00"}, "started_at", "datetime_parsing"),
        ({"metadata": "{}"}, "metadata", "dict_type"),
        ({"error_message": 5}, "error_message", "string_type"),
        ({"status": "x" * 256}, "status", "string_too_long"),
        ({"status": "a\x00"}, "status", "value_error"),
    ],
)
def test_one_bad_field_is_the_one_problem(
    client: httpx.Client, said: dict[str, Any], field: str, kind: str
) -> None:
    (found,) = problems(client, as_json(event("bad-field") | said))
    assert (found["loc"], found["type"], found["input"]) == (["body", field], kind, said[field])


def test_a_bad_event_leaves_no_trace(sender: Sender) -> None:
    assert sender.post(progress=101, status="running").status_code == 422
    assert sender.client.get(f"/v1/tasks/{sender.task_id}").status_code == 404


@pytest.mark.parametrize("number", [0, -0.0, 100, 100.0, 33.333333333333336, 1e-300])
def test_progress_takes_its_bounds_and_all_between(sender: Sender, number: float) -> None:
    assert sender.verdict(progress=number, status="running") == "applied"


@pytest.mark.parametrize(
    ("body", "offset", "why"),
    [
        (b"", 0, "Expecting value"),
        (b"   ", 3, "Expecting value"),
        (b"{", 1, "Expecting property name enclosed in double quotes"),
        (b'{"progress": NaN}', 13, "Not a finite number"),
        (b'{"progress": Infinity}', 13, "Not a finite number"),
        (b'{"metadata": {"x": [-Infinity]}}', 20, "Not a finite number"),
        (b'{"metadata": {"x": 1e999}}', 19, "Not a finite number"),
        (b'{"a": "NaN 1e999", "b": NaN}', 24, "Not a finite number"),
        (b'{"a": 1}x', 8, "Extra data"),
        ('{"ü": '.encode(), 6, "Expecting value"),
        (b'{"task_id": "\xff"}', 13, "Not UTF-8"),
        (b'{"task_id": "\xed\xa0\x80"}', 13, "Not UTF-8"),
        (b'{"task_id": "a\\ud800b"}', 12, "Unpaired surrogate"),
        (b'{"task_id": "a\x00"}', 14, "Invalid control character at"),
        (b"\xef\xbb\xbf{}", 0, "Unexpected UTF-8 BOM (decode using utf-8-sig)"),
        ("{}".encode("utf-16"), 0, "Not UTF-8"),
        (b'{"m": ' + b"[" * 64 + b"]" * 64 + b"}", 69, "Nested deeper than 64"),
        (b"[" * 100_000, 64, "Nested deeper than 64"),
        (b'{"a":' * 50_000, 64 * 5, "Nested deeper than 64"),
    ],
)
def test_what_is_no_json_is_one_problem_with_its_offset(
    client: httpx.Client, body: bytes, offset: int, why: str
) -> None:
    assert problems(client, body) == [
        {
            "loc": ["body", offset],
            "msg": "JSON decode error",
            "type": "json_invalid",
            "input": {},
            "ctx": {"error": why},
        }
    ]


def test_an_integer_longer_than_python_reads_is_no_json_either(client: httpx.Client) -> None:
    (found,) = problems(client, b'{"metadata": {"x": ' + b"9" * 5_000 + b"}}")
    assert (found["loc"], found["type"]) == (["body", 19], "json_invalid")


def test_numbers_that_json_can_say_are_kept(sender: Sender) -> None:
    metadata: dict[str, Any] = {
        "big": 2**70,
        "small": -1e-7,
        "exact": 0.1,
        "list": [{"deep": [[[]]]}],
    }
    assert sender.verdict(metadata=metadata) == "applied"
    assert sender.task()["metadata"] == metadata


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1", b"true"])
def test_json_that_is_no_object_is_named_as_such(client: httpx.Client, body: bytes) -> None:
    (found,) = problems(client, body)
    assert (found["loc"], found["type"], found["input"]) == (
        ["body"],
        "dict_type",
        json.loads(body),
    )


@pytest.mark.parametrize(
    ("said", "loc"),
    [
        ({"metadata": {"a": [{"b": "x\x00"}]}}, ["body", "metadata", "a", 0, "b"]),
        ({"metadata": {"a\x00": 1}}, ["body", "metadata"]),
        ({"additional_properties": {"a": "\x00"}}, ["body", "additional_properties", "a"]),
        ({"own": {"a": "\x00"}}, ["body", "own", "a"]),
        ({"own\x00": 1}, ["body", "own\x00"]),
        ({"error_message": "\x00"}, ["body", "error_message"]),
    ],
)
def test_a_nul_anywhere_is_named_with_its_place(
    client: httpx.Client, said: dict[str, Any], loc: list[str | int]
) -> None:
    (found,) = problems(client, as_json(event("nul") | said))
    assert (found["loc"], found["type"]) == (loc, "value_error")


def test_text_that_spells_an_escape_is_no_nul(sender: Sender) -> None:
    assert sender.verdict(metadata={"path": "C:\\u0000"}) == "applied"
    assert sender.task()["metadata"] == {"path": "C:\\u0000"}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_bound_is_refused(client: httpx.Client, *, chunked: bool) -> None:
    body = as_json(event("big", metadata={"x": "y" * (1 << 20)}))
    content = iter([body[:1000], body[1000:]]) if chunked else body
    response = client.post(WEBHOOK, content=content, headers=JSON)
    assert response.status_code == 413
    assert response.json() == {
        "detail": "At most 1048576 bytes are taken here; send more in several requests."
    }


def test_a_body_up_to_the_bound_is_taken(sender: Sender) -> None:
    frame = len(as_json(event(sender.task_id, metadata={"x": ""})))
    assert sender.verdict(metadata={"x": "y" * ((1 << 20) - frame)}) == "applied"


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"],
)
def test_json_may_be_called_json(sender: Sender, media_type: str) -> None:
    body = as_json(event(sender.task_id, status="running"))
    assert post(sender.client, body, **{"content-type": media_type}).status_code == 200


def test_json_needs_no_content_type(sender: Sender) -> None:
    body = as_json(event(sender.task_id, status="running"))
    assert sender.client.post(WEBHOOK, content=body).status_code == 200


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "text/json", "nonsense"]
)
def test_a_body_that_is_said_to_be_something_else_is_no_event(
    client: httpx.Client, media_type: str
) -> None:
    body = as_json(event("other-type"))
    response = post(client, body, **{"content-type": media_type})
    assert (response.status_code, response.json()) == (
        422,
        {
            "detail": [
                {
                    "loc": ["body"],
                    "msg": "Input should be a valid dictionary, sent as application/json",
                    "type": "dict_type",
                    "input": body.decode(),
                }
            ]
        },
    )


# --- against the real thing: the published model, read by pydantic ---

Text = Annotated[str, Field(max_length=255)]


class Published(BaseModel):
    """The model of the published page, with our bounds on lengths."""

    event_type: Annotated[str, Field(min_length=1, max_length=100)]
    task_id: Annotated[str, Field(min_length=1, max_length=255)]
    status: Text | None
    entity_id: Text | None = None
    timestamp: datetime | None = None
    metadata: dict[str, Any] | None = None
    progress: Annotated[float, Field(ge=0, le=100)]
    task_type: Text
    additional_properties: dict[str, Any] = {}


def theirs(body: Any) -> list[dict[str, Any]]:
    """The problems that pydantic finds, as FastAPI shows them."""
    try:
        Published.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        return [dict(one) | {"loc": ["body", *one["loc"]]} for one in found]
    return []


NUMBERS = st.one_of(st.integers(-5, 105), st.floats(-1, 101), st.just("half"), st.none())
ODD: list[Any] = ["", "x" * 256, 5, None, [], {}]
OBJECT: list[Any] = [{}, {"a": 1}, None, [], "x", 5]
TIME: list[Any] = ["2026-11-22T02:00:00Z", "2026-11-22 02:00", "x", "", "2026-13-01T00:00:00"]
without_nul = st.characters(codec="utf-8", exclude_characters="\0")
TEXTS = st.one_of(st.text(without_nul, min_size=1, max_size=3), st.sampled_from(ODD))
OBJECTS = st.sampled_from(OBJECT)
BODIES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "event_type": TEXTS,
        "task_id": TEXTS,
        "status": TEXTS,
        "entity_id": TEXTS,
        "timestamp": st.sampled_from([*TIME, None, [], True]),
        "metadata": OBJECTS,
        "progress": NUMBERS,
        "task_type": TEXTS,
        "additional_properties": OBJECTS,
        "more": st.just(1),
    },
)
printable = st.characters(codec="utf-8", exclude_categories=["Cc"])
ids = st.text(printable, min_size=1, max_size=255).filter(is_id)


@given(body=BODIES)
def test_places_and_types_of_problems_are_those_of_pydantic(body: Any) -> None:
    ours = [msgspec.to_builtins(one) for one in problems_of(body)]
    ours = [one for one in ours if one["type"] not in {"string_pattern_mismatch", "value_error"}]
    assert [without_words(one) for one in ours] == [without_words(one) for one in theirs(body)]


def without_words(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem but for its text, which for times names what a parser stumbled over."""
    shown = {name: problem[name] for name in ("loc", "type", "input")}
    if "datetime" not in problem["type"]:
        shown |= {"msg": problem["msg"], "ctx": problem.get("ctx", {})}
    return shown


# --- no body breaks anything ---

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*event("x"), "timestamp", "metadata", "started_at", "entity_id", "other"]
ANY_EVENTS = st.dictionaries(st.sampled_from(FIELDS), VALUES | st.datetimes().map(str))


@given(said=ANY_EVENTS)
@example(said={"timestamp": "0001-01-01 00:00:00"})
@example(said={"timestamp": "9999-12-31 23:59:59.999999"})
def test_a_body_is_an_event_exactly_when_it_has_no_problems(said: dict[str, Any]) -> None:
    body = as_json(event("x") | said)
    found = problems_of(json.loads(body))
    if found:
        with pytest.raises(InvalidEvent) as refused:
            read_event(body)
        assert refused.value.problems == found
        assert {one.loc[0] for one in found} == {"body"}
    else:
        read_event(body)


@given(body=st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_an_event_or_have_problems(body: bytes) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read_event(body)
    assert refused.value.problems


@given(text=ids, moment=st.datetimes())
def test_an_event_is_read_as_it_was_written(text: str, moment: datetime) -> None:
    said = event(text, timestamp=moment.isoformat(), entity_id="e", progress=7, more={"x": [text]})
    read, unknown = read_event(as_json(said))
    assert (read.task_id, read.progress, read.entity_id) == (text, 7.0, "e")
    assert read.timestamp is not None
    assert read.timestamp.replace(tzinfo=UTC) == moment.replace(tzinfo=UTC)
    assert unknown == {"more": {"x": [text]}}
