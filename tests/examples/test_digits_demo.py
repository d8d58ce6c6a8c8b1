"""How the demonstration judges: what a training printed against what the record says."""

import pytest

from examples.digits.demo import (
    Outcome,
    Training,
    complaint_about,
    outcome_recorded,
    outcome_said,
)

GOOD = Training("digits-good", [], "succeeded")
BAD = Training("digits-bad", [], "failed")
SUCCEEDED = Outcome("succeeded", 100, accuracy=0.97)
FAILED = Outcome("failed", 0, error="ValueError: hidden_layer_sizes must be > 0, got [0].")


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("epoch 1/1: loss 0.1, accuracy 0.97\ncompleted: accuracy 0.97\n", SUCCEEDED),
        ("Traceback ...\nValueError: hidden_layer_sizes must be > 0, got [0].\n", FAILED),
        (
            "epoch 1/4: loss 9, accuracy 0.1\nTraceback ...\nsome.module.Bad: (0.0, inf). Got -1\n",
            Outcome("failed", 25, error="Bad: (0.0, inf). Got -1"),
        ),
        ("", Outcome("failed", 0, error="")),
    ],
)
def test_the_last_line_of_a_training_says_how_it_ended(said: str, outcome: Outcome) -> None:
    assert outcome_said(said) == outcome


def test_a_task_of_the_native_api_is_read_as_an_outcome() -> None:
    task = {"state": "succeeded", "progress": {"percent": 100.0}, "error": None}
    assert outcome_recorded(task | {"metadata": {"accuracy": 0.97, "epoch": 9}}) == SUCCEEDED

    error = {"category": "ValueError", "message": "hidden_layer_sizes must be > 0, got [0]."}
    failed = {"state": "failed", "progress": {"percent": 0.0}, "error": error, "metadata": {}}
    assert outcome_recorded(failed) == FAILED


@pytest.mark.parametrize(
    ("training", "said", "recorded", "is_right"),
    [
        (GOOD, SUCCEEDED, SUCCEEDED, True),
        (BAD, FAILED, FAILED, True),
        (GOOD, FAILED, FAILED, False),
        (BAD, SUCCEEDED, SUCCEEDED, False),
        (GOOD, SUCCEEDED, Outcome("running", 95, accuracy=0.97), False),
        (GOOD, SUCCEEDED, Outcome("succeeded", 100, accuracy=0.96), False),
        (BAD, FAILED, Outcome("failed", 0, error="ValueError: something else"), False),
    ],
)
def test_only_an_end_that_was_meant_and_recorded_as_it_was_is_right(
    training: Training, said: Outcome, recorded: Outcome, *, is_right: bool
) -> None:
    assert (complaint_about(training, said, recorded) is None) is is_right
