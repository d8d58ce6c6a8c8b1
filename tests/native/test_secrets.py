"""No secret appears where it does not belong: planted ones are looked for in all that is said.

A server that tells everything it can is asked everything, rightly and wrongly, with secrets in the
right places and in wrong ones. Then its terminal, its answers, its events and its audit trail are
searched; and for what must be kept as a hash only, every byte of the database.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from farwork.storage import tables as t
from tests.support.postgres import Databases
from tests.support.server import Server, serving

PASSWORD = "planted-password-lighthouse"
NEXT_PASSWORD = "planted-password-drawbridge"
TYPED_AS_NAME = "planted-password-as-a-name"
AS_A_ROLE = "planted-as-a-role"
LOUD = {"log_level": "debug"}


@dataclass
class Eavesdropper:
    """Asks, and keeps all that is answered, but for what an answer is there to tell."""

    server: Server
    heard: list[str] = field(default_factory=list[str])
    secrets: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx.Response:
        with self.server.client(key) as client:
            response = client.request(method, path, **more)
        told: Any = json.loads(response.content or b"{}")
        if response.is_success:
            for name in ("key", "secret", "access_token", "refresh_token", "csrf_token"):
                text = told.pop(name, None)
                if isinstance(text, str):
                    self.secrets[f"{name} {len(self.secrets)}"] = text
        self.heard.append(f"{method} {path}: {response.status_code} {json.dumps(told)}")
        headers = {n: v for n, v in response.headers.items() if n != "set-cookie"}
        self.heard.append(str(headers))
        if "set-cookie" in response.headers:
            cookie = response.headers["set-cookie"].partition(";")[0].partition("=")[2]
            if cookie:
                self.secrets[f"cookie {len(self.secrets)}"] = cookie
        return response


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def loud(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_databases: Databases
) -> Iterator[Server]:
    """A server that logs all that it can."""
    if request.param == "sqlite":
        with serving(f"sqlite:///{tmp_path / 'farwork.db'}", tmp_path, **LOUD) as running:
            yield running
        return
    with postgres_databases.fresh() as url, serving(url, tmp_path, **LOUD) as running:
        yield running


def sign_in_and_out(ears: Eavesdropper, admin: str) -> None:
    """Users, rightly and wrongly."""
    user = {"name": "ada", "role": "operator", "password": PASSWORD}
    ears.ask("POST", "/v1/users", key=admin, json=user)
    ears.ask("POST", "/v1/users", key=admin, json=user)
    ears.ask("POST", "/v1/users", key=admin, json=user | {"name": "a b", "role": "x"})
    ears.ask("POST", "/v1/login", data={"username": TYPED_AS_NAME, "password": "x"})
    ears.ask("POST", "/v1/login", data={"username": "ada", "password": NEXT_PASSWORD})
    ears.ask("POST", "/v1/login", data={"grant_type": PASSWORD, "password": PASSWORD})
    ears.ask("POST", "/v1/login", json={"username": "ada", "password": PASSWORD})
    ears.ask("POST", "/v1/login", data={"username": "ada", "password": PASSWORD * 100})
    ears.ask("POST", "/v1/login", data={"username": "ada", "password": PASSWORD})
    access, refresh = [text for name, text in ears.secrets.items() if "token" in name]
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    ears.ask("POST", "/v1/login", data=form)
    change = {"present": PASSWORD, "new": NEXT_PASSWORD}
    ears.ask("POST", "/v1/me/password", key=access, json=change)
    ears.ask("POST", "/v1/me/password", key=access, json=change | {"extra": NEXT_PASSWORD})
    ears.ask("PATCH", "/v1/users/ada", key=admin, json={"password": [PASSWORD]})
    ears.ask("POST", "/v1/tasks", key=access, json={"id": "made-by-ada"})
    ears.ask("POST", "/v1/login", data=form)
    ears.ask("POST", "/v1/session", json={"name": "ada", "password": NEXT_PASSWORD})
    ears.ask("POST", "/v1/session", json={"key": admin})
    ears.ask("POST", "/v1/session", json={"key": admin + "x"})


def use_keys(ears: Eavesdropper, admin: str) -> None:
    """Keys and sources, rightly and wrongly; and secrets where they do not belong."""
    made = ears.ask("POST", "/v1/keys", key=admin, json={"role": "worker", "name": "gpu"})
    ears.ask("POST", "/v1/sources", key=admin, json={"name": "eu"})
    ears.ask("POST", "/v1/reports", key=admin, json={"task_id": "r", "state": "running"})
    ears.ask("POST", "/v1/reports", key=admin, json={"task_id": "r", "state": AS_A_ROLE})
    for text in (admin[:-1], f"{admin} {admin}", f"x.{admin}.y"):
        ears.ask("GET", "/v1/tasks", key=text)
    ears.ask("GET", "/v1/tasks", headers={"Authorization": admin})
    ears.ask("GET", "/v1/tasks", headers={"Authorization": f"Basic {admin}"})
    ears.ask("GET", "/v1/tasks", headers={"Cookie": f"farwork_session={admin}"})
    ears.ask("DELETE", f"/v1/keys/{made.json()['id']}", key=admin)
    for path in ("keys", "sources", "users", "me", "me/sessions", "audit", "feed", "tasks"):
        ears.ask("GET", f"/v1/{path}", key=admin)
    ears.ask("GET", "/v1/tasks/made-by-ada/events", key=admin)


def test_planted_secrets_are_found_nowhere(loud: Server) -> None:
    admin = loud.key()
    ears = Eavesdropper(loud)
    sign_in_and_out(ears, admin)
    use_keys(ears, admin)
    kept = {"password": PASSWORD, "next password": NEXT_PASSWORD, "admin key": admin}
    kept |= {f"{name}": text for name, text in ears.secrets.items() if "csrf" not in name}
    hidden = kept | {"typed as a name": TYPED_AS_NAME}
    hidden |= {name: text for name, text in ears.secrets.items() if "csrf" in name}
    assert len(ears.secrets) >= 9, "there is something to look for"
    said = loud.said.read_text() + "\n".join(ears.heard)
    assert [name for name, text in hidden.items() if _secret_of(text) in said] == []
    stored = _bytes_of(loud.database)
    # A source's secret is kept as it is: a signature is checked by making it again.
    hashed = {name: text for name, text in kept.items() if not name.startswith("secret")}
    assert [name for name, text in hashed.items() if _secret_of(text).encode() in stored] == []


def _secret_of(text: str) -> str:
    """The part of a text that must not be seen; the id in an API key may be."""
    return text.rpartition("_")[2]


def _bytes_of(database: str) -> bytes:
    """All that is kept."""
    if database.startswith("sqlite"):
        file = Path(database.removeprefix("sqlite:///"))
        return b"".join(one.read_bytes() for one in sorted(file.parent.glob(f"{file.name}*")))
    engine = sa.create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        rows: list[Any] = []
        for table in t.metadata.sorted_tables:
            rows += connection.execute(sa.select(table)).all()
    engine.dispose()
    values = [value for row in rows for value in row]
    return b"\n".join(one if isinstance(one, bytes) else str(one).encode() for one in values)
