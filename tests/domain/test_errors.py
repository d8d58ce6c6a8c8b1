"""The tree of refusals: stable codes, and texts for people."""

import re

import pytest
from inline_snapshot import snapshot

from farwork.domain import errors as e


def tree(root: type[e.DomainError]) -> list[type[e.DomainError]]:
    """The domain's own; other layers add to the tree."""
    branches = [branch for branch in root.__subclasses__() if branch.__module__ == e.__name__]
    return [root, *(leaf for branch in branches for leaf in tree(branch))]


ERRORS = tree(e.DomainError)


def test_codes_are_stable() -> None:
    assert {error.__name__: error.code for error in ERRORS} == snapshot(
        {
            "DomainError": "error",
            "NotFound": "not_found",
            "TaskNotFound": "task_not_found",
            "JobNotFound": "job_not_found",
            "ProjectNotFound": "project_not_found",
            "JobNotEmpty": "job_not_empty",
            "ShardNotFound": "shard_not_found",
            "ProjectExists": "project_exists",
            "JobParentNotFound": "job_parent_not_found",
            "JobsTooDeep": "jobs_too_deep",
            "NothingToAdopt": "nothing_to_adopt",
            "Refused": "refused",
            "TaskExists": "task_exists",
            "JobExists": "job_exists",
            "TaskIsFinal": "task_is_final",
            "TaskNotFinal": "task_not_final",
            "TaskNotReady": "task_not_ready",
            "LeaseSuperseded": "lease_superseded",
            "ShardExists": "shard_exists",
            "ShardIsFinal": "shard_is_final",
            "ShardNotFinal": "shard_not_final",
            "ShardsIncomplete": "shards_incomplete",
            "TaskUnderHold": "task_under_hold",
            "TaskAlreadySubmitted": "task_already_submitted",
            "InputsFormACycle": "inputs_form_a_cycle",
            "VersionMismatch": "version_mismatch",
            "Unprocessable": "unprocessable",
            "InputNotFound": "input_not_found",
            "IdempotencyKeyReused": "idempotency_key_reused",
            "TimeOutOfRange": "time_out_of_range",
            "NestedTooDeeply": "nested_too_deeply",
        }
    )


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({error.code for error in ERRORS}) == len(ERRORS)


@pytest.mark.parametrize("error", ERRORS)
def test_the_docstring_is_a_title_of_one_sentence(error: type[e.DomainError]) -> None:
    assert error.__doc__ is not None
    assert re.fullmatch(r"[A-Z][^.]*\.", error.__doc__)


@pytest.mark.parametrize("error", ERRORS)
def test_the_code_is_the_name(error: type[e.DomainError]) -> None:
    if error is not e.DomainError:
        assert error.code == re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"^[ |+-]*([A-Z][A-Za-z]+)", e.__doc__ or "", re.MULTILINE)[1:]
    assert drawn[: len(ERRORS)] == [error.__name__ for error in ERRORS]


def test_the_detail_is_what_the_error_says() -> None:
    refusal = e.TaskIsFinal("It has failed.")
    assert (refusal.detail, str(refusal)) == ("It has failed.", "It has failed.")


def test_what_is_not_there_is_named() -> None:
    kinds = (e.TaskNotFound, e.JobNotFound, e.ProjectNotFound)
    assert [kind.of("x").detail for kind in kinds] == [
        "There is no task 'x' in this project.",
        "There is no job 'x' in this project.",
        "There is no project 'x', or it is not yours to see.",
    ]
