"""The dialect's page says what is there, and its examples work."""

import json
import re
import shlex

import httpx

from farwork.http.dialects.sartiq.routes import router
from farwork.http.dialects.sartiq.translate import WORDS, word_of
from tests.support.repository import ROOT
from tests.support.server import Server, task

PAGE = (ROOT / "docs" / "dialects" / "sartiq.md").read_text()
CALL = re.compile(r"^\| `(?P<method>[A-Z]+) (?P<path>/\S+)` \|", re.MULTILINE)
BLOCK = re.compile(r"^```(?P<language>sh|python)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(?P<state>\w+)` \| (?P<words>[\w, ]+)", re.MULTILINE)


def blocks(language: str) -> list[str]:
    return [found["text"] for found in BLOCK.finditer(PAGE) if found["language"] == language]


def curl(command: str, server: Server, variables: dict[str, str]) -> httpx.Response:
    """What curl would do with this command."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl"
    url, headers, data = "", httpx.Headers(), ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(words)
        else:
            url = word.replace("http://127.0.0.1:8400", server.url)
    return httpx.post(url, headers=headers, content=data)


def test_the_page_lists_the_calls_that_are_served() -> None:
    served = {
        (method, route.path)
        for route in router().routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS" and not route.path.endswith(("/docs", "/openapi.json"))
    }
    assert {(found["method"], found["path"]) for found in CALL.finditer(PAGE)} == served


def test_the_page_lists_the_words_that_are_known() -> None:
    listed = {
        word_of(word): found["state"]
        for found in ROW.finditer(PAGE.partition("| state | words |")[2].partition("\n\n")[0])
        for word in found["words"].split(",")
    }
    assert listed == {word: state.value for word, state in WORDS.items()}


def test_the_examples_work_as_they_stand(server: Server, client: httpx.Client) -> None:
    first, second = blocks("sh")
    variables = {"ADMIN_KEY": server.key("admin"), "KEY": server.key("worker")}
    answer = curl(first.partition("\n\n")[2], server, variables)
    assert answer.json() | {"event_id": 2} == json.loads(
        '{"task_id":"run-17","verdict":"applied","event_id":2}'
    )
    source = curl(second, server, variables).json()
    (program,) = blocks("python")
    names = {"SERVER": server.url, "SOURCE_ID": source["id"], "SECRET": source["secret"]}
    exec(program, names)  # noqa: S102 - the page's own example
    assert task(client, "run-17")["state"] == "running"
    assert task(client, "run-18")["creator"] == "source:gpu-farm"
