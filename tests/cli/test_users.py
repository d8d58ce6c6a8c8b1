"""`farwork users`: the first user is made where the database is."""

import httpx
import pytest
from dirty_equals import IsDatetime

from tests.cli.conftest import Serving, Shell

PASSWORD = "correct horse battery"


@pytest.fixture
def here(shell: Shell, database: str) -> Shell:
    """Types commands where the database is."""
    return shell.with_settings(database=database)


def make(shell: Shell, name: str, role: str = "operator") -> None:
    done = shell("users", "create", name, "--role", role, "--password-stdin", stdin=PASSWORD)
    assert (done.code, done.out, done.err) == (0, f"{name} can sign in.\n", "")


def test_a_user_that_is_made_here_signs_in_at_the_server(here: Shell) -> None:
    make(here, "ada")
    with Serving(here, "--port", "0") as server:
        form = {"username": "ada", "password": PASSWORD}
        tokens = httpx.post(f"{server.url}/v1/login", data=form)
        headers = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
        assert httpx.get(f"{server.url}/v1/me", headers=headers).json()["role"] == "operator"
        done = here("users", "set", "ada", "--role", "viewer")
        assert (done.code, done.out) == (0, "ada is changed.\n")
        assert httpx.get(f"{server.url}/v1/me", headers=headers).json()["role"] == "viewer"
        done = here("users", "set", "ada", "--disable")
        assert httpx.get(f"{server.url}/v1/me", headers=headers).status_code == 401
        key = server.said["admin_key"]
        trail = httpx.get(f"{server.url}/v1/audit", headers={"Authorization": f"Bearer {key}"})
        actions = [row["action"] for row in trail.json()["items"]]
        assert actions == ["user.change", "user.change", "login", "user.create"]


def test_users_are_listed_without_anything_secret(here: Shell) -> None:
    make(here, "grace", "admin")
    (found,) = here("users", "list", "--json").objects
    assert found == {
        "name": "grace",
        "project": "default",
        "role": "admin",
        "full_name": None,
        "email": None,
        "created_at": IsDatetime(iso_string=True),
        "last_login_at": None,
        "disabled_at": None,
    }
    lines = here("users", "list").out.splitlines()
    assert lines[0].split() == ["NAME", "ROLE", "PROJECT", "SIGNED", "IN", "STANDS"]
    assert lines[1].split() == ["grace", "admin", "default", "never", "valid"]


def test_what_cannot_be_is_said_plainly(here: Shell) -> None:
    make(here, "ada")
    again = here("users", "create", "ADA", "--role", "viewer", "--password-stdin", stdin=PASSWORD)
    assert (again.code, again.err) == (1, "farwork: There is a user 'ADA' already.\n")
    short = here("users", "create", "bob", "--role", "viewer", "--password-stdin", stdin="abc")
    assert (short.code, short.err) == (2, "farwork: A password has at least 12 characters.\n")
    odd = here("users", "create", "a b", "--role", "viewer", "--password-stdin", stdin=PASSWORD)
    assert odd.code == 2
    assert "is no name for a user" in odd.err
    asked = here("users", "create", "bob", "--role", "viewer")
    assert "use --password-stdin" in asked.err
    assert "There is no user 'eve'" in here("users", "delete", "eve").err
    assert "Nothing is to change" in here("users", "set", "ada").err


def test_a_deleted_user_is_gone(here: Shell) -> None:
    make(here, "ada")
    assert here("users", "delete", "Ada").out == "ada is deleted.\n"
    assert "there is no user" in here("users", "list").err
