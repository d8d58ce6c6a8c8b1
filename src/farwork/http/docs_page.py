"""`/docs`: the OpenAPI document as one page to read, without scripts or anything from elsewhere."""

from collections.abc import Iterator
from html import escape
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State

Json = dict[str, Any]

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8882; --link: light-dark(#06c, #6bf); }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
a { color: var(--link); }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: 4px; max-height: 30rem; overflow: auto;
      padding: .6rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: left;
         vertical-align: top; }
summary { cursor: pointer; padding: .4rem 0; }
summary b { display: inline-block; min-width: 4.5rem; font-family: ui-monospace, monospace; }
details { border-top: 1px solid var(--line); }
details > *:not(summary) { margin-left: 1rem; }
h2 { margin-top: 2.5rem; }
"""
_ELSEWHERE = "default-src 'none'; style-src 'unsafe-inline'"


def page(document: Json, source: str = "/openapi.json") -> str:
    """The page of a document, which programs get at the address `source`."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>",
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>",
        *_paragraphs(info["description"]),
        f"<p>For programs: <a href='{source}'>openapi.json</a>. ",
        "The words are explained in the glossary of the documentation.</p>",
    ]
    for tag in document["tags"]:
        parts.append(f"<h2 id='{escape(tag['name'])}'>{escape(tag['name'])}</h2>")
        parts += _paragraphs(tag["description"])
        parts += _calls(document, tag["name"])
    others = [t for t in _tags_in_use(document) if t not in {x["name"] for x in document["tags"]}]
    for name in others:
        parts.append(f"<h2>{escape(name)}</h2>")
        parts += _calls(document, name)
    parts.append("<h2 id=schemas>schemas</h2>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(f"<details id='schema-{escape(name)}'><summary>{escape(name)}</summary>")
        parts += _paragraphs(schema.get("description", ""))
        parts.append(f"<pre>{_json(schema)}</pre></details>")
    return "".join(parts)


def _tags_in_use(document: Json) -> list[str]:
    found: dict[str, None] = {}
    for methods in document["paths"].values():
        for call in methods.values():
            found.update(dict.fromkeys(call.get("tags", ["other"])))
    return list(found)


def _calls(document: Json, tag: str) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            if tag in call.get("tags", ["other"]):
                yield from _call(path, method, call)


def _call(path: str, method: str, call: Json) -> Iterator[str]:
    name = escape(call.get("operationId", f"{method} {path}"))
    yield f"<details id='{name}'><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
    yield f"{escape(call.get('summary', ''))}</summary>"
    yield from _paragraphs(call.get("description", ""))
    if call.get("parameters"):
        yield "<table><tr><th>parameter<th>in<th>takes<th>"
        for parameter in call["parameters"]:
            yield f"<tr><td><code>{escape(parameter['name'])}</code><td>{parameter['in']}"
            yield f"<td><code>{_takes(parameter['schema'])}</code>"
            yield f"<td>{escape(parameter.get('description', ''))}"
        yield "</table>"
    for kind, media in call.get("requestBody", {}).get("content", {}).items():
        yield f"<h4>Body: {escape(kind)}, {_links(media['schema'])}</h4>"
        yield from _example(media)
    yield "<h4>Answers</h4>"
    for status, response in call["responses"].items():
        if "$ref" in response:
            continue
        yield f"<p><b>{status}</b> {escape(response['description'])}</p>"
        for media in response.get("content", {}).values():
            yield f"<p>{_links(media['schema'])}</p>"
            yield from _example(media)
    refused = ", ".join(
        f"{status} ({response['$ref'].partition('.')[2].replace('.', ', ')})"
        for status, response in call["responses"].items()
        if "$ref" in response
    )
    if refused:
        yield f"<p>Or a problem: {escape(refused)}.</p>"
    yield "</details>"


def _example(media: Json) -> Iterator[str]:
    if "example" in media:
        example = media["example"]
        text = escape(example) if isinstance(example, str) else _json(example)
        yield f"<pre>{text}</pre>"


def _links(schema: Json) -> str:
    """The components that a schema is made of."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#schema-{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_links(branch) for branch in schema["anyOf"])
    if schema.get("type") == "array":
        return f"a list of {_links(schema['items'])}"
    return escape(str(schema.get("type", "anything")))


def _takes(schema: Json) -> str:
    if "enum" in schema:
        return escape(" | ".join(str(word) for word in schema["enum"]))
    if schema.get("type") == "array":
        return f"{_takes(schema['items'])} ..."
    if "$ref" in schema:
        return _links(schema)
    words = [str(schema.get("format") or schema.get("type", "string"))]
    words += [f"{name} {schema[key]}" for name, key in _BOUNDS.items() if key in schema]
    if "default" in schema and schema["default"] != []:
        words.append(f"default {schema['default']}")
    return escape(", ".join(words))


_BOUNDS = {"from": "minimum", "to": "maximum"}


def _paragraphs(text: str) -> list[str]:
    blocks = [block.strip() for block in text.split("\n\n") if block.strip()]
    return [f"<p>{_with_code(escape(block))}</p>" for block in blocks]


def _with_code(text: str) -> str:
    """What stands between back quotes, as code."""
    parts = text.split("`")
    return "".join(
        f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)
    )


def _json(value: Any) -> str:
    return escape(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


@get("/docs", sync_to_thread=False)
def docs(request: Request[Any, Any, State]) -> Response[str]:
    """The page."""
    return shown(request.app.state.document())


def shown(document: Json, source: str = "/openapi.json") -> Response[str]:
    """The page as an answer."""
    headers = {"Content-Security-Policy": _ELSEWHERE}
    return Response(page(document, source), media_type="text/html", headers=headers)
