"""What the dashboard and the alerts ask for is what the server tells."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.native.api import Api
from tests.support.repository import ROOT

FOLDER = ROOT / "docs" / "monitoring"
PAGE = ROOT / "docs" / "metrics.md"
NAME = re.compile(r"farwork_[a-z_]+")
SELECTED = re.compile(r"(farwork_[a-z_]+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*=~?\"")
BY = re.compile(r"\bby \(([^)]*)\)")
BEYOND = {"instance", "le"}
TAILS = ("_bucket", "_sum", "_count", "_total")


def dashboard() -> Iterator[str]:
    panels: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    for panel in panels:
        for target in panel.get("targets", []):
            yield target["expr"]


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return group["rules"]


def asked() -> list[str]:
    return [*dashboard(), *(rule["expr"] for rule in rules())]


def labels_of(text: str) -> dict[str, set[str]]:
    return {
        family.name: {label for sample in family.samples for label in sample.labels}
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    }


def base(name: str, known: set[str]) -> str:
    """The family of a sample."""
    stems = (name.removesuffix(tail) for tail in TAILS)
    return next((stem for stem in stems if stem != name and stem in known), name)


def test_every_metric_and_label_that_is_asked_for_exists(api: Api) -> None:
    hook = {"url": "https://93.184.215.14/in"}
    assert api.ask("POST", "/v1/hooks", hook).status_code == 201
    api.create("a", queue="gpu", kind="train")
    api.report("a", state="running")
    api.create("b", queue="gpu")
    known = labels_of(api.ask("GET", "/metrics").text)
    # These have no series until there is something to count.
    known["farwork_feed_subscribers_dropped"] = {"reason"}
    known["farwork_hook_attempts"] = {"outcome"}
    missing = [
        (name, label)
        for expression in asked()
        for name, selector in SELECTED.findall(expression)
        for label in ["", *LABEL.findall(selector)]
        if base(name, set(known)) not in known
        or (label and label not in known[base(name, set(known))] | BEYOND)
    ]
    assert missing == []
    for expression in asked():
        families = {base(name, set(known)) for name in NAME.findall(expression)}
        labels = set[str]().union(*(known[one] for one in families)) | BEYOND
        wanted = {label.strip() for by in BY.findall(expression) for label in by.split(",")}
        assert wanted <= labels, expression


def test_every_metric_is_on_the_dashboard_and_on_the_page(api: Api) -> None:
    api.create("a", queue="gpu")
    known = set(labels_of(api.ask("GET", "/metrics").text))
    on_dashboard = {base(n, known) for one in dashboard() for n in NAME.findall(one)}
    on_page = {base(name, known) for name in NAME.findall(PAGE.read_text())}
    assert (known - on_dashboard, known - on_page) == (set(), set())


def test_every_alert_says_what_it_is_about_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) > 8
    for rule in rules():
        assert rule["alert"].startswith("Farwork")
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_expressions_are_in_balance() -> None:
    for expression in asked():
        for opened, closed in ("()", "[]", "{}"):
            assert expression.count(opened) == expression.count(closed), expression
