"""What the server says when a browser asks for the UI."""

import gzip
import re

import httpx

from farwork import __version__
from tests.support.server import Server


def get(server: Server, path: str, **headers: str) -> httpx.Response:
    with server.client() as client:
        return client.get(path, headers=headers)


def script_of(server: Server) -> str:
    found = re.search(r'src="\./(assets/[^"]+\.js)"', get(server, "/").text)
    assert found is not None
    return f"/{found[1]}"


def test_every_page_of_the_ui_answers_with_the_page(server: Server) -> None:
    for path in ("/", "/tasks", "/tasks/some%2Fid", "/jobs/a/b", "/settings"):
        response = get(server, path)
        assert response.status_code == 200
        assert '<div id="root">' in response.text
        assert response.headers["cache-control"] == "no-cache"


def test_what_is_no_page_of_the_ui_is_not_found(server: Server) -> None:
    for path in ("/nonsense", "/assets/nothing.js", "/v1/nothing", "/assets/..%2F..%2Fapp.py"):
        response = get(server, path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


def test_the_page_runs_our_scripts_only_and_its_nonce_is_used_once(server: Server) -> None:
    first, second = get(server, "/"), get(server, "/")
    policies = [r.headers["content-security-policy"] for r in (first, second)]
    assert "default-src 'none'; script-src 'self';" in policies[0]
    assert "unsafe" not in policies[0]
    nonces = [re.findall(r"'nonce-([^']+)'", policy) for policy in policies]
    assert nonces[0] != nonces[1]
    assert f'nonce="{nonces[0][0]}"' in first.text


def test_files_are_named_after_their_content_and_kept_for_ever(server: Server) -> None:
    response = get(server, script_of(server))
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"


def test_files_come_in_the_smallest_form_that_is_taken(server: Server) -> None:
    script = script_of(server)
    forms = {
        accepted: get(server, script, **{"Accept-Encoding": accepted}).headers
        for accepted in ("br, gzip", "gzip", "identity", "br;q=0, gzip")
    }
    encodings = {accepted: h.get("content-encoding") for accepted, h in forms.items()}
    assert encodings == {
        "br, gzip": "br",
        "gzip": "gzip",
        "identity": None,
        "br;q=0, gzip": "gzip",
    }
    assert int(forms["br, gzip"]["content-length"]) < int(forms["identity"]["content-length"])


def test_a_compressed_file_is_the_file(server: Server) -> None:
    script = script_of(server)
    with (
        server.client() as client,
        client.stream("GET", script, headers={"Accept-Encoding": "gzip"}) as response,
    ):
        packed = b"".join(response.iter_raw())
    assert gzip.decompress(packed).decode() == get(server, script).text


def test_the_server_says_where_its_feed_ends(server: Server) -> None:
    with server.client(server.key("operator", "vision", "anna")) as client:
        before = client.get("/v1/about").json()
        client.post("/v1/tasks", json={"id": "one"})
        after = client.get("/v1/about").json()
        seen = client.get("/v1/feed", params={"after": before["position"]}).json()
    assert before == {"version": __version__, "auth": "on", "position": before["position"]}
    assert after["position"] == seen["next_after"] > before["position"]
