"""OpenAPI documents of dialects: each serves its own, at its own addresses and in its own words.

A dialect's handlers decode what comes by themselves, so what they take and give is said beside
them, call by call, with the dialect's own types. How it refuses is said once for all its calls.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, cast

import msgspec
from litestar import Response, get
from msgspec import Struct

from farwork import __version__
from farwork.http import docs_page

Json = dict[str, Any]
JSON = "application/json"
_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
TEXT: Json = {"type": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one call takes and gives.

    `answer` is a type, or None: no body; with `media_type` it is of that type instead. `query` is a
    struct, or parameters by name (those in `required` must be there). `body` is a type, or several;
    with `form` its media type. `refusals` are the statuses that it may be refused with, beside
    those of every call. An `open` one asks nobody who he is; the answer of a `bare` one stands in
    nothing else.
    """

    summary: str
    answer: Any = None
    status: int = 200
    media_type: str = JSON
    query: type[Struct] | Mapping[str, Json] = field(default_factory=dict[str, Json])
    required: Sequence[str] = ()
    headers: Mapping[str, Json] = field(default_factory=dict[str, Json])
    body: Any = None
    form: str | None = None
    refusals: Sequence[int] = ()
    others: Sequence[int] = ()
    open: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A dialect's calls, by method and path: `GET /api/tasks/{task_id}`.

    `refusals` gives the type of the answer to a refusal, by status. `parameter` is the schema of a
    parameter of a path, by its name. `wrap` puts the schema of an answer into what all stand in.
    """

    title: str
    description: str
    calls: Mapping[str, Said]
    refusals: Callable[[int], Any]
    always: Sequence[int] = (429, 503)
    guarded: Sequence[int] = (401, 403)
    security: Mapping[str, Json] = field(default_factory=dict[str, Json])
    parameter: Callable[[str], Json] = lambda _name: {**TEXT, "minLength": 1}
    wrap: Callable[[Json], Json] = lambda schema: schema


def document(contract: Contract) -> Json:
    """The OpenAPI 3.1 document of a contract."""
    types = {str(kind): kind for call in contract.calls.values() for kind in _types(call)}
    refused = {status for call in contract.calls.values() for status in _refusals(contract, call)}
    for status in refused:
        kind = contract.refusals(status)
        types[str(kind)] = kind
    found, components = msgspec.json.schema_components(types.values(), ref_template=_REF)
    schemas = dict(zip(types, found, strict=True))
    paths: Json = {}
    for key, call in contract.calls.items():
        method, path = key.split(" ")
        operation = _operation(contract, schemas, components, path, call)
        operation["operationId"] = _name_of(method, path)
        paths.setdefault(path, {})[method.lower()] = operation
    queries = {c.query.__name__ for c in contract.calls.values() if isinstance(c.query, type)}
    shown = {name: schema for name, schema in components.items() if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": contract.title,
            "version": __version__,
            "description": contract.description,
        },
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in contract.security],
        "tags": [],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(shown.items())),
            "securitySchemes": dict(contract.security),
        },
    }


def _types(call: Said) -> Iterator[Any]:
    for said in (call.answer, call.body):
        yield from _each(said)
    if isinstance(call.query, type):
        yield call.query


def _each(kind: Any) -> tuple[Any, ...]:
    if kind is None:
        return ()
    return cast("tuple[Any, ...]", kind) if isinstance(kind, tuple) else (kind,)


def _name_of(method: str, path: str) -> str:
    words = re.findall(r"\w+", path.replace("{", "by_"))
    return "_".join([method.lower(), *words])


def _refusals(contract: Contract, call: Said) -> list[int]:
    guarded = () if call.open else contract.guarded
    body = () if call.body is None else (413,)
    return sorted({*contract.always, *guarded, *body, *call.refusals})


def _operation(contract: Contract, schemas: Json, components: Json, path: str, call: Said) -> Json:
    responses: Json = {str(call.status): _success(contract, schemas, call)}
    for status in call.others:
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
    for status in _refusals(contract, call):
        content = {JSON: {"schema": schemas[str(contract.refusals(status))]}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    found: Json = {
        "tags": [contract.title],
        "summary": call.summary,
        "parameters": [*_parameters(contract, components, path, call)],
        "responses": responses,
    }
    if call.open:
        found["security"] = []
    if call.body is not None:
        kinds = [schemas[str(kind)] for kind in _each(call.body)]
        schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        content = {call.form or JSON: {"schema": schema}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _success(contract: Contract, schemas: Json, call: Said) -> Json:
    if call.media_type != JSON:
        return {
            "description": HTTPStatus(call.status).phrase,
            "content": {call.media_type: {"schema": TEXT}},
        }
    if call.answer is None:
        return {"description": HTTPStatus(call.status).phrase}
    schema = schemas[str(call.answer)]
    schema = schema if call.bare else contract.wrap(schema)
    return {"description": HTTPStatus(call.status).phrase, "content": {JSON: {"schema": schema}}}


def _parameters(contract: Contract, components: Json, path: str, call: Said) -> Iterator[Json]:
    for name in _PARAMETER.findall(path):
        schema = contract.parameter(name)
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    query: Mapping[str, Json] = (
        components[call.query.__name__].get("properties", {})
        if isinstance(call.query, type)
        else call.query
    )
    for name, schema in query.items():
        needed = name in call.required
        yield {"name": name, "in": "query", "required": needed, "schema": schema}
    for name, schema in call.headers.items():
        yield {"name": name, "in": "header", "required": False, "schema": schema}


# --- serving ---


def served(prefix: str, build: Callable[[], Json]) -> list[Any]:
    """The routes of a document, and of the page to read it: `openapi.json` and `docs`."""
    made = cache(build)

    @get(f"{prefix}/openapi.json", sync_to_thread=False, include_in_schema=False)
    def openapi_json() -> Response[bytes]:
        return Response(msgspec.json.encode(made()), media_type=JSON)

    @get(f"{prefix}/docs", sync_to_thread=False, include_in_schema=False)
    def docs() -> Response[str]:
        return docs_page.shown(made(), "openapi.json")

    return [openapi_json, docs]
