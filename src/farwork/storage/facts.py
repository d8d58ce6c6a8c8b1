"""Facts as the log keeps them: JSON text, whose shape follows from the type of the event."""

import msgspec

from farwork.domain.events import EventType
from farwork.domain.facts import (
    Adopted,
    CancelAsked,
    Cancelled,
    Claimed,
    Due,
    Fact,
    Found,
    Held,
    Inferred,
    Lost,
    Opened,
    Retried,
    ShardCancelled,
    ShardRetried,
    ShardsAdded,
    Submitted,
    Unblocked,
)
from farwork.domain.reports import Report
from farwork.protocol import reports as wire
from farwork.storage.json import encode_text

_DECODERS: dict[str, msgspec.json.Decoder[Fact]] = {
    EventType.TASK_CREATED: msgspec.json.Decoder(Opened),
    EventType.TASK_REGISTERED: msgspec.json.Decoder(Opened),
    EventType.TASK_IMPORTED: msgspec.json.Decoder(Opened),
    EventType.TASK_RETRIED: msgspec.json.Decoder(Retried),
    EventType.TASK_SUBMITTED: msgspec.json.Decoder(Submitted),
    EventType.TASK_UNBLOCKED: msgspec.json.Decoder(Unblocked),
    EventType.TASK_HELD: msgspec.json.Decoder(Held),
    EventType.TASK_CANCELLED: msgspec.json.Decoder(Cancelled),
    EventType.TASK_EXPIRED: msgspec.json.Decoder(Inferred),
    EventType.TASK_ADOPTED: msgspec.json.Decoder(Adopted),
    EventType.TASK_READY: msgspec.json.Decoder(Due),
    EventType.TASK_CLAIMED: msgspec.json.Decoder(Claimed),
    EventType.TASK_HANDED_BACK: msgspec.json.Decoder(Retried),
    EventType.TASK_LOST: msgspec.json.Decoder(Lost),
    EventType.TASK_FOUND: msgspec.json.Decoder(Found),
    EventType.TASK_CANCEL_REQUESTED: msgspec.json.Decoder(CancelAsked),
    EventType.TASK_CANCEL_DELIVERED: msgspec.json.Decoder(CancelAsked),
    EventType.TASK_CANCEL_REFUSED: msgspec.json.Decoder(CancelAsked),
    EventType.TASK_SHARDS_ADDED: msgspec.json.Decoder(ShardsAdded),
    EventType.TASK_SHARD_RETRIED: msgspec.json.Decoder(ShardRetried),
    EventType.TASK_SHARD_CANCELLED: msgspec.json.Decoder(ShardCancelled),
}


def fact_text(fact: Fact, encoded: bytes | None) -> str:
    """The text of a fact; `encoded` is that of a report, which came with it."""
    if isinstance(fact, Report):
        assert encoded is not None
        return encoded.decode()
    return encode_text(fact)


def fact_of(event_type: str, mark: str, text: str) -> Fact:
    """The fact that an event of this type keeps as this text."""
    if event_type == EventType.TASK_REPORTED:
        return report_of(mark, text)
    return _DECODERS[event_type].decode(text)


def report_of(mark: str, text: str) -> Report:
    """The report that an event keeps as this text."""
    return wire.report_from(wire.decoder.decode(text), mark=mark)
