"""Errors on the wire: RFC 9457 problem details."""

from typing import Annotated

from msgspec import Meta, Struct, field


class FieldProblem(Struct):
    """One thing that is wrong with a request: where, and what would be right.

    `pointer` is a JSON pointer into the body, or `query:<name>`, `header:<name>`, `path:<name>`.
    """

    pointer: str
    detail: str


class Problem(Struct, omit_defaults=True):
    """What went wrong: `code` for programs, `title` and `detail` for people."""

    title: str
    status: int
    code: Annotated[str, Meta(description="Stable; what a program should look at.")]
    detail: str | None = None
    type: str = "about:blank"
    errors: list[FieldProblem] = []
    violated_policies: Annotated[
        list[str] | None, Meta(description="The rate limits that were reached.")
    ] = field(default=None, name="violated-policies")
