"""Every module is needed by something, and the domain needs nothing but Python."""

import sys
import tomllib

import grimp
import pytest

from tests.support.repository import ROOT, SOURCE, python_files

# Reached by their place or by users, not by an import: what Alembic loads, what users import.
DOORS = ("farwork.storage.migrations.", "farwork.sdk", "farwork.worker")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("farwork", include_external_packages=True, cache_dir=None)


def test_every_module_is_imported_or_is_an_entry_point(graph: grimp.ImportGraph) -> None:
    alive = entry_points() | named_in_strings(graph)
    dead = [
        module
        for module in internal(graph)
        if not is_package(module) and module not in alive and not module.startswith(DOORS)
        if not graph.find_modules_that_directly_import(module)
    ]
    assert dead == []


def test_the_domain_imports_the_standard_library_and_itself_only(graph: grimp.ImportGraph) -> None:
    domain = {module for module in internal(graph) if module.startswith("farwork.domain")}
    assert domain
    imported = {
        found for module in domain for found in graph.find_modules_directly_imported_by(module)
    }
    assert {found for found in imported - domain if found not in sys.stdlib_module_names} == set()


def internal(graph: grimp.ImportGraph) -> list[str]:
    return sorted(m for m in graph.modules if m == "farwork" or m.startswith("farwork."))


def is_package(module: str) -> bool:
    return (SOURCE / module.replace(".", "/") / "__init__.py").exists()


def entry_points() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    targets: list[str] = [
        *project["scripts"].values(),
        *project["entry-points"]["pytest11"].values(),
    ]
    return {target.partition(":")[0] for target in targets} | {"farwork.__main__"}


def named_in_strings(graph: grimp.ImportGraph) -> set[str]:
    """Modules that a process is started with: `"farwork.http.server:app"`."""
    texts = [path.read_text() for path in python_files() if path.is_relative_to(SOURCE)]
    return {
        module
        for module in internal(graph)
        if any(f'"{module}"' in text or f'"{module}:' in text for text in texts)
    }
