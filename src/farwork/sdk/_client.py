"""The two fronts: the same calls for threads and for event loops.

A call is written once, as a flow. `Call` and `Listing` bind it to the client that it is looked up
on, and tell type checkers what comes of it there: a value or an awaitable, an iterator or an
asynchronous one.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import closing
from hashlib import blake2b
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast, overload

import httpx

from farwork import clock, config
from farwork.sdk import (
    _feed,
    _hooks,
    _leases,
    _parts,
    _retention,
    _steering,
    _submissions,
    _tasks,
    _transfer,
)
from farwork.sdk._flow import Emit, Flow, More, Pause, Request, Response, Stream
from farwork.sdk._patience import Patience, patient
from farwork.sdk._run import Run, received, request_arguments, settings, unreachable

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_SERVER = "http://127.0.0.1:8400"
TIMEOUT_S = 30.0


class Call(Generic[P, T]):
    """A call that gives one value."""

    def __init__(self, flow: Callable[P, Flow[T]]) -> None:
        self._flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "Client", owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """The call on this client."""
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.carry_out(self._flow(*args, **kwargs))

        call.__doc__ = self.__doc__
        return call


class Listing(Generic[P, T]):
    """A call that gives any number of values, one after the other."""

    def __init__(self, flow: Callable[P, Stream[T]]) -> None:
        self._flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "Client", owner: type) -> Callable[P, Generator[T]]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, AsyncGenerator[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """The listing on this client."""
        if client is None:
            return self

        def listing(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.iterate(self._flow(*args, **kwargs))

        listing.__doc__ = self.__doc__
        return listing


class Calls:
    """Every call of the API, once."""

    create_task = Call(_tasks.create_task)
    create_tasks = Call(_tasks.create_tasks)
    get_task = Call(_tasks.get_task)
    list_tasks = Listing(_tasks.list_tasks)
    change_task = Call(_tasks.change_task)
    delete_task = Call(_tasks.delete_task)
    submit_task = Call(_tasks.submit_task)
    cancel_task = Call(_tasks.cancel_task)
    retry_task = Call(_tasks.retry_task)
    archive_task = Call(_tasks.archive_task)
    restore_task = Call(_tasks.restore_task)
    adopt_report = Call(_tasks.adopt_report)
    send_report = Call(_tasks.send_report)
    send_reports = Call(_tasks.send_reports)
    explain_task = Call(_parts.explain_task)
    list_events = Listing(_parts.list_events)
    list_results = Listing(_parts.list_results)
    list_shards = Listing(_parts.list_shards)
    list_attempts = Call(_parts.list_attempts)
    get_graph = Call(_parts.get_graph)
    count_tasks = Call(_parts.count_tasks)
    wait_for_task = Call(_parts.wait_for_task)
    claim_tasks = Call(_leases.claim_tasks)
    renew_leases = Call(_leases.renew_leases)
    complete_leases = Call(_leases.complete_leases)
    fail_leases = Call(_leases.fail_leases)
    hand_back_leases = Call(_leases.hand_back_leases)
    list_queues = Listing(_steering.list_queues)
    list_workers = Listing(_steering.list_workers)
    steer_queue = Call(_steering.steer_queue)
    steer_worker = Call(_steering.steer_worker)
    list_retention = Call(_retention.list_retention)
    set_retention = Call(_retention.set_retention)
    delete_retention = Call(_retention.delete_retention)
    hold_task = Call(_retention.hold_task)
    release_task = Call(_retention.release_task)
    note_submission = Call(_submissions.note_submission)
    reconcile = Call(_submissions.reconcile)
    feed_position = Call(_feed.feed_position)
    read_feed = Call(_feed.read_feed)
    follow_feed = Listing(_feed.follow_feed)
    create_hook = Call(_hooks.create_hook)
    list_hooks = Listing(_hooks.list_hooks)
    get_hook = Call(_hooks.get_hook)
    change_hook = Call(_hooks.change_hook)
    delete_hook = Call(_hooks.delete_hook)
    rotate_hook_secret = Call(_hooks.rotate_hook_secret)
    try_hook = Call(_hooks.try_hook)
    list_deliveries = Listing(_hooks.list_deliveries)
    redeliver = Call(_hooks.redeliver)
    redeliver_many = Call(_hooks.redeliver_many)
    export_tasks = Listing(_transfer.export_tasks)
    import_tasks = Call(_transfer.import_tasks)


class _Front(Calls):
    """What both fronts share."""

    def __init__(self, server: str, key: str, timeout_s: float, patience: Patience) -> None:
        self._server = server
        # Tells one server and key from any other, and neither from it.
        self.destination = blake2b(f"{server}\0{key}".encode(), digest_size=8).hexdigest()
        self._timeout_s = timeout_s
        self._patience = patience

    def _begin(self, flow: Generator[Any, Any, T]) -> Run[T]:
        return Run(patient(flow, self._patience))

    def _arguments(self, request: Request) -> dict[str, Any]:
        return request_arguments(request, self._timeout_s)


class Client(_Front):
    """Talks to a Farwork server; one client may be used by several threads.

        with Client("http://127.0.0.1:8400", key="fw_...") as client:
            task = client.get_task("run-17")

    Requests that are safe to repeat are repeated as `patience` has it. Every call raises
    `FarworkError`.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        key: str = "",
        *,
        timeout_s: float = TIMEOUT_S,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(server, key, timeout_s, patience or Patience())
        self._http = httpx.Client(transport=transport, **settings(server, key))

    @classmethod
    def from_environment(cls) -> Self:
        """The client that `FARWORK_SERVER` and `FARWORK_KEY` describe."""
        found = config.load_client(os.environ)
        return cls(found.server, found.key)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def carry_out(self, flow: Flow[T]) -> T:
        """What comes of a flow."""
        with closing(self._begin(flow)) as run:
            while not run.is_over:
                run.take(self._perform(run))
            return run.result

    def iterate(self, stream: Stream[T]) -> Generator[T]:
        """What a stream emits."""
        with closing(self._begin(stream)) as run:
            try:
                while not run.is_over:
                    step: Any = run.step
                    if isinstance(step, Emit):
                        yield cast("Emit[T]", step).value
                        run.take(None)
                    else:
                        run.take(self._perform(run))
            finally:
                if run.source is not None:
                    run.source.close()

    def _perform(self, run: Run[Any]) -> Any:
        step = run.step
        try:
            if isinstance(step, Pause):
                clock.pause(step.seconds)
                return None
            if isinstance(step, More):
                return next(run.pieces, b"")
            return self._send(run, step)
        except httpx.TransportError as error:
            return unreachable(error, self._server)

    def _send(self, run: Run[Any], request: Request) -> Response:
        asked = self._http.build_request(**self._arguments(request))
        answer = self._http.send(asked, stream=request.streamed)
        if request.streamed and answer.is_success:
            if run.source is not None:
                run.source.close()
            run.source, run.pieces = answer, answer.iter_bytes()
            return received(answer, b"")
        return received(answer, answer.read())


class AsyncClient(_Front):
    """Talks to a Farwork server from an event loop; everything is as with `Client`, but awaited.

    async with AsyncClient("http://127.0.0.1:8400", key="fw_...") as client:
        task = await client.get_task("run-17")
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        key: str = "",
        *,
        timeout_s: float = TIMEOUT_S,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(server, key, timeout_s, patience or Patience())
        self._http = httpx.AsyncClient(transport=transport, **settings(server, key))

    @classmethod
    def from_environment(cls) -> Self:
        """The client that `FARWORK_SERVER` and `FARWORK_KEY` describe."""
        found = config.load_client(os.environ)
        return cls(found.server, found.key)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def carry_out(self, flow: Flow[T]) -> T:
        """What comes of a flow."""
        with closing(self._begin(flow)) as run:
            while not run.is_over:
                run.take(await self._perform(run))
            return run.result

    async def iterate(self, stream: Stream[T]) -> AsyncGenerator[T]:
        """What a stream emits."""
        with closing(self._begin(stream)) as run:
            try:
                while not run.is_over:
                    step: Any = run.step
                    if isinstance(step, Emit):
                        yield cast("Emit[T]", step).value
                        run.take(None)
                    else:
                        run.take(await self._perform(run))
            finally:
                if run.source is not None:
                    await run.source.aclose()

    async def _perform(self, run: Run[Any]) -> Any:
        step = run.step
        try:
            if isinstance(step, Pause):
                await clock.pause_on_loop(step.seconds)
                return None
            if isinstance(step, More):
                return await anext(run.pieces, b"")
            return await self._send(run, step)
        except httpx.TransportError as error:
            return unreachable(error, self._server)

    async def _send(self, run: Run[Any], request: Request) -> Response:
        asked = self._http.build_request(**self._arguments(request))
        answer = await self._http.send(asked, stream=request.streamed)
        if request.streamed and answer.is_success:
            if run.source is not None:
                await run.source.aclose()
            run.source, run.pieces = answer, answer.aiter_bytes()
            return received(answer, b"")
        return received(answer, await answer.aread())
