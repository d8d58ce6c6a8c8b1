"""Calls of an OpenAPI document, sent in every way that it allows and in ways that it does not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Its types are not made for strict checks.
schemathesis: Any = import_module("schemathesis")
_openapi: Any = import_module("schemathesis.specs.openapi.checks")
CHECKS: list[Any] = [
    import_module("schemathesis.checks").not_a_server_error,
    _openapi.status_code_conformance,
    _openapi.content_type_conformance,
    _openapi.response_schema_conformance,
]
HEADERS: Any = _openapi.response_headers_conformance
# What is slow here is the answers, and what is filtered is what the document rules out.
FINE = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.nested_given,
]


def calls(schema: Any, name: str = "") -> Iterator[Any]:
    """Each operation, rightly and (where anything is said to it) wrongly, as test parameters."""
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            if mode.value == "positive" or _takes_anything(operation):
                yield pytest.param(operation, mode, id=f"{name}{operation.label}-{mode.value}")


def _takes_anything(operation: Any) -> bool:
    """Whether anything can be said to it, rightly or wrongly."""
    return any((operation.query, operation.path_parameters, operation.headers, operation.body))


@dataclass
class Probe:
    """Whom to send examples to, so many of each call, and what to look for in the answers.

    Some are about what is `known` there, by the names that paths give it.
    """

    url: str
    key: str
    known: dict[str, Any]
    examples_max: int
    checks: list[Any] = field(default_factory=lambda: CHECKS)
    prepare: Callable[[Any], None] = lambda _case: None

    def send(self, operation: Any, mode: Any) -> None:
        """Send examples of an operation."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with requests.Session() as session:

            @settings(
                max_examples=self.examples_max,
                suppress_health_check=FINE,
                derandomize=True,
                database=None,
            )
            @given(case=operation.as_strategy(mode), at_home=st.booleans())
            def send(case: Any, *, at_home: bool) -> None:
                if at_home:
                    asked: dict[str, Any] = case.path_parameters or {}
                    here = {name: self.known[name] for name in asked.keys() & self.known.keys()}
                    case.path_parameters = asked | here
                self.prepare(case)
                response = case.call(base_url=self.url, headers=headers, session=session)
                case.validate_response(response, checks=self.checks)

            send()
