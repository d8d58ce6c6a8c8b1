"""The lossy relay: whatever it does to the messages, what it took arrives."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random  # noqa: TID251 - seeded dice, handed to the relay
from typing import NamedTuple

import httpx
import pytest

from examples.digits.relay import ODDS, Fate, Message, Relay, Tally
from tests.examples.receiver import Reaction, Receiver

RELAY = Path(__file__).parents[2] / "examples" / "digits" / "relay.py"
FOR_EVER = 3600.0
EVENT = b'{"task_id": "digits-7", "progress": 1}'
NEXT_EVENT = b'{"task_id": "digits-7", "progress": 2}'


def dice(seed: int = 0) -> Random:
    return Random(seed)  # noqa: S311 - dice, not secrets


class Street(NamedTuple):
    """A relay that listens, and a client of it."""

    relay: Relay
    sender: httpx.AsyncClient

    async def post(self, body: bytes = EVENT) -> int:
        return (await self.sender.post("/hook", content=body)).status_code


async def insist(sender: httpx.AsyncClient, bodies: list[bytes]) -> None:
    """Does what every sender does, for all at once: posts until the answer is 2xx."""

    async def insist_on(body: bytes) -> None:
        while True:
            with suppress(httpx.TransportError):
                if (await sender.post("/hook", content=body)).is_success:
                    return

    await asyncio.gather(*map(insist_on, bodies))


@asynccontextmanager
async def street_to(
    url: str,
    odds: Mapping[Fate, float] = ODDS,
    *,
    fated_by: Random | None = None,
    hold_seconds_max: float = 0.05,
    patience_seconds: float = 5.0,
) -> AsyncGenerator[Street]:
    async with httpx.AsyncClient(base_url=url) as server:
        relay = Relay(server, dice=fated_by or dice(), odds=odds, hold_seconds_max=hold_seconds_max)
        async with relay.listening() as port:
            address = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=address, timeout=patience_seconds) as sender:
                yield Street(relay, sender)


class ScriptedDelays(Random):
    """Dice whose delays are known beforehand."""

    def __init__(self, *delays: float) -> None:
        super().__init__(0)
        self._delays = iter(delays)

    def uniform(self, a: float, b: float) -> float:
        delay = next(self._delays)
        assert a <= delay <= b
        return delay


@pytest.mark.parametrize("seed", range(16))
def test_everything_that_senders_insist_on_arrives_at_least_once(seed: int) -> None:
    events = [
        json.dumps({"task_id": f"digits-{task}", "progress": step}).encode()
        for step in range(12)
        for task in range(4)
    ]

    async def scenario(receiver: Receiver) -> Relay:
        async with street_to(receiver.url, fated_by=dice(seed), patience_seconds=0.3) as street:
            await insist(street.sender, events)
        return street.relay

    with Receiver() as receiver:
        tally = asyncio.run(scenario(receiver)).tally

    assert set(receiver.bodies) == set(events)
    assert tally.delivered == len(receiver.bodies)
    assert tally.repeated == len(receiver.bodies) - len(events)
    assert tally.repeated > 0
    assert tally.overtaken > 0
    assert (tally.refused, tally.undelivered) == (0, 0)


@pytest.mark.parametrize("fate", [Fate.CUT_OFF, Fate.STALL, Fate.REFUSE])
def test_what_the_relay_loses_it_never_says_it_took(fate: Fate) -> None:
    async def scenario(receiver: Receiver) -> None:
        async with street_to(receiver.url, {fate: 1}, patience_seconds=0.1) as street:
            try:
                assert await street.post() == 503
            except httpx.TransportError:
                assert fate is not Fate.REFUSE

    with Receiver() as receiver:
        asyncio.run(scenario(receiver))
    assert receiver.posts == []


def test_a_lost_answer_leaves_the_sender_in_doubt_about_what_the_server_has() -> None:
    async def scenario(receiver: Receiver) -> None:
        async with street_to(receiver.url, {Fate.LOSE_ANSWER: 1}) as street:
            with pytest.raises(httpx.RemoteProtocolError):
                await street.post()

    with Receiver() as receiver:
        asyncio.run(scenario(receiver))
    assert receiver.bodies == [EVENT]


def test_a_passed_message_is_the_senders_own_and_so_is_the_answer() -> None:
    async def scenario(receiver: Receiver) -> None:
        async with street_to(receiver.url, {Fate.PASS: 1}) as street:
            answer = await street.sender.post(
                "/hook?a=b", content=EVENT, headers={"Authorization": "Bearer fw_key"}
            )
            assert (answer.status_code, answer.content) == (422, b"{}")

    with Receiver([Reaction.REFUSE_FOR_GOOD]) as receiver:
        asyncio.run(scenario(receiver))
    assert receiver.posts == [("/hook?a=b", "Bearer fw_key", EVENT)]


def test_a_doubled_message_arrives_twice() -> None:
    async def scenario(receiver: Receiver) -> None:
        async with street_to(receiver.url, {Fate.DOUBLE: 1}) as street:
            assert await street.post() == 200

    with Receiver() as receiver:
        asyncio.run(scenario(receiver))
    assert receiver.bodies == [EVENT, EVENT]


def test_a_held_message_is_overtaken_by_a_later_one() -> None:
    async def scenario(receiver: Receiver) -> None:
        delays = ScriptedDelays(FOR_EVER, 0)
        async with street_to(
            receiver.url, {Fate.HOLD: 1}, fated_by=delays, hold_seconds_max=FOR_EVER
        ) as street:
            assert await street.post(EVENT) == 202
            assert await street.post(NEXT_EVENT) == 202
            await asyncio.to_thread(receiver.wait_for, 1)

    with Receiver() as receiver:
        asyncio.run(scenario(receiver))
    assert receiver.bodies == [NEXT_EVENT, EVENT]


def test_the_relay_counts_what_arrives_late_and_what_arrives_again() -> None:
    tally = Tally()
    other = b'{"task_id": "digits-8"}'
    for number, body in [(2, NEXT_EVENT), (1, EVENT), (4, EVENT), (3, other), (5, b"not JSON")]:
        tally.count_delivery(Message(number, "/hook", {}, body))

    assert (tally.delivered, tally.overtaken, tally.repeated) == (5, 1, 1)


def test_a_held_message_is_repeated_until_the_server_takes_it() -> None:
    async def scenario(receiver: Receiver) -> Relay:
        async with street_to(receiver.url, {Fate.HOLD: 1}) as street:
            assert await street.post() == 202
        return street.relay

    bad = [Reaction.REFUSE_FOR_NOW, Reaction.HANG_UP, Reaction.REFUSE_FOR_NOW]
    with Receiver(bad) as receiver:
        relay = asyncio.run(scenario(receiver))
    assert receiver.bodies == [EVENT] * 4
    assert (relay.tally.delivered, relay.tally.undelivered) == (1, 0)


def test_a_held_message_that_the_server_refuses_for_good_is_counted_and_not_repeated() -> None:
    async def scenario(receiver: Receiver) -> Relay:
        async with street_to(receiver.url, {Fate.HOLD: 1}) as street:
            assert await street.post() == 202
        return street.relay

    with Receiver([Reaction.REFUSE_FOR_GOOD]) as receiver:
        relay = asyncio.run(scenario(receiver))
    assert receiver.bodies == [EVENT]
    assert relay.tally.refused == 1
    assert "LOST: 1 refused by the server" in str(relay.tally)


def test_a_server_out_of_reach_is_a_502_so_that_the_sender_tries_again() -> None:
    with Receiver() as gone:
        pass

    async def scenario() -> int:
        async with street_to(gone.url, {Fate.PASS: 1}) as street:
            return await street.post()

    assert asyncio.run(scenario()) == 502


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /hook HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST http://elsewhere/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /hook HTTP/1.1\r\n\r\n",
        b"POST /hook HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /hook HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n",
        b"\xff\xfe\r\n\r\n",
    ],
)
def test_anything_but_a_post_of_known_length_is_a_400(request_bytes: bytes) -> None:
    async def scenario(receiver: Receiver) -> bytes:
        async with street_to(receiver.url) as street:
            port = street.sender.base_url.port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request_bytes)
            answer = await reader.read()
            writer.close()
            return answer

    with Receiver() as receiver:
        answer = asyncio.run(scenario(receiver))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert receiver.posts == []


def test_the_relay_ends_on_sigterm_and_says_what_it_did() -> None:
    command = [sys.executable, str(RELAY), "--seed", "3", "--hold-seconds-max", str(FOR_EVER)]
    events = [b'{"task_id": "digits-7", "progress": %d}' % step for step in range(40)]

    async def scenario(address: str) -> None:
        async with httpx.AsyncClient(base_url=address, timeout=0.3) as sender:
            await insist(sender, events)

    with Receiver() as receiver:
        relay = subprocess.Popen(
            [*command, "--upstream", receiver.url], stdout=subprocess.PIPE, text=True
        )
        with relay:
            assert relay.stdout is not None
            said = relay.stdout.readline()
            address = said.removeprefix("relay: listening on ").partition(",")[0]
            asyncio.run(scenario(address))
            relay.send_signal(signal.SIGTERM)
            summary = relay.stdout.read()

    assert relay.returncode == 0
    assert set(receiver.bodies) == set(events)
    assert f"{len(receiver.bodies)} were delivered to the server" in summary
