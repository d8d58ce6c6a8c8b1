"""What the gateway's web page asks for beside tasks: version, backends, circuits."""

from typing import Any

import pytest

import farwork
from farwork.domain.commands import Details
from tests.dialects.uniqc.gateway import Gateway
from tests.dialects.uniqc.past import NOON, imported

QASM = 'OPENQASM 2.0; // <svg onload="x">'


def test_the_version_is_ours(sqlite_gateway: Gateway) -> None:
    version = sqlite_gateway.get("/api/version")

    assert version["version"] == farwork.__version__
    assert {type(value) for value in version.values()} == {str}
    assert version.keys() == {"version", "github_url", "docs_url"}


def test_a_backend_is_a_queue_of_which_only_the_tasks_are_known(gateway: Gateway) -> None:
    gateway.take_in(
        imported("a", "queued"), imported("b", "created"), imported("c", "running"), imported("d")
    )

    assert gateway.get("/api/backends/live") == [
        {
            "id": "originq:WK_C180",
            "name": "WK_C180",
            "platform": "originq",
            "num_qubits": 0,
            "status": "unknown",
            "status_kind": "unknown",
            "available": False,
            "cache_stale": False,
            "is_simulator": False,
            "is_hardware": False,
            "topology": {"nodes": [], "edges": [], "has_connectivity": False},
            "fidelity": {"avg_1q": None, "avg_2q": None, "avg_readout": None},
            "coherence": {"t1": None, "t2": None},
            "queue_size": 2,
            "supported_gates": [],
            "calibration": {
                "available": False,
                "calibrated_at": None,
                "cache_age_seconds": None,
                "cache_stale": None,
                "source": "none",
            },
            "description": "A queue of this server. Nothing is known of the machine behind it.",
            "extra": {
                "tasks": {"pending": 2, "running": 1, "success": 1, "failed": 0, "cancelled": 0}
            },
        }
    ]


def test_a_project_without_tasks_has_no_backends(gateway: Gateway) -> None:
    assert gateway.get("/api/backends/live") == []
    assert gateway.get("/api/backends") == {}
    assert gateway.post("/api/backends/refresh") == {"updated": {}, "warnings": [], "total": 0}


def test_backends_stand_under_their_platforms(gateway: Gateway) -> None:
    for number, queue in enumerate(("originq:a", "gpu", "originq:b", "dummy:local:simulator")):
        gateway.take_in(imported(f"t{number}", queue=queue))
    gateway.take_in(imported("away", queue="ibm:old", archived_at=NOON))

    backends = gateway.get("/api/backends")

    assert {name: [(b["id"], b["name"]) for b in of] for name, of in backends.items()} == {
        "dummy": [("dummy:local:simulator", "local:simulator")],
        "gpu": [("gpu", "gpu")],
        "ibm": [("ibm:old", "old")],
        "originq": [("originq:a", "a"), ("originq:b", "b")],
    }
    assert backends["ibm"][0]["extra"]["tasks"]["success"] == 0
    assert gateway.get("/api/backends/originq:b") == backends["originq"][1]
    assert gateway.post("/api/backends/refresh") == {
        "updated": {"dummy": 1, "gpu": 1, "ibm": 1, "originq": 2},
        "warnings": [],
        "total": 5,
    }
    assert gateway.post("/api/backends/refresh", platform="originq") == {
        "updated": {"originq": 2},
        "warnings": [],
        "total": 2,
    }


def test_an_unknown_backend_or_platform_is_refused(gateway: Gateway) -> None:
    assert gateway.refused("GET", "/api/backends/nobody") == (
        404,
        {"detail": "Backend 'nobody' not found"},
    )
    assert gateway.refused("POST", "/api/backends/refresh?platform=nobody") == (
        400,
        {"detail": "Unknown platform: nobody"},
    )


def page(gateway: Gateway, wanted: str | None = None) -> str:
    parameters = {} if wanted is None else {"format": wanted}
    response = gateway.http.get("/api/circuits/t/svg", params=parameters)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "<svg" not in response.text
    return response.text


@pytest.mark.parametrize("archived_at", [None, NOON])
def test_a_circuit_is_shown_as_its_text(gateway: Gateway, archived_at: int | None) -> None:
    details = Details({}, {"deep": [{"qasm": QASM}], "note": "H"})
    gateway.take_in(imported("t", details=details, archived_at=archived_at))

    shown = page(gateway)

    assert "OPENQASM 2.0; // &lt;svg onload=&quot;x&quot;&gt;" in shown
    assert page(gateway, "source") == shown
    assert "No compiled circuit is kept; this is the source one." in page(gateway, "compiled")
    assert "No executed circuit is kept; this is the source one." in page(gateway, "executed")


def test_the_wanted_kind_of_circuit_goes_before_others(sqlite_gateway: Gateway) -> None:
    metadata = {"circuit_ir": "one", "compiled_qasm": "two"}
    details = Details({}, metadata)
    sqlite_gateway.take_in(imported("t", result={"executed_circuit": "three"}, details=details))

    shown = {wanted: page(sqlite_gateway, wanted) for wanted in ("source", "compiled", "executed")}

    for wanted, text in zip(shown, ("one", "two", "three"), strict=True):
        assert f">{text}</pre>" in shown[wanted]
        assert "No " not in shown[wanted]


def test_the_circuits_of_a_batch_are_shown_up_to_a_bound(sqlite_gateway: Gateway) -> None:
    circuits: list[Any] = [*(f"circuit {n}." for n in range(30)), None]
    sqlite_gateway.take_in(imported("t", details=Details({}, {"circuits": circuits})))

    shown = page(sqlite_gateway)

    assert "20 of the batch&#x27;s 30 circuits." in shown
    assert ("circuit 19." in shown, "circuit 20." in shown) == (True, False)


@pytest.mark.parametrize("metadata", [{}, {"circuits": "text"}, {"qasm": " "}, {"circuit": 5}])
def test_without_a_circuit_a_box_says_so(sqlite_gateway: Gateway, metadata: dict[str, Any]) -> None:
    sqlite_gateway.take_in(imported("t", details=Details({}, metadata)))

    assert "No circuit is kept with this task." in page(sqlite_gateway)


def test_no_circuit_of_no_task_and_in_no_other_form(sqlite_gateway: Gateway) -> None:
    sqlite_gateway.create("t")

    assert sqlite_gateway.refused("GET", "/api/circuits/x/svg") == (
        404,
        {"detail": "Task 'x' not found"},
    )
    assert sqlite_gateway.refused("GET", "/api/circuits/t/svg?format=png") == (
        400,
        {"detail": "format must be one of: source, compiled, executed"},
    )
