"""A table fits its terminal, but an id is never cut."""

from collections.abc import Sequence

import pytest
from inline_snapshot import snapshot
from rich.text import Text

from farwork.cli.output import STATE_STYLES, printable, state_text, styled
from farwork.cli.table import Column, Table
from tests.cli.screen import pipe, raw, screen, shown

COLUMNS = (
    Column("ID"),
    Column("STATE"),
    Column("DONE", weight=3, right=True),
    Column("QUEUE", weight=2, shrinks_to=6),
    Column("NAME", weight=1, shrinks_to=6),
    Column("MESSAGE", weight=4, shrinks_to=10),
)
UUID = "0193c7a0-1234-7abc-8def-0123456789ab"
LONG = "x" * 255


def rows(*ids: str, message: str = "epoch 4 of 10") -> Sequence[Sequence[Text]]:
    return [
        [
            styled(one),
            state_text("running", "lost"),
            styled("42%"),
            styled("gpu-cluster-7"),
            styled(""),
            styled(message),
        ]
        for one in ids
    ]


def on_screen(width: int, *ids: str) -> str:
    console = screen(width)
    Table(console, COLUMNS).add(rows(*ids))
    return shown(console)


def test_a_wide_terminal_shows_everything_but_empty_columns() -> None:
    assert on_screen(120, UUID, "b") == snapshot("""\
ID                                    STATE           DONE  QUEUE          MESSAGE
0193c7a0-1234-7abc-8def-0123456789ab  running (lost)   42%  gpu-cluster-7  epoch 4 of 10
b                                     running (lost)   42%  gpu-cluster-7  epoch 4 of 10
""")


def test_a_narrower_one_shortens_what_may_be_short_and_then_leaves_out_what_matters_least() -> None:
    assert {width: on_screen(width, UUID) for width in (90, 80, 72, 60)} == snapshot(
        {
            90: """\
ID                                    STATE           DONE  QUEUE          MESSAGE
0193c7a0-1234-7abc-8def-0123456789ab  running (lost)   42%  gpu-cluster-7  epoch 4 of 10
""",
            80: """\
ID                                    STATE           DONE  QUEUE     MESSAGE
0193c7a0-1234-7abc-8def-0123456789ab  running (lost)   42%  gpu-clu…  epoch 4 o…
""",
            72: """\
ID                                    STATE           DONE  MESSAGE
0193c7a0-1234-7abc-8def-0123456789ab  running (lost)   42%  epoch 4 of …
""",
            60: """\
ID                                    STATE
0193c7a0-1234-7abc-8def-0123456789ab  running (lost)
""",
        }
    )


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("task_id", [UUID, LONG, "日本" * 40])
def test_an_id_is_whole_at_every_width(width: int, task_id: str) -> None:
    assert task_id in on_screen(width, task_id)


@pytest.mark.parametrize("width", range(50, 130, 7))
def test_no_line_is_wider_than_the_terminal_where_the_ids_leave_room(width: int) -> None:
    lines = on_screen(width, UUID[:20], "b").splitlines()
    assert max(map(len, lines)) <= width


def test_a_pipe_gets_every_column_whole() -> None:
    console = pipe()
    Table(console, COLUMNS).add(rows(UUID, "b", message="m" * 300))
    lines = shown(console).splitlines()
    assert lines[0].split() == ["ID", "STATE", "DONE", "QUEUE", "NAME", "MESSAGE"]
    assert [line.endswith("m" * 300) for line in lines[1:]] == [True, True]


def test_the_first_block_fixes_the_widths_and_the_title_comes_once() -> None:
    console = screen(120)
    table = Table(console, COLUMNS)
    table.add(rows("run-17"))
    table.add(rows("run-18", "a-much-longer-id"))
    assert shown(console) == snapshot("""\
ID      STATE           DONE  QUEUE          MESSAGE
run-17  running (lost)   42%  gpu-cluster-7  epoch 4 of 10
run-18  running (lost)   42%  gpu-cluster-7  epoch 4 of 10
a-much-longer-id  running (lost)   42%  gpu-cluster-7  epoch 4 of 10
""")


def test_a_wide_character_takes_two_cells() -> None:
    console = screen(80)
    Table(console, [Column("ID"), Column("STATE")]).add(
        [[styled("日本"), styled("a")], [styled("abcd"), styled("b")]]
    )
    assert shown(console) == snapshot("""\
ID    STATE
日本  a
abcd  b
""")


def test_each_state_has_its_colour() -> None:
    console = screen(60, colour=True)
    for state in STATE_STYLES:
        console.print(state_text(state))
    assert raw(console).splitlines() == snapshot(
        [
            "\x1b[2mcreated\x1b[0m",
            "\x1b[33mblocked\x1b[0m",
            "\x1b[36mqueued\x1b[0m",
            "\x1b[1;34mrunning\x1b[0m",
            "\x1b[32msucceeded\x1b[0m",
            "\x1b[1;31mfailed\x1b[0m",
            "\x1b[35mcancelled\x1b[0m",
        ]
    )


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("epoch 4", "epoch 4"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b2J", "\\x9b2J"),
        ("right\u202eto left", "right\\u202eto left"),
        ("日本", "日本"),
    ],
)
def test_what_would_steer_a_terminal_is_spelled_out(text: str, safe: str) -> None:
    assert printable(text) == safe
