"""Why a command was not carried out.

    DomainError
    +-- NotFound                    404
    |   +-- TaskNotFound
    |   +-- JobNotFound
    |   +-- NothingToAdopt
    |   +-- ProjectNotFound
    |   +-- ShardNotFound
    +-- Refused                     409
    |   +-- TaskExists
    |   +-- JobExists
    |   +-- TaskIsFinal
    |   +-- TaskNotFinal
    |   +-- TaskAlreadySubmitted
    |   +-- InputsFormACycle
    |   +-- JobNotEmpty
    |   +-- ProjectExists
    |   +-- TaskNotReady
    |   +-- LeaseSuperseded
    |   +-- ShardExists
    |   +-- ShardIsFinal
    |   +-- ShardNotFinal
    |   +-- ShardsIncomplete
    |   +-- TaskUnderHold
    +-- VersionMismatch             412
    +-- Unprocessable               422
        +-- InputNotFound
        +-- IdempotencyKeyReused
        +-- TimeOutOfRange
        +-- NestedTooDeeply
        +-- JobParentNotFound
        +-- JobsTooDeep

The class docstring is the public title; `code` is stable; `detail` says what was wrong and what
would be right.
"""

from typing import ClassVar


class DomainError(Exception):
    """The command was not carried out."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFound(DomainError):
    """There is no such thing."""

    code = "not_found"


class TaskNotFound(NotFound):
    """There is no such task."""

    code = "task_not_found"

    @classmethod
    def of(cls, task_id: str) -> "TaskNotFound":
        """Names the id that was asked for."""
        return cls(f"There is no task {task_id!r} in this project.")


class JobNotFound(NotFound):
    """There is no such job."""

    code = "job_not_found"

    @classmethod
    def of(cls, job_id: str) -> "JobNotFound":
        """Names the id that was asked for."""
        return cls(f"There is no job {job_id!r} in this project.")


class NothingToAdopt(NotFound):
    """The task has no late result."""

    code = "nothing_to_adopt"


class ProjectNotFound(NotFound):
    """There is no such project."""

    code = "project_not_found"

    @classmethod
    def of(cls, project: str) -> "ProjectNotFound":
        """Names the id that was asked for."""
        return cls(f"There is no project {project!r}, or it is not yours to see.")


class ShardNotFound(NotFound):
    """The task has no such shard."""

    code = "shard_not_found"

    @classmethod
    def of(cls, task_id: str, index: int) -> "ShardNotFound":
        """Names the shard that was asked for."""
        return cls(f"The task {task_id!r} has no shard {index}.")


class Refused(DomainError):
    """The task does not allow this."""

    code = "refused"


class TaskExists(Refused):
    """A task with this id exists."""

    code = "task_exists"


class JobExists(Refused):
    """A job with this id exists."""

    code = "job_exists"


class TaskIsFinal(Refused):
    """The task has ended."""

    code = "task_is_final"


class TaskNotFinal(Refused):
    """The task has not ended."""

    code = "task_not_final"


class TaskAlreadySubmitted(Refused):
    """The task has been submitted."""

    code = "task_already_submitted"


class InputsFormACycle(Refused):
    """The inputs lead back to the task."""

    code = "inputs_form_a_cycle"


class JobNotEmpty(Refused):
    """The job holds tasks or other jobs."""

    code = "job_not_empty"


class ProjectExists(Refused):
    """A project with this id exists."""

    code = "project_exists"


class TaskNotReady(Refused):
    """The task cannot be claimed."""

    code = "task_not_ready"


class LeaseSuperseded(Refused):
    """The lease is not the present one."""

    code = "lease_superseded"

    def __init__(self, detail: str, lease_seq: int = 0) -> None:
        super().__init__(detail)
        self.lease_seq = lease_seq

    @classmethod
    def of(cls, task_id: str, given: int, present: int) -> "LeaseSuperseded":
        """Names the number that was given and the present one."""
        than = "" if given == present else f"; the present number is {present}"
        return cls(f"The lease {given} of task {task_id!r} is over{than}.", present)


class ShardExists(Refused):
    """A shard with this index exists."""

    code = "shard_exists"


class ShardIsFinal(Refused):
    """The shard has ended."""

    code = "shard_is_final"


class ShardNotFinal(Refused):
    """The shard has not ended without success."""

    code = "shard_not_final"


class ShardsIncomplete(Refused):
    """The task's shards do not make a success."""

    code = "shards_incomplete"


class TaskUnderHold(Refused):
    """The task is under a legal hold."""

    code = "task_under_hold"

    @classmethod
    def of(cls, task_id: str, why: str) -> "TaskUnderHold":
        """Says why it is held."""
        return cls(f"The task {task_id!r} is kept while a legal hold is on it ({why}).")


class VersionMismatch(DomainError):
    """The record has changed since it was read."""

    code = "version_mismatch"


class Unprocessable(DomainError):
    """The request is well-formed but cannot be carried out."""

    code = "unprocessable"


class InputNotFound(Unprocessable):
    """An input names a task that does not exist."""

    code = "input_not_found"


class IdempotencyKeyReused(Unprocessable):
    """The Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"


class TimeOutOfRange(Unprocessable):
    """A time lies outside of the years 1 to 9999."""

    code = "time_out_of_range"


class NestedTooDeeply(Unprocessable):
    """A value is nested too deeply."""

    code = "nested_too_deeply"


class JobParentNotFound(Unprocessable):
    """The job cannot stand in that job."""

    code = "job_parent_not_found"


class JobsTooDeep(Unprocessable):
    """Jobs would stand too deep inside each other."""

    code = "jobs_too_deep"
