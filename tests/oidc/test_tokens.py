"""Access tokens of a real OpenID provider open what its claims say, and no others do."""

import base64
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import pytest
from dirty_equals import IsPartialDict

from farwork import clock
from tests.native.api import Api, problem_of, told
from tests.oidc.issuer import AUDIENCE, Issuer, issuing
from tests.support.server import Server, serving

SETTINGS = {
    "oidc_audience": AUDIENCE,
    "oidc_role_claim": "realm_access.roles",
    "oidc_project_claim": "project",
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@contextmanager
def trusting(issuer: Issuer, factory: pytest.TempPathFactory, **more: str) -> Generator[Server]:
    """A server that trusts the issuer."""
    folder = factory.mktemp("oidc")
    settings = SETTINGS | {"oidc_issuer": issuer.url} | more
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with trusting(issuer, tmp_path_factory) as running:
        yield running


def ask(server: Server, token: str) -> httpx.Response:
    with server.client(token) as client:
        return client.get("/v1/me")


def test_a_token_opens_its_project_with_its_role(issuer: Issuer, server: Server) -> None:
    assert told(ask(server, issuer.token())) == IsPartialDict(
        name="service-operator", kind="token", project="default", role="operator", user=None
    )
    with server.client(issuer.token("admin")) as client:
        admin = Api(server, "default", client)
        admin.create("a")
        assert admin.task("a")["creator"] == "service-admin"
        (row,) = admin.get("/v1/audit", target="task:a")["items"]
        assert row["actor"] == "oidc:admin"


def test_a_plain_report_may_show_such_a_token_too(issuer: Issuer, server: Server) -> None:
    with server.client(issuer.token()) as client:
        assert told(client.post("/v1/reports", json={"task_id": "r"}))["verdict"] == "applied"


def test_a_token_that_elliptic_curves_sign_is_as_good(
    issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    audience = f"{AUDIENCE}/ec"
    with trusting(issuer, tmp_path_factory, oidc_audience=audience) as server:
        assert ask(server, issuer.token(audience=audience)).status_code == 200
        assert ask(server, issuer.token()).status_code == 401


def test_a_project_that_a_token_names_must_be_there(issuer: Issuer, server: Server) -> None:
    with server.client(server.key()) as client:
        client.post("/v1/projects", json={"id": "vision"})
    assert told(ask(server, issuer.token("elsewhere")))["project"] == "vision"
    found = problem_of(ask(server, issuer.token("nowhere")))
    assert (found["status"], found["code"]) == (403, "forbidden")


def test_a_token_without_a_role_of_ours_opens_nothing(issuer: Issuer, server: Server) -> None:
    found = problem_of(ask(server, issuer.token("nobody")))
    assert (found["status"], found["detail"]) == (403, "The access token grants no role here.")


def test_the_issuers_words_can_be_mapped_to_roles(
    issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said = "uma_protection=worker, operator=viewer"
    with trusting(issuer, tmp_path_factory, oidc_roles=said) as server:
        assert told(ask(server, issuer.token("nobody")))["role"] == "worker"
        assert told(ask(server, issuer.token("operator")))["role"] == "viewer"


def test_a_token_for_somebody_else_is_refused(issuer: Issuer, server: Server) -> None:
    found = problem_of(ask(server, issuer.token(audience="https://other.example")))
    assert found["code"] == "unauthenticated"
    assert found["detail"] == "The access token is not good: invalid claim (aud)."


def test_a_token_of_another_issuer_is_refused(server: Server) -> None:
    with issuing() as stranger:
        assert ask(server, stranger.token()).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"realm_access": {"roles": ["admin"]}},
        {"exp": 4_000_000_000},
        {"project": "vision"},
    ],
)
def test_a_token_that_was_changed_is_refused(
    issuer: Issuer, server: Server, change: dict[str, object]
) -> None:
    header, claims, signature = issuer.token().split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(said | change).encode()).decode().rstrip("=")
    found = problem_of(ask(server, f"{header}.{changed}.{signature}"))
    assert found["detail"] == "The access token is not good: bad signature."


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256", "kid": "rsa-1"}])
def test_a_token_that_no_private_key_signed_is_refused(
    issuer: Issuer, server: Server, header: dict[str, str]
) -> None:
    _, claims, signature = issuer.token().split(".")
    forged = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    for end in ("", signature):
        assert ask(server, f"{forged}.{claims}.{end}").status_code == 401


def test_what_only_looks_like_a_token_is_refused(server: Server) -> None:
    for text in ("a.b.c", "..", "e30.e30.", "x" * 20_000 + ".a.b"):
        assert problem_of(ask(server, text))["code"] == "unauthenticated"


def test_a_token_that_has_expired_is_refused(
    issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with trusting(issuer, tmp_path_factory, oidc_skew_seconds="0") as server:
        token = issuer.token("brief")
        answers = (ask(server, token) for _ in range(10_000))
        refused = next(answer for answer in answers if answer.status_code != 200)
        assert refused.status_code == 401
        assert "expired" in problem_of(refused)["detail"]


def test_clocks_may_differ_by_the_skew(issuer: Issuer, server: Server) -> None:
    token = issuer.token("brief")
    ends_at = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["exp"]
    while clock.now() <= (ends_at + 1) * 1_000_000:
        assert ask(server, token).status_code == 200


def test_new_keys_are_found_when_a_token_names_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with issuing() as issuer, trusting(issuer, tmp_path_factory) as server:
        before = issuer.token()
        assert ask(server, before).status_code == 200
        issuer.order("rotate")
        after = issuer.token()
        answers = (ask(server, after).status_code for _ in range(100_000))
        # Until the issuer may be asked again, a token with an unknown key is refused.
        assert next(status for status in answers if status != 401) == 200
        assert ask(server, before).status_code == 401, "its key was taken away"


def test_an_issuer_that_cannot_be_reached_is_not_a_wrong_token(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with issuing() as issuer, trusting(issuer, tmp_path_factory) as server:
        token = issuer.token()
        issuer.order("break")
        response = ask(server, token)
        assert problem_of(response)["code"] == "issuer_unavailable"
        assert response.status_code == 503
        assert response.headers["retry-after"]
        issuer.order("mend")
        answers = (ask(server, token).status_code for _ in range(100_000))
        assert next(status for status in answers if status != 503) == 200
        issuer.order("break")
        assert ask(server, issuer.token("admin")).status_code == 200, "its keys are known"


def test_a_server_that_trusts_nobody_takes_no_such_token(
    issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("alone")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as server:
        assert ask(server, issuer.token()).status_code == 401
