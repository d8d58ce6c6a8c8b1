"""`farwork retention`, `hold` and `release`, as people type them."""

from farwork.sdk import Client, TaskCreate
from tests.cli.conftest import Shell


def test_rules_are_set_shown_and_removed(farwork: Shell) -> None:
    rule = ("--kind", "cli-scan", "--state", "failed")
    done = farwork("retention", "set", *rule, "--archive-after", "12h", "--delete-after", "never")
    assert (done.code, done.err) == (0, "")
    shown = farwork("retention").out
    assert "cli-scan" in shown
    assert "12 h" in shown
    assert "never" in shown
    assert farwork("retention", "remove", *rule).code == 0
    assert "cli-scan" not in farwork("retention").out
    gone = farwork("retention", "remove", *rule)
    assert gone.code != 0
    assert "no rule" in gone.err


def test_a_rule_must_say_something(farwork: Shell) -> None:
    done = farwork("retention", "set", "--kind", "cli-scan")
    assert (done.code, done.out) == (2, "")


def test_a_task_that_is_held_is_not_deleted_until_it_is_released(
    farwork: Shell, client: Client
) -> None:
    client.create_task(TaskCreate(id="cli-held"))
    assert farwork("hold", "cli-held", "--reason", "case 17").code == 0
    refused = farwork("delete", "--yes", "cli-held")
    assert refused.code == 1
    assert "case 17" in refused.err
    assert farwork("release", "cli-held").code == 0
    assert farwork("delete", "--yes", "cli-held").code == 0
