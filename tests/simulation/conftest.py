from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.run import folder, template_in


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """An empty database; copies of it go beside it."""
    with folder() as place:
        yield template_in(place)
