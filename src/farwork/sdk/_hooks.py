"""The calls about outgoing webhooks, as flows."""

from urllib.parse import quote

import msgspec

from farwork.protocol.hooks import (
    AttemptMade,
    DeliveryOut,
    DeliveryPage,
    EventFilter,
    Format,
    HookCreate,
    HookCreated,
    HookDetail,
    HookOut,
    HookPage,
    HookPatch,
    Redelivered,
    RedeliverIn,
    RotateIn,
)
from farwork.sdk._flow import Flow, Request, Stream, ask, pages, parameters, post, tell

# A test message may take as long as the server waits for an answer.
TEST_WAIT_S = 20.0


def _path(hook_id: str) -> str:
    return f"/v1/hooks/{quote(hook_id, safe='')}"


def create_hook(  # noqa: PLR0913 - what a hook may be given
    url: str,
    *,
    name: str | None = None,
    wanted: EventFilter | None = None,
    format: Format = "json",  # noqa: A002 - its name in the API
    secret: str | None = None,
    token: str | None = None,
    after: int | None = None,
) -> Flow[HookCreated]:
    """Make a hook. Its secret is in the answer, this once."""
    said = HookCreate(
        url=url,
        name=name,
        filter=wanted or EventFilter(),
        format=format,
        secret=secret,
        token=token,
        after=after,
    )
    return ask(_once("/v1/hooks", said), HookCreated)


def list_hooks(*, limit: int | None = None) -> Stream[HookOut]:
    """The project's hooks, oldest first."""
    return pages("/v1/hooks", HookPage, (), limit)


def get_hook(hook_id: str) -> Flow[HookDetail]:
    """A hook, how sending goes, and how many deliveries are in which state."""
    return ask(Request("GET", _path(hook_id)), HookDetail)


def change_hook(hook_id: str, change: HookPatch) -> Flow[HookOut]:
    """Change a hook."""
    body = msgspec.json.encode(change)
    return ask(Request("PATCH", _path(hook_id), body=body), HookOut)


def delete_hook(hook_id: str) -> Flow[None]:
    """Remove a hook."""
    return tell(Request("DELETE", _path(hook_id)))


def rotate_hook_secret(hook_id: str, *, keep_seconds: int = 86_400) -> Flow[HookCreated]:
    """Give a hook another secret, shown this once; for so long the old one signs too."""
    return ask(_once(f"{_path(hook_id)}/rotate", RotateIn(keep_seconds)), HookCreated)


def try_hook(hook_id: str) -> Flow[AttemptMade]:
    """Send a test message at once, and tell what became of it."""
    return ask(Request("POST", f"{_path(hook_id)}/test", wait_s=TEST_WAIT_S), AttemptMade)


def list_deliveries(
    hook_id: str, *, states: list[str] | None = None, limit: int | None = None
) -> Stream[DeliveryOut]:
    """What a hook was sent and is yet to be sent, latest first."""
    return pages(f"{_path(hook_id)}/deliveries", DeliveryPage, parameters(state=states), limit)


def redeliver(hook_id: str, delivery_id: int) -> Flow[DeliveryOut]:
    """Make one delivery again."""
    return ask(post(f"{_path(hook_id)}/deliveries/{delivery_id}/redeliver", {}), DeliveryOut)


def redeliver_many(hook_id: str, wanted: RedeliverIn) -> Flow[Redelivered]:
    """Make many deliveries again."""
    return ask(post(f"{_path(hook_id)}/redeliver", wanted), Redelivered)


def _once(path: str, said: object) -> Request:
    """A POST that must not be sent twice: what it makes is a secret that is shown once."""
    return Request("POST", path, body=msgspec.json.encode(said))
