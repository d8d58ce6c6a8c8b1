"""Tokens in Keycloak's shape open what the page on outside issuers says that they open."""

from collections.abc import Iterator

import httpx
import pytest
from dirty_equals import IsPartialDict

from tests.native.api import problem_of, told
from tests.oidc.issuer import Issuer, issuing
from tests.support.repository import ROOT
from tests.support.server import Server, serving

PAGE = (ROOT / "docs/access/oidc.md").read_text()
# What the page exports in its fourth step.
SETTINGS = {
    "oidc_audience": "farwork",
    "oidc_role_claim": "resource_access.farwork.roles",
    "oidc_project_claim": "farwork_project",
}


@pytest.fixture(scope="module")
def keycloak() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture(scope="module")
def server(keycloak: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("keycloak")
    settings = SETTINGS | {"oidc_issuer": keycloak.url}
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, **settings) as running:
        with running.client(running.key()) as client:
            client.post("/v1/projects", json={"id": "vision"})
        yield running


def ask(server: Server, token: str) -> httpx.Response:
    with server.client(token) as client:
        return client.get("/v1/me")


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_the_page_names_the_settings_that_are_tested(name: str, value: str) -> None:
    assert f"export FARWORK_{name.upper()}={value}\n" in PAGE


def test_a_program_of_keycloak_has_its_clients_role_in_its_project(
    keycloak: Issuer, server: Server
) -> None:
    assert told(ask(server, keycloak.token("gpu-farm"))) == IsPartialDict(
        name="service-account-gpu-farm", kind="token", project="vision", role="worker"
    )


def test_the_audience_of_another_client_is_refused_as_the_page_says(
    keycloak: Issuer, server: Server
) -> None:
    found = problem_of(ask(server, keycloak.token("stranger")))
    assert (found["status"], "invalid claim (aud)" in found["detail"]) == (401, True)
    assert "401 `invalid claim (aud)`" in PAGE


def test_a_role_of_the_realm_is_none_of_the_clients(keycloak: Issuer, server: Server) -> None:
    assert problem_of(ask(server, keycloak.token("realm-admin")))["status"] == 403


@pytest.mark.parametrize(("client", "claim"), [("signed-in", "typ"), ("bound", "cnf")])
def test_what_is_no_bearers_access_token_opens_nothing(
    keycloak: Issuer, server: Server, client: str, claim: str
) -> None:
    found = problem_of(ask(server, keycloak.token(client)))
    assert (found["status"], f"({claim})" in found["detail"]) == (401, True)


def test_roles_of_the_realm_can_be_meant_instead(
    keycloak: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("realm")
    settings = SETTINGS | {"oidc_issuer": keycloak.url, "oidc_project_claim": ""}
    settings |= {"oidc_role_claim": "realm_access.roles"}
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, **settings) as server:
        found = told(ask(server, keycloak.token("realm-admin")))
        assert (found["role"], found["project"]) == ("admin", "default")
