"""How many tasks came and ended over time, on the wire."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

SECONDS_MAX = 31 * 86_400


class PaceQuery(Struct, forbid_unknown_fields=True):
    """How far back, and in how many steps."""

    seconds: Annotated[int, Meta(ge=60, le=SECONDS_MAX, description="How far back.")] = 21_600
    steps: Annotated[int, Meta(ge=1, le=500, description="How many steps.")] = 72


class Pace(Struct):
    """Numbers per step, the oldest first; the last step ends now."""

    since: datetime
    step_seconds: float
    complete_since: Annotated[datetime, Meta(description="Before this, numbers may be short.")]
    created: list[int]
    succeeded: list[int]
    failed: list[int]
    cancelled: list[int]
