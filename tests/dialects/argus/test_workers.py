"""The registry of workers and the service tasks, driven by the real client."""

from typing import Any

import pytest

from farwork.service.access import Role
from tests.dialects.argus.sampledb import NOWHERE, Record, SampleDb, exceptions, servicetask, worker

NAMES = {"english": "YARA rules", "norwegian": "YARA-regler"}
TEXTS = {"english": "finds patterns"}


def added(argus: SampleDb, name: str = "yara", **said: Any) -> Record:
    given: Record = {"shortName": name, "localizedNames": NAMES, "localizedDescriptions": TEXTS}
    found: Record = argus.data(worker.add_analysis_worker, **(given | said))
    return found


def test_a_worker_is_registered_with_a_schema(argus: SampleDb) -> None:
    made = added(argus, schema={"type": "object"})
    assert made == {
        "id": made["id"], "shortName": "yara", "localizedName": "YARA rules",
        "localizedNames": NAMES, "localizedDescription": "finds patterns",
        "localizedDescriptions": TEXTS, "flags": [], "createdTimestamp": made["createdTimestamp"],
        "lastUpdatedTimestamp": None, "deletedTimestamp": None,
        "createdByUser": made["createdByUser"], "lastUpdatedByUser": None, "deletedByUser": None,
    }  # fmt: skip
    assert made["createdByUser"]["shortName"] == "admin"
    for name in ("yara", made["id"]):
        assert argus.data(worker.get_analysis_worker, name) == made
        assert argus.call(worker.fetch_analysis_worker_schema, name) == {"type": "object"}


def test_registering_the_same_again_is_no_mistake_another_of_its_name_is(argus: SampleDb) -> None:
    made = added(argus)
    assert added(argus) == made
    with pytest.raises(exceptions.ValidationErrorException, match=r"FIELD_ERROR \(shortName\)"):
        added(argus, localizedNames={"english": "other"})


def test_a_worker_is_changed_and_deleted(argus: SampleDb) -> None:
    made = added(argus)
    changed = argus.data(
        worker.update_analysis_worker, idOrShortName="yara", localizedNames={"english": "n"}
    )
    assert (changed["id"], changed["localizedName"]) == (made["id"], "n")
    assert changed["lastUpdatedTimestamp"] >= made["createdTimestamp"]
    gone = argus.data(worker.delete_analysis_worker, "yara")
    assert (gone["flags"], gone["deletedByUser"]["shortName"]) == (["deleted"], "admin")
    assert argus.data(worker.delete_analysis_worker, "yara") == gone
    assert argus.data(worker.get_analysis_worker, made["id"]) == gone
    assert argus.data(worker.list_analysis_workers) == []
    assert argus.data(worker.list_analysis_workers, includeDeleted=True) == [gone]
    again = added(argus)
    assert again["id"] != made["id"]
    assert argus.data(worker.get_analysis_worker, "yara") == again


def test_workers_are_listed_by_short_name_in_pages(sqlite_argus: SampleDb) -> None:
    for name in ("c", "a", "b"):
        added(sqlite_argus, name)
    envelope = sqlite_argus.call(worker.list_analysis_workers, limit=2, offset=1)
    assert [one["shortName"] for one in envelope["data"]] == ["b", "c"]
    assert (envelope["count"], envelope["size"]) == (3, 2)
    listed = sqlite_argus.data(worker.list_analysis_workers, sortBy=["-createdTimestamp"])
    assert listed[0]["shortName"] == "b"


@pytest.mark.parametrize(
    "said",
    [
        {"name": "has space"},
        {"localizedNames": {"norwegian": "n"}},
        {"localizedNames": {"english": "n", "german": "n"}},
        {"localizedDescriptions": {"german": "n"}},
    ],
)
def test_a_worker_that_cannot_be_registered_is_refused(
    sqlite_argus: SampleDb, said: dict[str, Any]
) -> None:
    with pytest.raises(exceptions.ValidationErrorException):
        added(sqlite_argus, **said)


def test_a_worker_that_is_not_there_is_told(sqlite_argus: SampleDb) -> None:
    for name in (NOWHERE, "nobody"):
        with pytest.raises(exceptions.ObjectNotFoundException):
            sqlite_argus.data(worker.get_analysis_worker, name)


def test_only_an_admin_registers_workers(sqlite_argus: SampleDb) -> None:
    with SampleDb(sqlite_argus.server, sqlite_argus.project, Role.OPERATOR) as operator:
        with pytest.raises(exceptions.AccessDeniedException):
            added(operator)
        assert operator.data(worker.list_analysis_workers) == []


# --- service tasks ---


def archived(argus: SampleDb) -> Record:
    """A bulk operation that has ended."""
    argus.http.post("/v1/tasks", json={"id": "t", "kind": "k"})
    begun = argus.http.post("/v1/bulk", json={"verb": "archive", "ids": ["t"]}).json()
    done = argus.http.get(f"/v1/operations/{begun['id']}?wait=10").json()
    assert done["state"] == "done"
    return dict(done)


def test_a_bulk_operation_is_a_service_task(argus: SampleDb) -> None:
    ours = archived(argus)
    (shown,) = argus.data(servicetask.list_tasks)
    assert (shown["id"], shown["operation"], shown["state"]) == (ours["id"], "archive", "done")
    assert shown["rootTask"] == {"id": ours["id"], "state": "done"}
    assert shown["finishedTimestamp"] >= shown["createdTimestamp"]
    assert argus.data(servicetask.get_task, ours["id"]) == shown
    assert argus.data(servicetask.abort_task, ours["id"]) == shown
    assert argus.data(servicetask.search_tasks, operation=["archive"], state=["done"]) == [shown]
    assert argus.data(servicetask.search_tasks, state=["failed"]) == []
    assert argus.data(servicetask.search_tasks, startTimestamp="now - 1 hour") == [shown]
    assert argus.data(servicetask.search_tasks, endTimestamp="now - 1 hour") == []
    assert argus.data(servicetask.list_tasks, parentTask=[NOWHERE]) == []


def test_a_service_task_that_is_not_there_is_told(sqlite_argus: SampleDb) -> None:
    with pytest.raises(exceptions.ObjectNotFoundException):
        sqlite_argus.data(servicetask.get_task, NOWHERE)
