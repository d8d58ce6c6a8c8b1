"""What a hook means is delivered, signed, in order for each task, until the receiver has it."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from dirty_equals import IsPartialDict

from farwork.domain.values import TaskState
from farwork.notifications import post as posting
from farwork.notifications.schedule import FAILURES_MAX, RETRIES_S
from farwork.protocol.hooks import CallbackIn, EventFilter, HookPatch, RedeliverIn, RotateIn
from farwork.protocol.tasks import TaskCreate
from farwork.service import hooks as keeping
from farwork.service.hooks import TooManyHooks
from farwork.service.tasks import Tasks
from farwork.storage import event_reader
from tests.hooks.conftest import Post
from tests.hooks.receiver import Receiver
from tests.support.ledgers import ADMIN

Play = Callable[[Callable[[Post], Awaitable[None]]], None]


def test_every_event_that_is_meant_comes_signed_and_in_order(
    play: Play, receiver: Receiver
) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver, filter=EventFilter(kinds=["train"]))
        for number in range(20):
            await post.report(f"t{number % 4}", kind="train", message=f"{number}")
            await post.report("other", kind="recon", message=f"{number}")
        await post.settle()
        page = await post.ledger.read(
            lambda c: event_reader.feed(c, "default", after=0, limit=1_000)
        )
        wanted = [event for event in page if event.kind == "train"]
        assert len(receiver.messages) == len(wanted) == 24
        assert all(one.is_signed for one in receiver.messages)
        for task in ("t0", "t1", "t2", "t3"):
            came = [m.data["id"] for m in receiver.messages if m.data["task_id"] == task]
            assert came == [event.position for event in wanted if event.task_id == task]
        rows = await post.delivered(hook)
        assert {(row.state, row.attempts) for row in rows} == {("delivered", 1)}
        assert (await post.row(hook)).position >= wanted[-1].position

    play(scene)


def test_a_message_has_the_form_of_the_standard(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver, token="t0ken")
        await post.report("a", state=TaskState.RUNNING)
        await post.settle()
        first, second = receiver.messages
        assert first.headers == IsPartialDict(
            {
                "content-type": "application/json",
                "authorization": "Bearer t0ken",
                "webhook-id": f"msg_{hook.id}_1",
            }
        )
        assert second.data["state"] == {"from": "created", "to": "running"}
        assert second.headers["webhook-id"] == f"msg_{hook.id}_2"

    play(scene)


def test_a_message_may_be_a_cloud_event(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver, format="cloudevents")
        await post.report("a")
        await post.settle()
        first = receiver.messages[0]
        assert first.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert json.loads(first.body) == IsPartialDict(
            {
                "specversion": "1.0",
                "id": f"msg_{hook.id}_1",
                "source": "/farwork/projects/default",
                "type": "farwork.task.registered",
                "subject": "a",
                "datacontenttype": "application/json",
                "data": first.data,
            }
        )
        assert first.is_signed

    play(scene)


@pytest.mark.parametrize("answer", [500, 404, 301, "close", "garbage"])
def test_what_fails_is_sent_again_and_later_events_of_the_task_wait(
    play: Play, receiver: Receiver, answer: int | str
) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver, filter=EventFilter(types=["task.reported"]))
        receiver.answers = [answer]
        receiver.headers = {"location": receiver.url}
        for number in range(3):
            await post.report("a", message=f"{number}")
        await post.settle()
        await post.report("b")
        await post.settle()
        assert [one.data["task_id"] for one in receiver.messages] == ["a", "b"]
        first, *waiting, _ = await post.delivered(hook)
        assert (first.state, [row.state for row in waiting]) == ("due", ["waiting", "waiting"])
        assert first.next_at - post.at[0] <= RETRIES_S[0] * 1_000_000
        receiver.headers = {}
        post.pass_time(RETRIES_S[0])
        await post.settle()
        reports = [m.data["report"].get("message") for m in receiver.messages]
        assert reports == ["0", None, "0", "1", "2"]
        assert {row.state for row in await post.delivered(hook)} == {"delivered"}

    play(scene)


def test_a_receiver_that_stalls_is_not_waited_for(
    play: Play, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "EXCHANGE_S_MAX", 0.2)

    async def scene(post: Post) -> None:
        hook = await post.hook(receiver)
        receiver.answers = ["stall"]
        await post.report("a")
        await post.settle()
        row = (await post.delivered(hook))[0]
        assert '"There was no answer in time."' in row.log

    play(scene)


def test_after_the_whole_schedule_a_delivery_has_failed_and_the_next_goes_on(
    play: Play, receiver: Receiver
) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver, filter=EventFilter(types=["task.reported"]))
        await post.report("a", message="poison")
        await post.report("a", message="fine")
        # One message that is refused again and again, while another is taken between.
        for turn, pause in enumerate([0, *RETRIES_S]):
            post.pass_time(pause)
            receiver.answers = [400]
            await post.settle()
            await post.report(f"other-{turn}")
            await post.settle()
        states = [(row.subject, row.state, row.attempts) for row in await post.delivered(hook)]
        assert states[:2] == [("a", "failed", 10), ("a", "delivered", 1)]
        # Opened again by hand, it is taken.
        assert await post.deliveries.all_again(ADMIN, hook.id, RedeliverIn()) == 1
        await post.settle()
        assert {row.state for row in await post.delivered(hook)} == {"delivered"}

    play(scene)


@pytest.mark.parametrize("as_date", [False, True])
def test_a_receiver_says_when_to_come_back(
    play: Play, receiver: Receiver, *, as_date: bool
) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver)
        receiver.answers = [429]
        then = datetime.fromtimestamp(post.at[0] / 1e6, UTC) + timedelta(seconds=900)
        receiver.headers = {"retry-after": format_datetime(then, usegmt=True) if as_date else "900"}
        await post.report("a", delivery_id="1")
        await post.settle()
        row = (await post.delivered(hook))[0]
        assert 890 < (row.next_at - post.at[0]) / 1e6 < 905

    play(scene)


def test_a_receiver_that_is_gone_is_sent_nothing_more(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver)
        receiver.answers = [410]
        await post.report("a")
        await post.report("b")
        await post.settle()
        now = await post.row(hook)
        assert (now.state, now.reason) == ("disabled", "gone")
        told = await post.ledger.read(lambda c: event_reader.feed(c, "default", after=0, limit=99))
        assert told[-1].type == "hook.disabled"
        assert told[-1].data == IsPartialDict({"hook_id": hook.id, "reason": "gone"})
        before = len(receiver.messages)
        post.pass_time(100_000)
        await post.settle()
        assert len(receiver.messages) == before
        # What happened meanwhile is told when somebody makes it active.
        await post.hooks.change(ADMIN, hook.id, HookPatch(state="active"), None)
        await post.settle()
        # The two tasks are told of side by side: either may have met the refusal.
        assert {("task.registered", "a"), ("task.registered", "b")} & {*receiver.told}

    play(scene)


def test_a_dead_endpoint_is_tried_now_and_then_and_its_owner_is_told(
    play: Play, receiver: Receiver
) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver, filter=EventFilter(types=["task.registered"]))
        receiver.answers = [500] * 100
        for number in range(20):
            await post.report(f"t{number}")
        await post.settle()
        opened = await post.row(hook)
        assert opened.failures >= FAILURES_MAX
        assert opened.probe_at is not None
        tried = len(receiver.messages)
        post.pass_time(35)
        await post.settle()
        assert len(receiver.messages) == tried + 1
        receiver.answers = []
        post.pass_time(3_700)
        await post.settle()
        assert (await post.row(hook)).probe_at is None
        assert sorted(task for _, task in receiver.told) == sorted(f"t{n}" for n in range(20))
        told = await post.ledger.read(lambda c: event_reader.feed(c, "default", after=0, limit=99))
        words = [event.type for event in told if event.type.startswith("hook.")]
        assert words == ["hook.failing", "hook.recovered"]

    play(scene)


def test_while_a_secret_changes_both_are_good(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver)
        _, fresh = await post.hooks.rotate(ADMIN, hook.id, RotateIn(keep_seconds=60))
        await post.report("a", delivery_id="1")
        await post.settle()
        old = receiver.secret
        receiver.secret = fresh
        await post.report("a", delivery_id="2")
        await post.settle()
        assert all(one.is_signed for one in receiver.messages)
        post.pass_time(61)
        await post.report("a", delivery_id="3")
        await post.settle()
        assert len(receiver.messages[-1].headers["webhook-signature"].split()) == 1
        receiver.secret = old

    play(scene)


def test_whoever_takes_over_goes_on_and_loses_nothing(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        await post.hook(receiver, filter=EventFilter(types=["task.reported"]))
        for number in range(6):
            await post.report(f"t{number % 2}", message=f"{number}")
        await post.sender.run_once()
        # The first one is never heard of again; what it had begun may come twice.
        gone = post.senders.pop(0)
        post.another_sender()
        await post.settle()
        await gone.close()
        for task in ("t0", "t1"):
            came = [m.data["id"] for m in receiver.messages if m.data["task_id"] == task]
            assert sorted(set(came)) == list(dict.fromkeys(came))
            assert len(set(came)) == 3

    play(scene)


def test_a_range_is_delivered_again_with_the_ids_it_had(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        hook = await post.hook(receiver, filter=EventFilter(types=["task.reported"]))
        for number in range(4):
            await post.report("a", message=f"{number}")
        await post.settle()
        rows = await post.delivered(hook)
        said = RedeliverIn(states=["delivered"], after=rows[0].position, until=rows[2].position)
        assert await post.deliveries.all_again(ADMIN, hook.id, said) == 2
        await post.settle()
        ids = [one.headers["webhook-id"] for one in receiver.messages]
        assert ids[4:] == ids[1:3]

    play(scene)


def test_a_hook_may_begin_in_the_past(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        await post.report("before")
        await post.hook(receiver, after=0)
        await post.settle()
        assert ("task.registered", "before") in receiver.told

    play(scene)


def test_a_task_brings_its_own_callback(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        said = CallbackIn(url=receiver.url, secret=receiver.secret, token="for-this-task")
        wanted = [TaskCreate(id="mine", callback=said), TaskCreate(id="other")]
        await Tasks(post.ledger).create(ADMIN, wanted)
        for task_id in ("mine", "other"):
            await post.report(task_id, state=TaskState.RUNNING)
            await post.report(task_id, state=TaskState.SUCCEEDED, result={"loss": 1})
            await post.report(task_id, state=TaskState.SUCCEEDED, result={"loss": 2})
        await post.settle()
        (message,) = receiver.messages
        assert message.is_signed
        assert message.headers["authorization"] == "Bearer for-this-task"
        assert (message.data["task_id"], message.data["state"]["to"]) == ("mine", "succeeded")
        (hook,) = await post.hooks.of_task(ADMIN, "mine")
        assert [row.state for row in await post.delivered(hook)] == ["delivered"]
        assert await post.hooks.of_task(ADMIN, "other") == []
        assert await post.hooks.page(ADMIN, after="", limit=10) == ([], None)

    play(scene)


def test_callbacks_go_on_where_they_were_after_a_restart(play: Play, receiver: Receiver) -> None:
    async def scene(post: Post) -> None:
        said = CallbackIn(url=receiver.url, token="t", on="all")
        await Tasks(post.ledger).create(ADMIN, [TaskCreate(id="a", callback=said)])
        await post.settle()
        await post.senders.pop().close()
        await post.report("a", state=TaskState.RUNNING)
        post.another_sender()
        await post.settle()
        assert receiver.told == [("task.created", "a"), ("task.reported", "a")]
        assert not receiver.messages[0].is_signed

    play(scene)


def test_a_project_has_no_more_hooks_than_it_may(
    play: Play, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "HOOKS_MAX", 2)

    async def scene(post: Post) -> None:
        first = await post.hook(receiver)
        await post.hook(receiver)
        with pytest.raises(TooManyHooks):
            await post.hook(receiver)
        await post.hooks.remove(ADMIN, first.id, None)
        await post.hook(receiver)

    play(scene)
