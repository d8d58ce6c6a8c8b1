"""What the doctor looks for in what a server does by itself: upkeep, and webhooks."""

from sqlalchemy import Engine

from farwork import clock
from farwork.cli.findings import Finding, Findings, bad, good, note
from farwork.storage import standing
from farwork.storage.engine import is_postgresql

SECOND_US = 1_000_000
OVERDUE_NOTED_S = 5.0
OVERDUE_S_MAX = 60.0
LAG_NOTED = 1_000
LAG_MAX = 50_000
SHOWN_MAX = 5


def findings(engine: Engine, *, is_served: bool) -> Findings:
    """Does somebody lead, is everything done in time, do webhooks arrive?

    Where nobody serves the database, nothing is overdue through a fault of its own.
    """
    with engine.connect() as connection:
        now = clock.now()
        leading = standing.leader_until(connection, "upkeep")
        overdue_s = standing.overdue_us(connection, now) / SECOND_US
        hooks = standing.hooks(connection)
        sends = standing.leader_until(connection, "hooks")
        shared = is_postgresql(connection)
    if not is_served:
        return
    if shared:
        yield _leader("upkeep", leading is not None and leading > now)
    yield _upkeep(overdue_s)
    yield from _hooks(hooks)
    if shared and any(hook.lag for hook in hooks) and not (sends and sends > now):
        yield bad(
            "webhooks",
            "No process sends them.",
            "A server takes the duty within seconds of its start: look at its log.",
        )


def _leader(check: str, leads: bool) -> Finding:  # noqa: FBT001 - it is what the finding says
    if leads:
        return good(check, "One of the processes leads.")
    return bad(
        check,
        "No process leads: leases do not run out, and limits are not kept.",
        "A server takes the lead within seconds of its start: look at its log.",
    )


def _upkeep(overdue_s: float) -> Finding:
    if overdue_s <= OVERDUE_NOTED_S:
        return good("upkeep", "Leases and limits are looked at in time.")
    detail = f"A lease or a limit ran out {overdue_s:.0f} s ago, and nothing followed."
    said = bad if overdue_s > OVERDUE_S_MAX else note
    return said("upkeep", detail, "Look for 'upkeep' in the log, and at the machine's load.")


def _hooks(hooks: list[standing.HookStanding]) -> Findings:
    troubled = [hook for hook in hooks if hook.is_failing or hook.lag > LAG_NOTED]
    if not troubled:
        yield good("webhooks", f"{len(hooks)} hooks, none failing and none behind.")
        return
    for hook in troubled[:SHOWN_MAX]:
        where = f"{hook.id} ({hook.project}, {hook.url})"
        if hook.is_failing:
            yield bad(
                "webhooks",
                f"{where} is not taken by its receiver: {hook.last_error or hook.reason}",
                "Mend the receiver; what is due is sent by itself. What had failed is sent again "
                f"by 'farwork hooks redeliver {hook.id}', and a disabled hook is to be enabled.",
            )
        else:
            said = bad if hook.lag > LAG_MAX else note
            yield said(
                "webhooks",
                f"{where} is {hook.lag} events behind the feed.",
                "Narrow its filter, or find out what keeps the process that sends busy.",
            )
    if len(troubled) > SHOWN_MAX:
        yield note("webhooks", f"{len(troubled) - SHOWN_MAX} more are failing or behind.")
