"""Who may send: a signature of a registered source or, without a good one, an API key."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farwork.storage.engine import open_engine
from tests.dialects.sartiq.sender import WEBHOOK, Sender, as_json, event, signed
from tests.support.server import Server

OTHER_SECRET = "whsec_" + b64encode(b"k" * 32).decode()
Register = Callable[..., dict[str, Any]]


@pytest.fixture
def register(client: httpx.Client) -> Register:
    """Registers a source, by default in the project of `client`."""

    def registered(name: str = "farm", by: httpx.Client = client) -> dict[str, Any]:
        response = by.post("/v1/sources", json={"name": name})
        assert response.status_code == 201, response.text
        source: dict[str, Any] = response.json()
        return source

    return registered


def post(
    server: Server, body: bytes, headers: dict[str, str], query: str = "", key: str | None = None
) -> httpx.Response:
    with server.client(key) as stranger:
        return stranger.post(WEBHOOK + query, content=body, headers=headers)


def assert_turned_away(response: httpx.Response) -> None:
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == ["detail"]
    assert isinstance(answer["detail"], str)


def test_a_signature_of_a_registered_source_is_enough(
    server: Server, register: Register, sender: Sender
) -> None:
    source = register("gpu-farm")
    body = as_json(event(sender.task_id, status="running"))
    assert post(server, body, signed(source["secret"], body)).json()["verdict"] == "applied"
    assert sender.task()["creator"] == "source:gpu-farm"


def test_the_source_decides_the_project(server: Server, register: Register, sender: Sender) -> None:
    key = server.key(project="elsewhere")
    with server.client(key) as elsewhere:
        source = register(by=elsewhere)
        body = as_json(event(sender.task_id, status="running"))
        assert post(server, body, signed(source["secret"], body)).status_code == 200
        assert elsewhere.get(f"/v1/tasks/{sender.task_id}").json()["project"] == "elsewhere"
    assert sender.client.get(f"/v1/tasks/{sender.task_id}").status_code == 404


def test_a_source_that_is_named_is_the_only_one_that_counts(
    server: Server, register: Register, sender: Sender
) -> None:
    one, other = register("one"), register("other")
    body = as_json(event(sender.task_id, status="running"))
    headers = signed(one["secret"], body)
    assert_turned_away(post(server, body, headers, f"?source={other['id']}"))
    assert post(server, body, headers, f"?source={one['id']}").status_code == 200


@pytest.mark.parametrize("name", ["", "nobody", "%00", "x" * 5_000, "%F0%9F%92%A5"])
def test_a_source_that_is_not_there_signs_nothing(
    server: Server, register: Register, sender: Sender, name: str
) -> None:
    body = as_json(event(sender.task_id))
    headers = signed(register()["secret"], body)
    assert_turned_away(post(server, body, headers, f"?source={name}"))


def test_the_same_delivery_again_is_a_duplicate_whatever_it_says(
    server: Server, register: Register, sender: Sender
) -> None:
    secret = register()["secret"]
    first = as_json(event(sender.task_id, status="running"))
    second = as_json(event(sender.task_id, status="failed"))
    replayed = signed(secret, first, delivery_id="msg_7")
    answers = [
        post(server, first, replayed),
        post(server, first, replayed),
        post(server, second, signed(secret, second, delivery_id="msg_7")),
        post(server, second, signed(secret, second, delivery_id="msg_8")),
    ]
    verdicts = [answer.json()["verdict"] for answer in answers]
    assert verdicts == ["applied", "duplicate", "duplicate", "applied"]


def test_a_delivery_id_of_any_length_is_taken(
    server: Server, register: Register, sender: Sender
) -> None:
    secret = register()["secret"]
    body = as_json(event(sender.task_id, status="running"))
    headers = signed(secret, body, delivery_id="m" * 2_000)
    verdicts = [post(server, body, headers).json()["verdict"] for _ in range(2)]
    assert verdicts == ["applied", "duplicate"]


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_more_than_five_minutes_away_is_worthless(
    server: Server, register: Register, sender: Sender, minutes: int
) -> None:
    body = as_json(event(sender.task_id))
    old = signed(register()["secret"], body, ago=timedelta(minutes=minutes))
    assert_turned_away(post(server, body, old))


def test_a_signature_is_good_for_nearly_five_minutes(
    server: Server, register: Register, sender: Sender
) -> None:
    body = as_json(event(sender.task_id))
    headers = signed(register()["secret"], body, ago=timedelta(minutes=3))
    assert post(server, body, headers).status_code == 200


def test_a_signature_with_another_secret_is_worthless(
    server: Server, register: Register, sender: Sender
) -> None:
    register()
    body = as_json(event(sender.task_id))
    assert_turned_away(post(server, body, signed(OTHER_SECRET, body)))


def test_a_signature_covers_every_byte_of_the_body(
    server: Server, register: Register, sender: Sender
) -> None:
    body = as_json(event(sender.task_id))
    headers = signed(register()["secret"], body)
    assert_turned_away(post(server, body + b" ", headers))
    assert post(server, body, headers).status_code == 200


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_signature_covers_its_id_and_time(
    server: Server, register: Register, sender: Sender, name: str
) -> None:
    body = as_json(event(sender.task_id))
    headers = signed(register()["secret"], body)
    changed = {
        "webhook-id": headers["webhook-id"] + "x",
        "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1),
        "webhook-signature": signed(OTHER_SECRET, body)["webhook-signature"],
    }
    assert_turned_away(post(server, body, headers | {name: changed[name]}))
    headers.pop(name)
    assert_turned_away(post(server, body, headers))


def test_one_good_signature_among_several_is_enough(
    server: Server, register: Register, sender: Sender
) -> None:
    body = as_json(event(sender.task_id, status="running"))
    headers = signed(register()["secret"], body)
    wrong = signed(OTHER_SECRET, body)["webhook-signature"]
    headers["webhook-signature"] = f"v1a,AAAA {wrong} {headers['webhook-signature']}"
    assert post(server, body, headers).status_code == 200


def test_a_revoked_source_signs_nothing_from_then_on(
    server: Server, register: Register, sender: Sender
) -> None:
    source = register()
    body = as_json(event(sender.task_id, status="running"))
    headers = signed(source["secret"], body)
    assert post(server, body, headers).status_code == 200
    assert sender.client.delete(f"/v1/sources/{source['id']}").status_code == 204
    assert_turned_away(post(server, body, headers))
    assert_turned_away(post(server, body, headers, f"?source={source['id']}"))


def test_a_large_body_is_checked_against_many_sources(
    server: Server, register: Register, sender: Sender
) -> None:
    secrets = [register(f"rack-{number}")["secret"] for number in range(5)]
    body = as_json(event(sender.task_id, status="running", metadata={"x": "y" * 900_000}))
    assert post(server, body, signed(secrets[0], body)).status_code == 200


headers_of_any_kind = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, include_characters=" "), max_size=40
).map(str.strip)


@settings(max_examples=60)
@given(
    delivery_id=headers_of_any_kind,
    timestamp=headers_of_any_kind | st.sampled_from(["nan", "inf", "-1", "1e99", "9" * 30]),
    signature=headers_of_any_kind
    | st.sampled_from(["v1", "v1,", ",", "v1,A", "v1,a,b", "v1,===="]),
)
def test_no_header_breaks_anything(
    server: Server, delivery_id: str, timestamp: str, signature: str
) -> None:
    headers = {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }
    assert_turned_away(post(server, as_json(event("x")), headers))


def test_bytes_that_are_no_text_are_never_signed(server: Server, register: Register) -> None:
    headers = signed(register()["secret"], b"{}")
    response = post(server, b'{"task_id": "\xff"}', headers)
    assert_turned_away(response)
    assert "not UTF-8" in response.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic dTpw"},
        {"authorization": "Bearer fw_nobody_secret"},
        {"authorization": "Bearer fw_\u00e9_\u00e9".encode("latin-1").decode("latin-1")},
        {"x-api-key": "fw_nobody_secret"},
    ],
)
def test_neither_signature_nor_key_is_401(server: Server, headers: dict[str, str]) -> None:
    raw = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]
    with server.client() as stranger:
        assert_turned_away(stranger.post(WEBHOOK, json=event("x"), headers=raw))


def test_who_sends_is_asked_before_what_is_sent(server: Server) -> None:
    assert_turned_away(post(server, b"no json", {"content-type": "application/json"}))


@pytest.mark.parametrize("role", ["worker", "operator", "admin"])
def test_a_key_of_a_worker_or_more_may_send(server: Server, role: str, sender: Sender) -> None:
    body = as_json(event(sender.task_id, status="running"))
    json_type = {"content-type": "application/json"}
    assert post(server, body, json_type, key=server.key(role)).status_code == 200


def test_a_viewers_key_may_not_send(server: Server, sender: Sender) -> None:
    with server.client(server.key("viewer")) as viewer:
        response = Sender(viewer, sender.task_id).post(status="running")
    assert (response.status_code, list(response.json())) == (403, ["detail"])
    assert sender.client.get(f"/v1/tasks/{sender.task_id}").status_code == 404


def test_a_good_key_makes_up_for_a_bad_signature(
    server: Server, admin_key: str, sender: Sender
) -> None:
    body = as_json(event(sender.task_id, status="running"))
    assert post(server, body, signed(OTHER_SECRET, body), key=admin_key).status_code == 200


def test_a_good_signature_makes_up_for_a_bad_key(
    server: Server, register: Register, sender: Sender
) -> None:
    body = as_json(event(sender.task_id, status="running"))
    headers = signed(register("signer")["secret"], body)
    assert post(server, body, headers, key="fw_nobody_secret").status_code == 200
    assert sender.task()["creator"] == "source:signer"


def test_with_authentication_off_anybody_may_send(open_server: Server) -> None:
    with open_server.client() as anybody:
        sender = Sender(anybody, "open")
        assert sender.verdict(status="running") == "applied"
        body = as_json(event("open", status="completed"))
        response = anybody.post(WEBHOOK, content=body, headers=signed(OTHER_SECRET, body))
        assert response.json()["verdict"] == "applied"
        assert sender.task()["state"] == "succeeded"


def test_secrets_are_in_no_answer_but_the_first_and_in_no_event_or_log(
    server: Server, admin_key: str, register: Register, sender: Sender
) -> None:
    source = register("quiet-farm")
    body = as_json(event(sender.task_id, status="running"))
    answers = [
        post(server, body, signed(source["secret"], body)),
        post(server, body + b" ", signed(source["secret"], body)),
        post(server, b"[]", signed(source["secret"], b"[]")),
        sender.client.get("/v1/sources", params={"limit": 500}),
        sender.client.get(f"/v1/tasks/{sender.task_id}"),
        sender.client.delete(f"/v1/sources/{source['id']}"),
        sender.client.delete(f"/v1/sources/{source['id']}"),
    ]
    text = "".join(answer.text + str(answer.headers) for answer in answers)
    text += server.said.read_text() + everything_but_the_sources(server)
    secret = source["secret"].removeprefix("whsec_")
    raw = b64decode(secret)
    for form in (secret, raw.hex(), repr(raw), admin_key):
        assert form not in text
    assert re.search(r"quiet-farm", text) is not None


def everything_but_the_sources(server: Server) -> str:
    """All that the database keeps, beside the table whose duty it is to keep secrets."""
    engine = open_engine(server.database, read_only=True)
    with engine.connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'sources'"
        )
        names = [row[0] for row in tables]
        rows = [connection.exec_driver_sql(f'SELECT * FROM "{name}"').all() for name in names]  # noqa: S608 - names of our own tables
    engine.dispose()
    return str(rows)
