"""Photographs every page into docs/screenshots: `make screenshots`, and then look at them."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.native.api import Api
from tests.support.repository import ROOT
from tests.support.server import serving
from tests.web import scene
from tests.web.desk import Scheme, launched, sitting

FOLDER = ROOT / "docs" / "screenshots"
PAGES = {
    "overview": "/",
    "tasks": "/tasks",
    "panel": "/tasks?task=train-07",
    "results": "/tasks/train-01?tab=results",
    "attempts": "/tasks/train-06?tab=attempts",
    "relations": "/tasks/combine-2041?tab=relations",
    "shards": "/tasks/shots-88?tab=shards",
    "job": "/jobs/exam-2041",
    "queues": "/queues",
    "archive": "/archive",
    "access": "/access",
    "settings": "/settings",
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        serving(f"sqlite:///{name}/farwork.db", Path(name)) as server,
        server.client(server.key()) as client,
        sync_playwright() as playwright,
    ):
        scene.play(Api(server, "default", client))
        browser = launched(playwright)
        schemes: tuple[Scheme, ...] = ("light", "dark")
        for scheme in schemes:
            for size in ("desk", "phone"):
                with sitting(browser, server.url, server.key(), scheme=scheme, size=size) as desk:
                    for page, path in PAGES.items():
                        desk.go(path)
                        desk.settle()
                        desk.page.screenshot(path=FOLDER / f"{page}-{scheme}-{size}.png")
        browser.close()


if __name__ == "__main__":
    main()
