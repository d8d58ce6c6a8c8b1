"""The ordinary service: FastAPI, a pydantic model, the SQLAlchemy ORM, a commit for each request.

It is written as its frameworks' manuals teach: a plain function for an endpoint, which the
framework runs on its threads, a session as a dependency, and the durable settings that the product
has too (SQLite in WAL mode, synchronous=FULL). It keeps the task's row and appends one event.
It has no key check, no deduplication and no counters, so it does less than the product.
Serve `bench.references.orm_fastapi:app`; `ORM_REFERENCE_FILE` names its database.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, ForeignKey, String, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    sessionmaker,
)

Name = Annotated[str, Field(min_length=1, max_length=255)]
Percent = Annotated[float, Field(ge=0, le=100)]
State = Literal["created", "blocked", "queued", "running", "succeeded", "failed", "cancelled"]


class Progress(BaseModel):
    """How far the work is."""

    model_config = ConfigDict(extra="forbid")
    percent: Percent
    message: str | None = None


class Failure(BaseModel):
    """Why the work failed."""

    model_config = ConfigDict(extra="forbid")
    category: Name
    message: str
    details: Any = None


class Report(BaseModel):
    """A statement from outside about a task."""

    model_config = ConfigDict(extra="forbid")
    task_id: Name
    source: Name | None = None
    delivery_id: Name | None = None
    occurred_at: datetime | None = None
    attempt: Annotated[int, Field(ge=1)] | None = None
    state: State | None = None
    reason: Name | None = None
    reported_status: Name | None = None
    progress: Percent | Progress | None = None
    message: str | None = None
    error: Failure | None = None
    metadata: dict[str, Any] | None = None
    result: Any = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    kind: Name | None = None
    name: Name | None = None
    queue: Name | None = None
    labels: dict[Name, str] | None = None


class Receipt(BaseModel):
    """What became of a report."""

    task_id: str
    verdict: str
    reason: str | None
    event_id: str
    state: str
    version: int


class Base(DeclarativeBase):
    """The tables of this service."""


class TaskRow(Base):
    """A task as its latest report left it."""

    __tablename__ = "task"
    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str | None] = mapped_column()
    queue: Mapped[str | None] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(index=True)
    reported_status: Mapped[str | None] = mapped_column()
    percent: Mapped[float | None] = mapped_column()
    message: Mapped[str | None] = mapped_column()
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    updated_at: Mapped[datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=0)


class EventRow(Base):
    """One report, as it came."""

    __tablename__ = "event"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("task.id"), index=True)
    source: Mapped[str | None] = mapped_column()
    delivery_id: Mapped[str | None] = mapped_column()
    occurred_at: Mapped[datetime | None] = mapped_column()
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    task: Mapped[TaskRow] = relationship()


engine = create_engine(
    f"sqlite:///{os.environ['ORM_REFERENCE_FILE']}",
    pool_size=int(os.environ.get("ORM_REFERENCE_CONNECTIONS", "1")),
    max_overflow=0,
    pool_timeout=60,
    connect_args={"timeout": 60, "check_same_thread": False, "isolation_level": None},
)


@event.listens_for(engine, "connect")
def set_durable(connection: Any, _record: object) -> None:
    """Sets WAL and a flush at each commit."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


@event.listens_for(engine, "begin")
def begin_as_writer(connection: Connection) -> None:
    """Takes the write lock first: a transaction that reads and then writes would fail otherwise."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


Base.metadata.create_all(engine)
# Reading a row again after the commit would hold a connection until the session closes, and closing
# needs one of the threads that wait for connections: under load the service would stand still.
make_session = sessionmaker(engine, expire_on_commit=False)
app = FastAPI(openapi_url=None)


def session_of_request() -> Iterator[Session]:
    """Gives each request a session of its own."""
    with make_session() as session:
        yield session


@app.post("/v1/reports")
def take_report(
    report: Report, session: Annotated[Session, Depends(session_of_request)]
) -> Receipt:
    """Writes the report down and answers after the commit."""
    task = session.get(TaskRow, report.task_id)
    if task is None:
        task = TaskRow(id=report.task_id, state="created", details={}, version=0)
        session.add(task)
    _apply(report, task)
    entry = EventRow(
        id=str(uuid4()),
        task=task,
        source=report.source,
        delivery_id=report.delivery_id,
        occurred_at=report.occurred_at,
        body=report.model_dump(mode="json", exclude_unset=True),
    )
    session.add(entry)
    session.commit()
    return Receipt(
        task_id=task.id,
        verdict="applied",
        reason=None,
        event_id=entry.id,
        state=task.state,
        version=task.version,
    )


@app.get("/readyz")
def ready() -> str:
    """Answers as soon as the server listens."""
    return "ready"


def _apply(report: Report, task: TaskRow) -> None:
    task.kind = report.kind or task.kind
    task.queue = report.queue or task.queue
    task.state = report.state or task.state
    task.reported_status = report.reported_status or task.reported_status
    if isinstance(report.progress, Progress):
        task.percent, task.message = report.progress.percent, report.progress.message
    elif report.progress is not None:
        task.percent = report.progress
    task.details = {**task.details, **(report.metadata or {})}
    task.updated_at = report.occurred_at
    task.version += 1
