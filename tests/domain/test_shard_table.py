"""What becomes of a task in every situation when something is done to a shard of it."""

from inline_snapshot import snapshot

from tests.domain.state_table import flat, shard_table


def test_every_state_answers_every_command_about_shards() -> None:
    assert flat(shard_table()) == snapshot(
        {
            "no task + add one": "*task_not_found*",
            "created + add one": "created",
            "blocked + add one": "blocked",
            "queued + add one": "queued",
            "running + add one": "running",
            "running: leased + add one": "running",
            "running: lost + add one": "running",
            "running: cancelling + add one": "running",
            "succeeded + add one": "*task_is_final*",
            "failed + add one": "*task_is_final*",
            "cancelled + add one": "*task_is_final*",
            "failed: inferred + add one": "*task_is_final*",
            "cancelled: operator + add one": "*task_is_final*",
            "no task + add one (its holder)": "*task_not_found*",
            "created + add one (its holder)": "*lease_superseded*",
            "blocked + add one (its holder)": "*lease_superseded*",
            "queued + add one (its holder)": "*lease_superseded*",
            "running + add one (its holder)": "*lease_superseded*",
            "running: leased + add one (its holder)": "running",
            "running: lost + add one (its holder)": "running",
            "running: cancelling + add one (its holder)": "running",
            "succeeded + add one (its holder)": "*lease_superseded*",
            "failed + add one (its holder)": "*lease_superseded*",
            "cancelled + add one (its holder)": "*lease_superseded*",
            "failed: inferred + add one (its holder)": "*lease_superseded*",
            "cancelled: operator + add one (its holder)": "*lease_superseded*",
            "no task + retry one": "*task_not_found*",
            "created + retry one": "*shard_not_final*",
            "blocked + retry one": "*shard_not_final*",
            "queued + retry one": "*shard_not_final*",
            "running + retry one": "*shard_not_final*",
            "running: leased + retry one": "*shard_not_final*",
            "running: lost + retry one": "*shard_not_final*",
            "running: cancelling + retry one": "*shard_not_final*",
            "succeeded + retry one": "*shard_not_final*",
            "failed + retry one": "*shard_not_final*",
            "cancelled + retry one": "*shard_not_final*",
            "failed: inferred + retry one": "*shard_not_final*",
            "cancelled: operator + retry one": "*shard_not_final*",
            "no task + cancel one": "*task_not_found*",
            "created + cancel one": "cancelled",
            "blocked + cancel one": "cancelled",
            "queued + cancel one": "cancelled",
            "running + cancel one": "cancelled",
            "running: leased + cancel one": "running",
            "running: lost + cancel one": "running",
            "running: cancelling + cancel one": "running",
            "succeeded + cancel one": "succeeded",
            "failed + cancel one": "failed",
            "cancelled + cancel one": "cancelled",
            "failed: inferred + cancel one": "cancelled",
            "cancelled: operator + cancel one": "cancelled",
        }
    )
