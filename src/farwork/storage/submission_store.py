"""Submissions in their table: what was handed, or is about to be, to an outside platform."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, select, update

from farwork.domain.errors import LeaseSuperseded, TaskNotFound
from farwork.domain.values import Instant
from farwork.storage import tables as t

_s = t.submissions.c
_AT_ONCE = 500


@dataclass(slots=True)
class Submission:
    """One submission of a task (or of a shard of it) to a platform."""

    task_id: str
    platform: str
    part: str
    token: str
    shard: int | None
    attempt: int
    external_ref: str | None
    created_at: Instant
    updated_at: Instant


@dataclass(slots=True, frozen=True)
class Intent:
    """What the holder of a lease wants to hand to a platform or, with its id there, has."""

    project: str
    task_id: str
    lease_seq: int
    platform: str
    part: str
    shard: int | None
    external_ref: str | None
    anew: bool = False


def token_of(intent: Intent, since: int) -> str:
    """The token of a submission: the same for whoever tries to make it, from an attempt on."""
    said = (intent.project, intent.task_id, intent.platform, intent.part, since)
    return f"fw-{blake2b(repr(said).encode(), digest_size=16).hexdigest()}"


def note(connection: Connection, intent: Intent, now: Instant) -> Submission:
    """Keep an intent, or the id that the platform gave; what is known already stays.

    Raises `TaskNotFound`, and `LeaseSuperseded` unless the lease is the present one.
    """
    task = _held(connection, intent)
    key = f"{intent.platform}\x1f{intent.part}"
    mine = (_s.task_pk == task.pk, _s.key == key)
    before = connection.execute(select(t.submissions).where(*mine)).one_or_none()
    fresh = token_of(intent, task.attempt)
    changed: dict[str, Any] = {"updated_at": now, "attempt": task.attempt}
    if intent.external_ref is not None:
        changed |= {"external_ref": intent.external_ref, "state": "submitted"}
    if before is None:
        made = {"external_ref": None, "state": "intended", **changed}
        connection.execute(
            t.submissions.insert().values(
                task_pk=task.pk,
                key=key,
                project=intent.project,
                platform=intent.platform,
                token=fresh,
                shard=intent.shard,
                created_at=now,
                **made,
            )
        )
    else:
        # Asked again by the same attempt, it is the one that was made anew.
        if intent.anew and before.token != fresh:
            changed = {"token": fresh, "external_ref": None, "state": "intended", **changed}
        connection.execute(update(t.submissions).where(*mine).values(**changed))
    row = connection.execute(select(t.submissions).where(*mine)).one()
    return _submission(intent.task_id, row)


def _held(connection: Connection, intent: Intent) -> Any:
    c = t.tasks.c
    task = connection.execute(
        select(c.pk, c.attempt, c.lease_seq, c.worker)
        .where(c.project == intent.project, c.id == intent.task_id)
        .with_for_update()
    ).one_or_none()
    if task is None:
        raise TaskNotFound.of(intent.task_id)
    if task.worker is None or task.lease_seq != intent.lease_seq:
        raise LeaseSuperseded.of(intent.task_id, intent.lease_seq, task.lease_seq)
    return task


def known(
    connection: Connection,
    project: str,
    platform: str,
    refs: Collection[str],
    tokens: Collection[str],
) -> tuple[dict[str, Submission], dict[str, Submission]]:
    """The submissions to a platform by its ids, and by our tokens, of those that are asked for."""
    by_ref = _find(connection, project, platform, "external_ref", list(refs))
    by_token = _find(connection, project, platform, "token", list(tokens))
    return by_ref, by_token


def attach(
    connection: Connection, project: str, platform: str, refs: Mapping[str, str], now: Instant
) -> None:
    """Keep the ids that a platform gave, by our tokens, where none is known."""
    for token, ref in sorted(refs.items()):
        connection.execute(
            update(t.submissions)
            .where(
                _s.project == project,
                _s.platform == platform,
                _s.token == token,
                _s.external_ref.is_(None),
            )
            .values(external_ref=ref, state="submitted", updated_at=now)
        )


def _find(
    connection: Connection, project: str, platform: str, name: str, wanted: list[str]
) -> dict[str, Submission]:
    found: dict[str, Submission] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        rows = connection.execute(
            select(t.submissions, t.tasks.c.id)
            .join(t.tasks, t.tasks.c.pk == _s.task_pk)
            .where(
                _s.project == project,
                _s.platform == platform,
                _s[name].in_(wanted[start : start + _AT_ONCE]),
            )
        )
        for row in rows:
            found[getattr(row, name)] = _submission(row.id, row)
    return found


def _submission(task_id: str, row: Any) -> Submission:
    return Submission(
        task_id,
        row.platform,
        row.key.partition("\x1f")[2],
        row.token,
        row.shard,
        row.attempt,
        row.external_ref,
        row.created_at,
        row.updated_at,
    )
