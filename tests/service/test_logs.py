"""What is logged of a mistake says where it happened, and none of the values that were there."""

import io
import json
from typing import Any

import pytest
import structlog

from farwork.telemetry.logs import processors
from farwork.worker._log import tell_mistake

SECRET = "fw_" + "s3cret" * 5


def stumble(key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    raise ValueError(len(headers))


def caught() -> ValueError:
    try:
        stumble(SECRET)
    except ValueError as error:
        return error
    raise AssertionError


def written(form: str, level: str, **said: Any) -> str:
    to = io.StringIO()
    log: Any = structlog.wrap_logger(structlog.WriteLogger(to), processors=processors(form))
    getattr(log, level)("request failed", **said)
    return to.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_logged_exception_tells_its_place_and_no_values(form: str) -> None:
    said = written(form, "error", exc_info=caught())
    assert ("ValueError" in said, "stumble" in said, SECRET in said) == (True, True, False)


def test_a_line_in_json_is_one_object() -> None:
    said = json.loads(written("json", "warning", task="run-17"))
    assert (said["event"], said["level"], said["task"]) == ("request failed", "warning", "run-17")


def test_what_a_worker_tells_of_a_mistake_holds_no_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell_mistake("a worker stumbled", caught(), task="run-17")
    said = capsys.readouterr().err
    assert ("stumble" in said, "run-17" in said, SECRET in said) == (True, True, False)
