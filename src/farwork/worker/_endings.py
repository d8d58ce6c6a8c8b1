"""What an attempt ended with, in the words of the protocol."""

from typing import Any, Literal

from farwork import clock
from farwork.domain.values import moment
from farwork.protocol.leases import Completed, Failed
from farwork.protocol.reports import ErrorIn
from farwork.worker._context import Context, NotRetryable
from farwork.worker._faults import text_of, trace_of
from farwork.worker._process import Crashed
from farwork.worker._unsaid import as_json

State = Literal["succeeded", "cancelled"]


def completed(context: Context, result: Any, state: State = "succeeded") -> Completed:
    """The end of an attempt with this result. Raises `TypeError` if the result is no JSON value."""
    told = as_json("What the function returned", result)
    end = Completed(**_shared(context), state=state)
    if told is not None:
        end.result = told
    return end


def failed(
    context: Context, error: BaseException, *, retryable: bool, attempts_max: int | None = None
) -> Failed:
    """The end of an attempt that raised this."""
    category = getattr(error, "category", None) or type(error).__name__
    return Failed(
        **_shared(context),
        error=ErrorIn(str(category)[:255], text_of(error), _details(error)),
        retryable=retryable,
        attempts_max=attempts_max,
    )


def _details(error: BaseException) -> dict[str, Any] | None:
    if isinstance(error, Crashed):
        return error.details
    if isinstance(error, NotRetryable):
        return None
    return {"traceback": trace_of(error)}


def _shared(context: Context) -> dict[str, Any]:
    claimed = context.claimed
    said, results = context.last_words()
    return {
        "task_id": claimed.task.id,
        "lease_seq": claimed.lease_seq,
        "attempt": claimed.attempt,
        "occurred_at": moment(clock.now()),
        "message": said.message,
        "metadata": said.metadata or None,
        "results": results,
    }
