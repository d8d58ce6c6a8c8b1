"""Rules of retention and legal holds over HTTP."""

from tests.native.api import Api, path_of

RULE = {"kind": "train", "state": "failed", "delete_after_seconds": 60.0}


def test_rules_are_set_listed_and_forgotten_and_the_trail_tells_of_it(each_api: Api) -> None:
    api = each_api
    api.ask("PUT", "/v1/retention", RULE).raise_for_status()
    changed = RULE | {"delete_after_seconds": "never", "legal_hold": "case 17"}
    api.ask("PUT", "/v1/retention", changed).raise_for_status()
    (rule,) = api.get("/v1/retention")["items"]
    assert {name: rule[name] for name in changed} == changed
    assert rule["archive_after_seconds"] is None
    gone = api.ask("DELETE", "/v1/retention", params={"kind": "train", "state": "failed"})
    assert gone.status_code == 204
    assert api.problem("DELETE", "/v1/retention")["code"] == "retention_not_found"
    trail = api.get("/v1/audit", action="retention.*")["items"]
    assert [(row["action"], row["target"]) for row in trail] == [
        ("retention.remove", "retention:train/failed"),
        ("retention.set", "retention:train/failed"),
        ("retention.set", "retention:train/failed"),
    ]
    assert trail[1]["details"] == {"delete_after_seconds": "never", "legal_hold": "case 17"}


def test_a_rule_that_says_nothing_or_nonsense_is_refused(api: Api) -> None:
    assert api.problem("PUT", "/v1/retention", {"kind": "train"})["status"] == 422
    wrong = {"state": "running", "delete_after_seconds": -1, "legal_hold": ""}
    faults = api.problem("PUT", "/v1/retention", wrong)["errors"]
    assert {fault["pointer"] for fault in faults} == {
        "/state",
        "/delete_after_seconds",
        "/legal_hold",
    }


def test_retention_and_holds_are_for_admins(api: Api) -> None:
    api.create("t")
    with api.as_role("operator") as operator:
        hold = f"{path_of('t')}/hold"
        for method, path, said in (
            ("GET", "/v1/retention", None),
            ("PUT", "/v1/retention", RULE),
            ("DELETE", "/v1/retention", None),
            ("POST", hold, {"reason": "mine"}),
            ("POST", f"{path_of('t')}/release", None),
        ):
            assert operator.problem(method, path, said)["code"] == "forbidden"
    elsewhere = {"params": {"project": "another"}}
    assert api.problem("GET", "/v1/retention", **elsewhere)["code"] == "forbidden"


def test_a_task_under_a_legal_hold_cannot_be_deleted(each_api: Api) -> None:
    api = each_api
    api.create("t", "free")
    api.report("t", state="succeeded")
    hold = f"{path_of('t')}/hold"
    assert api.problem("POST", hold, {})["errors"][0]["pointer"] == "/reason"
    assert api.post(hold, {"reason": "case 17"})["legal_hold"] == "case 17"
    refusal = api.problem("DELETE", path_of("t"))
    assert (refusal["status"], refusal["code"]) == (409, "task_under_hold")
    assert "case 17" in refusal["detail"]
    assert "case 17" in api.get(f"{path_of('t')}/explain")["summary"]
    both = {"verb": "delete", "ids": ["t", "free"]}
    done = api.post("/v1/bulk", both, params={"wait": 20})
    assert [one["code"] for one in done["refusals"]] == ["task_under_hold"]
    assert api.post(f"{path_of('t')}/release")["legal_hold"] is None
    assert api.ask("DELETE", path_of("t")).status_code == 204
