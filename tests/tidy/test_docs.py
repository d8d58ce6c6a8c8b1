"""A page that nobody can find, or that leads nowhere, is not documentation."""

import re
from pathlib import Path

import pytest

from tests.support.repository import ROOT, shown, written_files

PAGES = [path for path in written_files() if path.suffix == ".md"]
CODE = re.compile(r"^```.*?^```$|^ {4}[^\n]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
TITLE = re.compile(r"^# \S", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = [str(target) for target in linked(page) if not target.exists()]
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if "+" not in page.name], ids=shown)
def test_a_page_has_one_title_and_starts_with_it(page: Path) -> None:
    prose = CODE.sub("", page.read_text())
    assert len(TITLE.findall(prose)) == 1
    assert prose.startswith("# ")


def test_every_page_is_reached_from_the_readme() -> None:
    reached = set[Path]()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            ahead.extend(linked(page))
    pages = {page for page in PAGES if "+" not in page.name}
    assert {shown(page) for page in pages - reached} == set()


def linked(page: Path) -> list[Path]:
    """The files of the repository that the page links to."""
    targets = (found["target"] for found in LINK.finditer(CODE.sub("", page.read_text())))
    here = (target.partition("#")[0] for target in targets if "://" not in target)
    return [(page.parent / target).resolve() for target in here if target]
