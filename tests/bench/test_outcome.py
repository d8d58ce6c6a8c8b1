"""A bench ends with one line that programs read."""

import json

import pytest

from bench.__main__ import BENCHES
from bench.outcome import Bar, Outcome
from bench.settings import Settings, from_arguments
from tests.support.repository import ROOT


def test_the_last_line_holds_figures_bars_and_whether_all_hold() -> None:
    bars = {"vs_bare": Bar(">=", 0.5), "p99_ms": Bar("<=", 50.0)}
    outcome = Outcome("ingest", {"vs_bare": 0.61234, "p99_ms": 21.0}, bars, loud_rounds=2)
    assert json.loads(outcome.as_line()) == {
        "bench": "ingest",
        "ok": True,
        "figures": {"vs_bare": 0.6123, "p99_ms": 21.0},
        "bars": {"vs_bare": [">=", 0.5], "p99_ms": ["<=", 50.0]},
        "loud_rounds": 2,
    }


@pytest.mark.parametrize("figures", [{"vs_bare": 0.49}, {}], ids=["below", "not measured"])
def test_a_figure_below_its_bar_or_not_measured_is_not_ok(figures: dict[str, float]) -> None:
    assert not Outcome("ingest", figures, {"vs_bare": Bar(">=", 0.5)}).ok


def test_settings_come_from_the_command_line() -> None:
    given = ["ingest", "--rounds", "2", "--noisy", "--sqlite-only"]
    assert from_arguments(list(BENCHES), given) == (
        "ingest",
        Settings(rounds=2, noisy=True, postgresql=False),
    )


def test_an_unknown_bench_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        from_arguments(list(BENCHES), ["speed"])
    assert "invalid choice: 'speed'" in capsys.readouterr().err


def test_the_readme_tells_of_every_bench() -> None:
    text = (ROOT / "bench" / "README.md").read_text()
    assert [name for name in BENCHES if f"| `{name}` |" not in text] == []
