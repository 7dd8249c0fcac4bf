"""How much is measured: all of it, or as little as shows that it works."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.peers import PEERS


@dataclass(frozen=True)
class Plan:
    """Repetitions of everything. `cells` has the number of cells of each duration."""

    quick: bool
    peers: tuple[str, ...]
    runs: int
    later_cells: int
    cells: tuple[tuple[float, int], ...]
    span_s: float
    loop_pairs: int
    network_runs: int


def full(peers: tuple[str, ...] = tuple(PEERS)) -> Plan:
    return Plan(
        quick=False,
        peers=peers,
        runs=5,
        later_cells=20,
        cells=((0.05, 20), (0.2, 10), (1.0, 6), (5.0, 5), (30.0, 5)),
        span_s=20.0,
        loop_pairs=10,
        network_runs=5,
    )


def quick(peers: tuple[str, ...] = tuple(PEERS)) -> Plan:
    return Plan(
        quick=True,
        peers=peers,
        runs=1,
        later_cells=5,
        cells=((0.05, 5), (0.2, 3), (1.0, 2)),
        span_s=8.0,
        loop_pairs=2,
        network_runs=1,
    )
