"""The web UI: files that the build made, and one page that every address of the UI answers with.

The page is made anew for each request, for the nonce in it. Files carry the hash of their content
in their names and were compressed by the build; they are held in memory and never change while the
server runs.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

import farwork
from farwork import clock

FOLDER = Path(farwork.__file__).parent / "_ui"
PAGES = (
    "tasks",
    "jobs",
    "queues",
    "archive",
    "operations",
    "hooks",
    "sources",
    "access",
    "settings",
)
"""The first words of the UI's addresses; what is not in it is not the UI's to answer."""
# Some systems map .js to text/plain, which browsers then refuse to run.
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
# In the order in which we like to send them.
ENCODINGS = {"br": ".br", "gzip": ".gz"}
PLACE = "<!--server-->"
GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_ABSENT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Farwork</title>
<h1>Farwork's API is here, its web UI is not</h1>
<p>This installation was made without the web UI. In a checkout, <code>make run</code> builds it;
with pip, install again without <code>FARWORK_UI=skip</code>.</p>
<p><a href="docs">The API</a></p></html>"""


@dataclass(slots=True, frozen=True)
class File:
    """A file as it is sent: its bytes for each encoding there is of it."""

    media_type: str
    bodies: dict[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(slots=True, frozen=True)
class Site:
    """All that was built."""

    index: str
    files: dict[str, File]


@cache
def site() -> Site | None:
    """What is in the folder; None: nothing was built."""
    if not (FOLDER / "index.html").is_file():
        return None
    files: dict[str, File] = {}
    for path in FOLDER.rglob("*"):
        media_type = TYPES.get(path.suffix)
        if media_type is None or not path.is_file():
            continue
        bodies = {"identity": path.read_bytes()}
        for encoding, suffix in ENCODINGS.items():
            smaller = path.with_name(path.name + suffix)
            if smaller.is_file():
                bodies[encoding] = smaller.read_bytes()
        files[path.relative_to(FOLDER).as_posix()] = File(media_type, bodies)
    return Site((FOLDER / "index.html").read_text(), files)


def policy(nonce: str) -> str:
    """What the page may do: its own files, and nothing from or to anywhere else."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _page(request: Request[Any, Any, State]) -> Response[str]:
    built = site()
    nonce = b64encode(clock.token(18)).decode()
    headers = GUARDS | {"Cache-Control": "no-cache", "Content-Security-Policy": policy(nonce)}
    if built is None:
        return Response(_ABSENT, status_code=503, media_type="text/html", headers=headers)
    # Behind a proxy that serves us below a path, the page's own addresses begin with it.
    base = escape(f"{request.scope['root_path'].rstrip('/')}/", quote=True)
    said = f'<base href="{base}"><meta property="csp-nonce" nonce="{nonce}">'
    return Response(built.index.replace(PLACE, said), media_type="text/html", headers=headers)


@get("/", sync_to_thread=False)
def start_page(request: Request[Any, Any, State]) -> Response[str]:
    """The page."""
    return _page(request)


@get(
    [path for word in PAGES for path in (f"/{word}", f"/{word}/{{rest:path}}")],
    sync_to_thread=False,
)
def inner_page(request: Request[Any, Any, State]) -> Response[str]:
    """The same page, which finds out itself what its address means."""
    return _page(request)


@get("/icon.svg", sync_to_thread=False)
def icon(request: Request[Any, Any, State]) -> Response[bytes]:
    """The icon, whose name does not change with its content."""
    return _file(request, "icon.svg", "public, max-age=3600")


@get("/assets/{name:str}", sync_to_thread=False)
def asset(request: Request[Any, Any, State], name: FromPath[str]) -> Response[bytes]:
    """A file that is named after its content."""
    return _file(request, f"assets/{name}", "public, max-age=31536000, immutable")


def _file(request: Request[Any, Any, State], name: str, keep: str) -> Response[bytes]:
    built = site()
    found = None if built is None else built.files.get(name)
    if found is None:
        raise NotFoundException(f"There is no file {PurePosixPath(name).name!r}.")
    encoding = _best(request.headers.get("accept-encoding", ""), found)
    headers = GUARDS | {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(found.bodies[encoding], media_type=found.media_type, headers=headers)


def _best(accepted: str, file: File) -> str:
    """The smallest form that the client takes."""
    taken = {
        word.partition(";")[0].strip()
        for word in accepted.lower().split(",")
        if word.replace(" ", "").partition(";q=")[2] not in ("0", "0.0", "0.00", "0.000")
    }
    return next((e for e in ENCODINGS if e in taken and e in file.bodies), "identity")


def router() -> Router:
    """The routes of the UI."""
    handlers: list[Any] = [start_page, inner_page, icon, asset]
    return Router("/", route_handlers=handlers)
