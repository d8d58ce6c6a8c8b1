"""A file that everyone edits and a function that nobody can hold in mind start small."""

import ast

from tests.support.repository import python_files, shown, syntax, written_files

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
# Made by asking the program for its help.
MADE = {"docs/cli.md"}


def test_no_file_is_longer_than_500_lines() -> None:
    long = {
        shown(path): lines
        for path in written_files()
        if shown(path) not in MADE
        if (lines := len(path.read_text().splitlines())) > FILE_LINES_MAX
    }
    assert long == {}


def test_no_function_is_longer_than_70_lines() -> None:
    long = {
        f"{shown(path)}:{function.lineno} {function.name}": lines
        for path in python_files()
        for function in ast.walk(syntax(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := lines_of(function)) > FUNCTION_LINES_MAX
    }
    assert long == {}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The body without its docstring: promises and options may take the lines they need."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.body[0].lineno + 1
    match function.body[0]:
        case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=int(last)):
            return lines - (last - first + 1)
        case _:
            return lines
