"""An end is told once, whoever tells it and however often."""

from pathlib import Path

import httpx

from farwork.domain.values import moment
from farwork.sdk import ClaimIn, Client, Completed, Patience
from farwork.worker._ends import Ends
from tests.native.api import Api, path_of

NOW_US = 1_800_000_000_000_000


class Deaf(httpx.BaseTransport):
    """A network on which every answer is lost."""

    def __init__(self) -> None:
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._real.handle_request(request).read()
        raise httpx.ReadError("the answer is lost")

    def close(self) -> None:
        self._real.close()


def test_a_late_end_that_another_process_tells_again_is_kept_once(
    api: Api, client: Client, tmp_path: Path
) -> None:
    policy = {"late": "keep", "retry": {"backoff_seconds": 0}}
    api.create("a", queue="q", policy=policy, attempts_max=3)
    (held,) = client.claim_tasks(ClaimIn("first", ["q"]))
    api.post("/v1/leases/hand-back", {"leases": [{"task_id": "a", "lease_seq": held.lease_seq}]})
    key = api.server.key("worker", api.project)
    told: list[str] = []
    with Client(api.server.url, key, transport=Deaf(), patience=Patience(attempts_max=1)) as deaf:
        first = Ends(tmp_path, deaf, "first", 30.0, lambda _task_id, _seq: None)
        first.open()
        end = Completed(task_id="a", lease_seq=held.lease_seq, attempt=held.attempt, result=1)
        end.occurred_at = moment(NOW_US)
        first.add(end)
        first.close(20)
    second = Ends(tmp_path, client, "second", 30.0, lambda task_id, _seq: told.append(task_id))
    second.open()
    second.close(20)
    assert told == ["a"]
    results = api.get(f"{path_of('a')}/results")["items"]
    assert [(one["late"], one["data"]) for one in results] == [(True, 1)]
