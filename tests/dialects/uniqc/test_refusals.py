"""What is not done, and how that is said: always `{"detail": ...}`."""

import importlib
import json
import pkgutil
from collections.abc import Iterator

import httpx
import pytest
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.testing import RequestFactory

import farwork.service
from farwork.domain.errors import DomainError
from farwork.http.auth import AnyRequest
from farwork.http.body import InvalidBody
from farwork.http.dialects.uniqc.answers import respond
from farwork.http.problems import FORESEEN
from farwork.service.access import Role
from tests.dialects.uniqc.gateway import Gateway, key_for
from tests.support.server import Server

DEVELOPMENT = "http://localhost:5173"
ELSEWHERE = "http://example.org"


def every(kind: type[Exception]) -> Iterator[type[Exception]]:
    """A class of errors and all under it, in every module that may hold some."""
    for module in pkgutil.walk_packages(farwork.service.__path__, "farwork.service."):
        importlib.import_module(module.name)
    waiting = [kind]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.__subclasses__()


@pytest.fixture
def request_() -> AnyRequest:
    return RequestFactory().get("/api/tasks")


def name_of(kind: type[Exception]) -> str:
    return kind.__name__


@pytest.mark.parametrize("kind", sorted(set(every(DomainError)), key=name_of), ids=name_of)
def test_every_error_of_the_use_cases_has_a_client_error_with_its_text(
    kind: type[DomainError], request_: AnyRequest
) -> None:
    error = kind.__new__(kind)
    DomainError.__init__(error, "what was wrong")

    response = respond(request_, error)

    assert response.status_code in range(400, 500)
    # A 422 is a list of flaws, whoever finds them: its clients read it as one.
    flaw = {"type": "value_error", "loc": ["body"], "msg": "what was wrong", "input": None}
    detail = [flaw] if response.status_code == 422 else "what was wrong"
    assert json.loads(response.content) == {"detail": detail}


@pytest.mark.parametrize("kind", FORESEEN)
def test_whatever_a_handler_may_raise_is_answered(
    kind: type[Exception], request_: AnyRequest
) -> None:
    response = respond(request_, kind("said"))

    assert response.content is not None
    # A text, or the gateway's list of what is wrong with a body.
    assert response.content.startswith((b'{"detail":"', b'{"detail":[{"type":'))
    if response.status_code == 503:
        assert response.headers["Retry-After"] == "1"


def test_an_unforeseen_error_says_nothing_of_its_cause(
    request_: AnyRequest,
) -> None:
    response = respond(request_, ZeroDivisionError("secret"))

    assert (response.status_code, response.content) == (500, b'{"detail":"Internal Server Error"}')


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (NotFoundException(), 404, "Not Found"),
        (MethodNotAllowedException(), 405, "Method Not Allowed"),
        (HTTPException("no", status_code=400), 400, "no"),
        (InvalidBody("Too large.", status=413), 413, "Too large."),
        (InvalidBody("Too large.", status=413, detail="At most 1."), 413, "At most 1."),
    ],
)
def test_an_error_without_a_detail_is_told_by_its_name(
    error: Exception, status: int, detail: str, request_: AnyRequest
) -> None:
    response = respond(request_, error)

    assert (response.status_code, response.content) == (status, f'{{"detail":"{detail}"}}'.encode())


def test_whole_numbers_beyond_64_bits_are_refused(gateway: Gateway) -> None:
    most, least = 2**63 - 1, -(2**63)
    too_large = {
        "type": "less_than_equal",
        "loc": ["query", "limit"],
        "msg": f"Input should be less than or equal to {most}",
        "input": str(most + 1),
        "ctx": {"le": most},
    }
    too_small = {
        "type": "greater_than_equal",
        "loc": ["query", "offset"],
        "msg": f"Input should be greater than or equal to {least}",
        "input": "-" + "9" * 5_000,
        "ctx": {"ge": least},
    }

    response = gateway.http.get(f"/api/tasks?limit={most + 1}&offset=-{'9' * 5_000}")

    assert (response.status_code, response.json()) == (422, {"detail": [too_large, too_small]})
    assert gateway.get("/api/tasks", limit=most, offset=most)["tasks"] == []
    assert gateway.get("/api/archive", limit=least, offset=least)["tasks"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"task_ids":["\xff"]}', 400),
        (b"[" * 100_000, 422),
        (b'{"task_ids":["\\ud800"]}', 422),
        (b'{"task_ids":[NaN]}', 422),
        (b'{"task_ids":[' + b"9" * 5_000 + b"]}", 400),
        (b'{"task_ids":["' + b"x" * (17 << 20) + b'"]}', 413),
    ],
    ids=["no text", "deep", "half a character", "no number", "a long number", "large"],
)
def test_a_body_that_cannot_be_read_is_the_callers_fault(
    sqlite_gateway: Gateway, body: bytes, status: int
) -> None:
    for path in ("/api/tasks/bulk-delete", "/api/tasks/bulk-archive"):
        response = sqlite_gateway.http.post(
            path, content=body, headers={"content-type": "application/json"}
        )

        assert response.status_code == status
        assert set(response.json()) == {"detail"}


NOT_UNICODE = "Input should be a valid string, unable to parse raw data as a unicode string"


def test_a_flaw_shows_what_was_sent(sqlite_gateway: Gateway) -> None:
    response = sqlite_gateway.http.post(
        "/api/tasks/bulk-delete",
        content=b'{"task_ids":["\\ud800"]}',
        headers={"content-type": "application/json"},
    )

    assert response.json() == {
        "detail": [
            {
                "type": "string_unicode",
                "loc": ["body", "task_ids", 0],
                "msg": NOT_UNICODE,
                "input": "?",
            }
        ]
    }


# --- who may ---

READS = ["/api/tasks", "/api/tasks/counts", "/api/archive", "/api/backends/live", "/api/backends"]
WRITES = [
    ("DELETE", "/api/tasks/t"),
    ("POST", "/api/tasks/t/archive"),
    ("POST", "/api/tasks/archive-expired"),
    ("POST", "/api/tasks/bulk-archive"),
    ("POST", "/api/tasks/bulk-delete"),
    ("DELETE", "/api/archive/t"),
    ("POST", "/api/archive/restore/t"),
]


def call(client: httpx.Client, method: str, path: str) -> httpx.Response:
    body = {"task_ids": ["t"]} if "bulk" in path else None
    return client.request(method, path, json=body)


@pytest.mark.parametrize("key", [None, "fw_nobody_nothing", "rubbish"])
def test_nobody_gets_in_without_a_key(sqlite_server: Server, key: str | None) -> None:
    with sqlite_server.client(key) as client:
        for method, path in [*(("GET", path) for path in READS), *WRITES]:
            response = call(client, method, path)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert isinstance(response.json()["detail"], str)


def test_health_and_version_are_everybodys(sqlite_server: Server) -> None:
    with sqlite_server.client() as client:
        assert client.get("/api/health").json() == {"status": "ok"}
        assert client.get("/api/version").status_code == 200


def test_a_viewer_reads_and_changes_nothing(sqlite_gateway: Gateway) -> None:
    sqlite_gateway.create("t")
    key = key_for(sqlite_gateway.server, sqlite_gateway.project, Role.VIEWER)

    with sqlite_gateway.server.client(key) as client:
        assert [client.get(path).status_code for path in READS] == [200] * len(READS)
        answers = [call(client, method, path) for method, path in WRITES]

    assert [answer.status_code for answer in answers] == [403] * len(WRITES)
    detail = "This needs the role operator; this caller has the role viewer."
    assert [answer.json() for answer in answers] == [{"detail": detail}] * len(WRITES)
    assert sqlite_gateway.ids() == ["t"]


# --- pages of other origins ---


def test_the_page_that_is_being_developed_may_read(sqlite_gateway: Gateway) -> None:
    for origin in (DEVELOPMENT, "http://127.0.0.1:5173", "http://[::1]:5173"):
        for path, status in (("/api/tasks", 200), ("/api/tasks/x", 404), ("/api/nowhere", 404)):
            response = sqlite_gateway.http.get(path, headers={"Origin": origin})
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == origin
            assert response.headers["access-control-allow-credentials"] == "true"
            assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [ELSEWHERE, "http://localhost:3000", "null", None])
def test_no_other_page_may_read(sqlite_gateway: Gateway, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}

    response = sqlite_gateway.http.get("/api/tasks", headers=headers)

    assert response.status_code == 200
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in response.headers


def test_a_browser_is_told_beforehand_what_it_may_call(sqlite_gateway: Gateway) -> None:
    asked = {
        "Origin": DEVELOPMENT,
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization",
    }

    response = sqlite_gateway.http.options("/api/tasks/t", headers=asked)

    assert (response.status_code, response.text) == (200, "OK")
    assert response.headers["access-control-allow-origin"] == DEVELOPMENT
    assert "DELETE" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-headers"] == "authorization"
    assert response.headers["access-control-max-age"] == "600"


def test_a_browser_that_asks_for_no_headers_is_told_of_none(sqlite_gateway: Gateway) -> None:
    asked = {"Origin": DEVELOPMENT, "Access-Control-Request-Method": "POST"}

    response = sqlite_gateway.http.options("/api/tasks/archive-expired", headers=asked)

    assert response.status_code == 200
    assert "access-control-allow-headers" not in response.headers


def test_a_browser_on_another_page_is_turned_away_beforehand(sqlite_gateway: Gateway) -> None:
    asked = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}

    response = sqlite_gateway.http.options("/api/tasks", headers=asked)

    assert (response.status_code, response.text) == (400, "Disallowed CORS origin")
    assert "access-control-allow-origin" not in response.headers


def test_an_address_says_which_methods_it_takes(sqlite_gateway: Gateway) -> None:
    def allowed(method: str, path: str) -> str:
        return sqlite_gateway.http.request(method, path).headers["allow"]

    assert allowed("PUT", "/api/tasks") == "GET"
    assert allowed("OPTIONS", "/api/tasks/t") == "DELETE, GET"
    assert allowed("PATCH", "/api/tasks/t") == "DELETE, GET"


def test_head_is_not_taken(sqlite_gateway: Gateway) -> None:
    response = sqlite_gateway.http.head("/api/tasks")

    assert (response.status_code, response.content) == (405, b"")


def test_a_page_of_another_site_changes_nothing_on_a_server_without_keys(
    open_server: Server,
) -> None:
    with open_server.client() as client:
        for method, path in WRITES:
            response = client.request(method, path, headers={"Origin": ELSEWHERE})
            assert response.status_code == 403
            assert "detail" in response.json()
        own = client.post("/api/tasks/archive-expired", headers={"Origin": open_server.url})
        developed = client.post("/api/tasks/archive-expired", headers={"Origin": DEVELOPMENT})

    assert (own.status_code, developed.status_code) == (200, 200)
