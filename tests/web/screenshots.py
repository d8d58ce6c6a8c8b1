"""Photographs every page into docs/screenshots: `make screenshots`, and then look at them.

With names, only those: `python -m tests.web.screenshots hooks hook`.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.native.api import Api
from tests.support.repository import ROOT
from tests.support.server import serving
from tests.web import scene
from tests.web.desk import Desk, Scheme, launched, sitting

FOLDER = ROOT / "docs" / "screenshots"
COLORS = 128
PAGES = {
    "overview": "/",
    "tasks": "/tasks",
    "panel": "/tasks?task=train-07",
    "task": "/tasks/scan-009",
    "running": "/tasks/train-09",
    "data": "/tasks/train-01?tab=data",
    "results": "/tasks/train-01?tab=results",
    "attempts": "/tasks/train-06?tab=attempts",
    "relations": "/tasks/combine-2041?tab=relations",
    "shards": "/tasks/shots-88?tab=shards",
    "jobs": "/jobs",
    "job": "/jobs/exam-2041",
    "gantt": "/jobs/sweep-7?tab=time",
    "queues": "/queues",
    "archive": "/archive",
    "operations": "/operations",
    "hooks": "/hooks",
    "sources": "/sources",
    "access": "/access",
    "users": "/access?tab=users",
    "projects": "/access?tab=projects",
    "audit": "/access?tab=audit",
    "settings": "/settings",
}
# On a phone one looks, cancels and retries.
POCKET = {"overview", "tasks", "panel", "task", "shards", "job", "queues"}


def _rule(desk: Desk) -> None:
    desk.page.get_by_role("button", name="New rule…").click()


def _help(desk: Desk) -> None:
    desk.page.keyboard.press("?")


def _palette(desk: Desk) -> None:
    desk.page.keyboard.press("Control+k")


def _cancel(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Cancel…").click()


# What opens over a page: where, and by what.
DIALOGS: dict[str, tuple[str, Callable[[Desk], None]]] = {
    "palette": ("/", _palette),
    "keys": ("/tasks", _help),
    "cancel": ("/tasks/train-09", _cancel),
    "rule": ("/settings", _rule),
}


def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        serving(f"sqlite:///{name}/farwork.db", Path(name), **scene.SETTINGS) as server,
        server.client(server.key()) as client,
        sync_playwright() as playwright,
    ):
        api = Api(server, "default", client)
        scene.play(api)
        pages = PAGES | {
            "source": f"/sources/{api.get('/v1/sources')['items'][0]['id']}",
            "hook": f"/hooks/{api.get('/v1/hooks')['items'][1]['id']}",
        }
        browser = launched(playwright)
        schemes: tuple[Scheme, ...] = ("light", "dark")
        for scheme in schemes:
            for size in ("desk", "phone"):
                with sitting(browser, server.url, server.key(), scheme=scheme, size=size) as desk:
                    for page, path in pages.items():
                        if (size == "desk" or page in POCKET) and (not names or page in names):
                            desk.go(path)
                            photograph(desk, f"{page}-{scheme}-{size}")
                    for page, (path, opened) in DIALOGS.items():
                        if size == "desk" and (not names or page in names):
                            desk.go(path)
                            opened(desk)
                            photograph(desk, f"{page}-{scheme}-{size}")
        browser.close()


def photograph(desk: Desk, name: str) -> None:
    """Take a picture of what is on the screen, with as few colours as nobody misses."""
    desk.settle()
    path = FOLDER / f"{name}.png"
    desk.page.screenshot(path=path)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
