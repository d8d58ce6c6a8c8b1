"""What a call of the native API promises; the OpenAPI document is made of it."""

from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from farwork.domain.errors import DomainError
from farwork.protocol.queries import NoQuery
from farwork.service.access import Role

KEY = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method of one route.

    Where a body or an answer may be of several types, they stand in a tuple. `needs` None:
    everybody may. `answer` None: no body; with `answer_lines` it is NDJSON, one answer a line;
    with `answer_events` a stream of events, each with an answer as its data; with `answer_text`
    plain text. `lines`: the body may come as NDJSON, one value of this type a line; `form`: it is
    an HTML form. `refusals` are the domain errors that it may meet, beside those of every call.
    `versioned`: it answers with an `ETag`; `conditional`: it heeds `If-Match`.
    """

    id: str
    summary: str
    needs: Role | None
    answer: Any
    answer_lines: bool = False
    answer_events: bool = False
    answer_text: bool = False
    status: int = 200
    query: type[Struct] = NoQuery
    body: Any = None
    body_required: bool = True
    form: type[Struct] | None = None
    lines: Any = None
    example: Any = None
    answer_example: Any = None
    refusals: tuple[type[DomainError], ...] = ()
    other_answers: dict[int, Any] = field(default_factory=dict[int, Any])
    other_statuses: dict[int, str] = field(default_factory=dict[int, str])
    idempotent: bool = False
    versioned: bool = False
    conditional: bool = False
    paged: bool = False

    def __deepcopy__(self, _memo: object) -> "Call":
        """Itself: Litestar copies routers with all that their handlers carry."""
        return self


def described(call: Call) -> dict[str, Any]:
    """What a handler carries: `@get(..., opt=described(Call(...)))`."""
    return {KEY: call}
