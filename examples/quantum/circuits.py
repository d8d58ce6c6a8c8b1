"""Circuits in batches, and what a simulator makes of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import stim

LANGUAGE = "stim"
Counts = dict[str, int]
"""How often each row of measured bits was seen."""


@dataclass(frozen=True)
class Batch:
    """Circuits that are submitted together, as one task."""

    task_id: str
    name: str
    circuits: Sequence[str]
    shots: int
    fails: bool = False


def simulated(circuit: str, shots: int, seed: int) -> Counts:
    """Runs a circuit. Raises `ValueError` where it is none that the simulator can run."""
    sampler = stim.Circuit(circuit).compile_sampler(seed=seed)
    rows = sampler.sample(shots)
    return dict(Counter("".join("01"[bit] for bit in row) for row in rows.tolist()))


def ghz(qubits: int) -> str:
    """All qubits up or all down, and never anything else."""
    chain = "\n".join(f"CX {n} {n + 1}" for n in range(qubits - 1))
    return f"H 0\n{chain}\nM {' '.join(map(str, range(qubits)))}"


def memory(distance: int, flips: float) -> str:
    """A bit that a repetition code keeps through noise."""
    return str(
        stim.Circuit.generated(
            "repetition_code:memory",
            distance=distance,
            rounds=2,
            before_measure_flip_probability=flips,
        )
    )


def batches() -> list[Batch]:
    """Three experiments; the last has a gate that a stabilizer simulator cannot run."""
    magic = "H 0\nT 0\nH 0\nM 0"
    return [
        Batch("uqt_" + "1" * 32, "GHZ states", [ghz(n) for n in range(2, 12)], shots=400),
        Batch(
            "uqt_" + "2" * 32,
            "a kept bit",
            [memory(distance, flips) for distance in (3, 5) for flips in (0.0, 0.05, 0.1)],
            shots=200,
        ),
        Batch(
            "uqt_" + "3" * 32,
            "one too many",
            [ghz(2), ghz(3), ghz(4), ghz(5), magic, ghz(6), ghz(7), ghz(8), ghz(9)],
            shots=100,
            fails=True,
        ),
    ]
