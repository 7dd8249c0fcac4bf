"""`python -m tests.bench [NAME ...]`: measure, then print one table of goal and finding.

Nothing here fails a build: a busy machine must not turn a commit red. CPU seconds and medians of
many runs are what the limits are about; a wall time of one run says little on shared cores.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bench import accuracy, kernel_side, live_view, sampler_side, scale

BENCHES = {
    "load": kernel_side.load,
    "cells": kernel_side.cells,
    "slowdown": kernel_side.slowdown,
    "network": kernel_side.network,
    "live": live_view.live,
    "prepared": live_view.prepared,
    "sampler": sampler_side.cost,
    "memory": sampler_side.memory,
    "killed": sampler_side.killed,
    "cpu": accuracy.cpu,
    "devices": accuracy.devices,
    "scale": scale.scale,
}


def main(names: list[str]) -> int:
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"No bench {', '.join(sorted(unknown))}. There are: {', '.join(BENCHES)}.")
        return 2
    print(f"{'goal':<5} {'what':<52} {'limit':>12} {'found':>14}")
    missed = 0
    for name in names or BENCHES:
        with tempfile.TemporaryDirectory() as folder:
            for row in BENCHES[name](Path(folder)):
                print(row.line(), flush=True)
                missed += not row.met
    print(f"{missed} missed" if missed else "all met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
