"""The OpenAPI 3.1 document: made of what each call promises and of the protocol's own types.

Handlers decode raw bytes themselves, so nothing can be read off their signatures; each carries a
`Call`. Dialects contribute their parts, written by hand under the names that their clients know.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from inspect import getdoc
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.routes import HTTPRoute
from msgspec import Struct

from farwork import __version__
from farwork.domain import errors as e
from farwork.http.calls import KEY, Call
from farwork.http.form import MEDIA_TYPE as FORM
from farwork.http.problem_examples import examples_for
from farwork.http.problems import MEDIA_TYPE, RETRY_AFTER_S, status_of
from farwork.protocol.problems import Problem
from farwork.service.access import Forbidden, Unauthenticated

Json = dict[str, Any]
_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_EVENTS = "text/event-stream"
_PARAMETER = re.compile(r"\{(\w+)\}")

TAGS = {
    "tasks": "Units of work that run elsewhere: create, read, steer, wait for them.",
    "reports": "Statements from outside about tasks.",
    "jobs": "Groups of tasks; their state follows from the tasks in them.",
    "workers": "What those call who do the work, and what steers them.",
    "feed": "Every change, in the one order that all readers see.",
    "hooks": "Who is told of what happens, and how that goes.",
    "bulk": "One verb for many tasks.",
    "transfer": "Whole tasks with their history, in and out.",
    "access": "Keys, users, projects, senders of signed webhooks, and the audit trail.",
    "login": "Signing in and out.",
    "ops": "Is the server alive, and can it work?",
}
AREAS = {
    "tasks": "tasks",
    "counts": "tasks",
    "pace": "tasks",
    "reports": "reports",
    "jobs": "jobs",
    "claims": "workers",
    "leases": "workers",
    "workers": "workers",
    "queues": "workers",
    "kinds": "workers",
    "limits": "workers",
    "retention": "tasks",
    "submissions": "workers",
    "feed": "feed",
    "bulk": "bulk",
    "operations": "bulk",
    "import": "transfer",
    "export": "transfer",
    "keys": "access",
    "users": "access",
    "audit": "access",
    "projects": "access",
    "sources": "access",
    "hooks": "hooks",
    "login": "login",
    "logout": "login",
    "session": "login",
    "me": "login",
    "about": "ops",
    "healthz": "ops",
    "readyz": "ops",
    "metrics": "ops",
}
"""Which tag a call has, by the first word of its path."""

DESCRIPTION = """\
The durable record of, and the controls for, tasks that run on machines you do not control.

Times are RFC 3339; answers give them in UTC. Errors are RFC 9457 problem details with a stable
`code` and, in `errors`, everything that is wrong at once. An id in a path is percent-encoded,
slashes too. What a query string or a body says and the call does not know is refused.
"""


@dataclass(frozen=True, slots=True)
class Route:
    """A call and where it is."""

    path: str
    method: str
    call: Call
    description: str


def routes_of(app: Litestar) -> Iterator[Route]:
    """The calls of the native API, in the order of their paths and methods."""
    for route in sorted(app.routes, key=lambda route: route.path_format):
        if not isinstance(route, HTTPRoute):
            continue
        # Litestar keeps the handlers of one path in a set.
        for handler in sorted(
            route.route_handlers, key=lambda handler: sorted(handler.http_methods)
        ):
            call = handler.opt.get(KEY)
            if isinstance(call, Call):
                (method,) = handler.http_methods
                text = getdoc(handler.fn) or call.summary
                yield Route(route.path_format, str(method).lower(), call, text)


def document(routes: Iterable[Route], parts: Iterable[Json] = ()) -> Json:
    """The document of these calls and of what dialects contribute."""
    routes = list(routes)
    schemas = _Schemas([route.call for route in routes])
    responses: Json = {}
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = _operation(route, schemas, responses)
    components = schemas.components
    for part in parts:
        _add(paths, part["paths"])
        _add(components, part["components"]["schemas"])
    bearer = "An API key or an access token: `Authorization: Bearer fw_...`."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Farwork",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": dict(sorted(responses.items())),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": bearer}},
        },
    }


def _add(known: Json, more: Json) -> None:
    for name, value in more.items():
        assert known.get(name, value) == value, f"two things are called {name!r}"
        known[name] = value


# --- schemas ---


class _Schemas:
    """The schemas of the types that calls speak of; each struct and enumeration is a component."""

    def __init__(self, calls: list[Call]) -> None:
        types: list[Any] = [Problem]
        for call in calls:
            for said in (
                call.body,
                call.form,
                call.lines,
                call.answer,
                *call.other_answers.values(),
            ):
                types += _each(said)
            types.append(call.query)
        # Several calls may speak of one type.
        distinct = {str(kind): kind for kind in types}
        found, components = msgspec.json.schema_components(distinct.values(), ref_template=_REF)
        self._found = dict(zip(distinct, found, strict=True))
        queries = {call.query.__name__ for call in calls}
        self._queries = {name: components[name] for name in queries}
        self.components: Json = {n: s for n, s in components.items() if n not in queries}

    def of(self, kind: Any) -> Json:
        """The schema of a type, or of any of several."""
        found = [self._found[str(one)] for one in _each(kind)]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def query(self, kind: type[Struct]) -> dict[str, Json]:
        """The schemas of the parameters of a query, by name."""
        return self._queries[kind.__name__].get("properties", {})


def _each(kind: Any) -> tuple[Any, ...]:
    if kind is None:
        return ()
    return cast("tuple[Any, ...]", kind) if isinstance(kind, tuple) else (kind,)


# --- operations ---


def _operation(route: Route, schemas: _Schemas, responses: Json) -> Json:
    call = route.call
    needs = "" if call.needs is None else f"\n\nNeeds the role `{call.needs.word}`."
    found: Json = {
        "operationId": call.id,
        "tags": [_tag(route.path)],
        "summary": call.summary,
        "description": route.description + needs,
        "parameters": [*_path(route.path), *_query(call, schemas), *_headers(call)],
        "responses": _responses(call, schemas, responses),
    }
    if call.needs is None:
        found["security"] = []
    if call.body is not None:
        found["requestBody"] = _body(call, schemas)
    elif call.form is not None:
        content = {FORM: {"schema": schemas.of(call.form), "example": call.example}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _tag(path: str) -> str:
    return AREAS[path.removeprefix("/v1/").strip("/").partition("/")[0]]


def _path(path: str) -> Iterator[Json]:
    for name in _PARAMETER.findall(path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }


def _query(call: Call, schemas: _Schemas) -> Iterator[Json]:
    for name, schema in schemas.query(call.query).items():
        shown = _without_null(schema)
        text = shown.pop("description", None)
        found = {"name": name, "in": "query", "required": False, "schema": shown}
        yield found if text is None else found | {"description": text}


def _without_null(schema: Json) -> Json:
    """A parameter is given or not; it is never null."""
    branches = [branch for branch in schema.get("anyOf", []) if branch != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if rest.get("default", "") is None:
        del rest["default"]
    if not branches:
        return rest
    return rest | branches[0] if len(branches) == 1 else rest | {"anyOf": branches}


def _headers(call: Call) -> Iterator[Json]:
    if call.idempotent:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same request again, under the same key, gets the first answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    if call.conditional:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "description": "The `ETag` of the version that is meant, or `*` for any.",
            "schema": {"type": "string", "pattern": r'^("[0-9]{1,18}"|\*)$'},
        }


def _body(call: Call, schemas: _Schemas) -> Json:
    content: Json = {_JSON: {"schema": schemas.of(call.body)}}
    if call.example is not None:
        content[_JSON]["example"] = call.example
    if call.lines is not None:
        line = msgspec.json.encode(call.example).decode()
        name = schemas.of(call.lines)["$ref"].rpartition("/")[2]
        content[_NDJSON] = _lines(name, f"{line}\n{line}\n")
    return {"required": call.body_required, "content": content}


def _lines(name: str, example: str) -> Json:
    schema = {"type": "string", "description": f"One `{name}` a line."}
    return {"schema": schema, "example": example}


def _events(schema: Json, example: Any) -> Json:
    """What one server-sent event holds; one without a name has the answer as its data."""
    data = {"type": "string", "contentMediaType": _JSON}
    unnamed = {"required": ["id"], "properties": {"data": data | {"contentSchema": schema}}}
    named = {"required": ["event"], "properties": {"data": data}}
    text = {name: {"type": "string"} for name in ("id", "event", "data")}
    shown = {"type": "object", "properties": text, "required": ["data"]}
    return {
        "schema": shown | {"if": {"required": ["event"]}, "then": named, "else": unnamed},
        "example": {"id": str(example["id"]), "data": msgspec.json.encode(example).decode()},
    }


# --- responses ---


def _responses(call: Call, schemas: _Schemas, shared: Json) -> Json:
    found: Json = {str(call.status): _success(call, schemas)}
    for status, kind in call.other_answers.items():
        found[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {_JSON: {"schema": schemas.of(kind)}},
        }
    for status, refusals in sorted(_refusals(call).items()):
        problem = _problem(status, refusals)
        name = f"{status}.{'.'.join(problem['content'][MEDIA_TYPE]['examples'])}"
        shared[name] = problem
        found[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return found


def _success(call: Call, schemas: _Schemas) -> Json:
    found: Json = {"description": HTTPStatus(call.status).phrase}
    if call.answer_lines:
        name = schemas.of(call.answer)["$ref"].rpartition("/")[2]
        line = msgspec.json.encode(call.answer_example).decode()
        found["content"] = {_NDJSON: _lines(name, f"{line}\n")}
    elif call.answer_text:
        shown = {"schema": {"type": "string"}, "example": call.answer_example}
        found["content"] = {"text/plain": shown}
    elif call.answer_events:
        found["content"] = {_EVENTS: _events(schemas.of(call.answer), call.answer_example)}
    elif call.answer is not None:
        found["content"] = {_JSON: {"schema": schemas.of(call.answer)}}
        if call.answer_example is not None:
            found["content"][_JSON]["example"] = call.answer_example
    headers: Json = {}
    if call.versioned:
        headers["ETag"] = {"description": "The version.", "schema": {"type": "string"}}
    if call.paged:
        headers["Link"] = {
            "description": 'The next page, `rel="next"`; none: the end.',
            "schema": {"type": "string"},
        }
    return found | ({"headers": headers} if headers else {})


def _refusals(call: Call) -> dict[int, list[type[e.DomainError] | str]]:
    """What a call may be refused with, by status: domain errors, or codes of the HTTP layer."""
    found: dict[int, list[type[e.DomainError] | str]] = {400: ["bad_request"]}
    if call.body is not None:
        found[400] += ["not_json"]
        found[413] = ["body_too_large"]
        found[422] = ["invalid_body", "nested_too_deeply"]
    if call.form is not None:
        found |= {413: ["body_too_large"], 415: ["unsupported_media_type"], 422: ["invalid_body"]}
    if call.needs is not None:
        found |= {401: [Unauthenticated], 403: [Forbidden], 503: ["storage_unavailable"]}
    known: list[type[e.DomainError]] = list(call.refusals)
    known += [e.IdempotencyKeyReused] if call.idempotent else []
    known += [e.VersionMismatch] if call.conditional else []
    for refusal in known:
        found.setdefault(status_of(refusal), []).append(refusal)
    if call.needs is not None and (call.body is not None or call.conditional):
        found[503] += ["overloaded"]
    return found


def _problem(status: int, refusals: list[type[e.DomainError] | str]) -> Json:
    examples = examples_for(status, refusals)
    codes = ", ".join(f"`{code}`" for code in examples)
    found: Json = {
        "description": f"{HTTPStatus(status).phrase}: {codes}.",
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": _REF.format(name="Problem")},
                "examples": {code: {"value": value} for code, value in examples.items()},
            }
        },
    }
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        found["headers"] = {
            "Retry-After": {
                "description": "After so many seconds it is worth trying again.",
                "schema": {"type": "string", "examples": [str(RETRY_AFTER_S)]},
            }
        }
    return found


# --- the route ---


@get("/openapi.json", sync_to_thread=False)
def openapi_json(request: Request[Any, Any, State]) -> Response[bytes]:
    """The document."""
    return Response(msgspec.json.encode(request.app.state.document()), media_type=_JSON)
