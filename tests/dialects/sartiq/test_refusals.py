"""Whatever goes wrong, the sender hears it in its own shape."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from farwork.domain.errors import DomainError
from farwork.http.body import InvalidBody, too_large
from farwork.http.dialects.sartiq.routes import ERRORS, refuse
from farwork.http.dialects.sartiq.validation import InvalidEvent
from farwork.http.problems import STATUS
from farwork.service.ledger import Overloaded, StorageUnavailable
from tests.dialects.sartiq.sender import WEBHOOK, event
from tests.support.postgres import Databases
from tests.support.server import serving

STATUSES = {401, 403, 404, 409, 412, 422, 429}


def tree(of: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from tree(kind)


def name_of(kind: type[DomainError]) -> str:
    return kind.__name__


TREE = sorted(set(tree()), key=name_of)


@pytest.mark.parametrize("kind", TREE)
def test_every_refusal_of_the_tree_has_an_answer(kind: type[DomainError]) -> None:
    response = refuse(None, kind("what was wrong"))
    assert response.status_code in STATUSES
    assert json.loads(response.content) == {"detail": "what was wrong"}
    assert response.media_type == "application/json"
    assert (response.headers.get("WWW-Authenticate") == "Bearer") == (response.status_code == 401)


@pytest.mark.parametrize("kind", [Overloaded, StorageUnavailable])
def test_when_the_server_cannot_take_more_it_says_when_to_come_back(kind: type[Exception]) -> None:
    response = refuse(None, kind("full"))
    assert (response.status_code, json.loads(response.content)) == (503, {"detail": "full"})
    assert int(response.headers["Retry-After"]) >= 1


def test_a_body_beyond_the_bound_has_an_answer() -> None:
    response = refuse(None, too_large(10))
    assert response.status_code == 413
    assert list(json.loads(response.content)) == ["detail"]


def test_every_error_that_the_server_knows_is_answered_here() -> None:
    assert set(STATUS) - set(tree()) <= set(ERRORS)
    assert {InvalidEvent, InvalidBody, Overloaded, StorageUnavailable} <= set(ERRORS)


def test_a_database_that_is_gone_is_a_503_and_nothing_is_acknowledged(
    postgres_databases: Databases, tmp_path: Path
) -> None:
    with ExitStack() as running, ExitStack() as database:
        url = database.enter_context(postgres_databases.fresh())
        server = running.enter_context(serving(url, tmp_path))
        client = running.enter_context(server.client(server.key()))
        assert client.post(WEBHOOK, json=event("t", status="running")).status_code == 200
        database.close()
        response = client.post(WEBHOOK, json=event("t", status="completed"))
    assert response.status_code == 503
    assert list(response.json()) == ["detail"]
    assert int(response.headers["retry-after"]) >= 1
