"""`python -m tests.bench.gpu`: the same cells on a real NVIDIA card, judged by the card's own counter.

`make bench-gpu`. The truth is what the counter itself says: a process reads it as fast as it can and
notes every instant at which it moved, and between two of those the line is straight. So this tells how
well a tool reads the counter, not how right the counter is. Where there is no card, or none with a
counter, it says why and is done.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import cells as cells_of
from tests.bench.accuracy import Cell, Lane, error_percent, side_by_side, take_turns
from tests.bench.hardware import Machine
from tests.bench.peers import OURS, PEERS, namespace
from tests.bench.peers.tool import Site, Tool
from tests.bench.tables import Line, Table
from tests.stand_in import nvml

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "tests.bench.gpu"
DURATIONS = ((0.05, 20), (0.2, 10), (1.0, 8), (5.0, 5), (30.0, 5))
QUICK = ((0.05, 5), (0.2, 3), (1.0, 2))
TOGETHER_FROM_S = 1.0
ONE_CARD = {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
PASSED_ON = ("LD_LIBRARY_PATH", nvml.VARIABLE)
"""Where the driver's library is; in a card's place it may be the stand-in, to try all this."""
BLOCK_BYTES = 1 << 28


def absent() -> str:
    """Why there is no card here whose own counter could be the truth; nothing if there is one."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return f"no NVIDIA driver: {error}"
    try:
        if not pynvml.nvmlDeviceGetCount():
            return "no NVIDIA card"
        pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByIndex(0))
    except pynvml.NVMLError as error:
        return f"the first card has no energy counter: {error}"
    finally:
        pynvml.nvmlShutdown()
    return ""


# Processes of the bench's own


def watch() -> None:
    """Note each instant at which the counter moved, until standard input is closed."""
    import select

    import pynvml

    pynvml.nvmlInit()
    card = pynvml.nvmlDeviceGetHandleByIndex(0)
    ticks: list[tuple[float, int]] = []
    print("watching", flush=True)
    while not select.select([sys.stdin], [], [], 0.0005)[0]:
        before_s = time.monotonic()
        energy_mj = pynvml.nvmlDeviceGetTotalEnergyConsumption(card)
        if not ticks or energy_mj != ticks[-1][1]:
            ticks.append(((before_s + time.monotonic()) / 2, energy_mj))
    print(json.dumps(ticks))


def work() -> None:
    """Let the card work in bursts of random length, until standard input is closed."""
    import select

    cuda = ctypes.CDLL("libcuda.so.1")
    device, context, block = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    for failed in (
        cuda.cuInit(0),
        cuda.cuDeviceGet(ctypes.byref(device), 0),
        cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device),
        cuda.cuMemAlloc_v2(ctypes.byref(block), ctypes.c_size_t(BLOCK_BYTES)),
    ):
        if failed:
            raise OSError(f"CUDA error {failed}")
    print("working", flush=True)
    draw = random.Random(1)
    while not select.select([sys.stdin], [], [], draw.uniform(0.02, 0.3))[0]:
        end_s = time.monotonic() + draw.uniform(0.02, 0.3)
        while time.monotonic() < end_s:
            cuda.cuMemsetD8_v2(block, ctypes.c_ubyte(1), ctypes.c_size_t(BLOCK_BYTES))
            cuda.cuCtxSynchronize()


class Beside:
    """One of them, running. Use it as a context manager; `said` is what it printed at its end."""

    def __init__(self, job: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", NAME, job],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **ONE_CARD},
        )
        assert self._process.stdout is not None
        self.works = bool(self._process.stdout.readline())
        self.said = ""

    def end(self) -> str:
        """Its last words; of its errors, where it did not work."""
        said, failed = self._process.communicate(timeout=60)
        self.said = said or (failed.strip().splitlines() or [""])[-1]
        return self.said

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._process.poll() is None:
            self.end()


# The truth


@dataclass
class Card:
    """A real card, in the place of fake hardware: its truth is known once it has been watched."""

    site: Site
    ticks: list[tuple[float, int]]
    machine: Machine = field(default_factory=lambda: Machine("card", "a real card", gpus=1))

    def energy_j(self, instant_s: float) -> float:
        """By the counter's own line."""
        place = min(max(1, bisect_right(self.ticks, (instant_s, 0))), len(self.ticks) - 1)
        (start_s, start_mj), (end_s, end_mj) = self.ticks[place - 1 : place + 1]
        return (start_mj + (end_mj - start_mj) * (instant_s - start_s) / (end_s - start_s)) / 1e3

    def true_j(self, component: str, start_s: float, end_s: float) -> float:
        return self.energy_j(end_s) - self.energy_j(start_s)

    def limit_j(self, start_s: float, end_s: float) -> float:
        return self.true_j("gpu", start_s, end_s)

    @property
    def period_s(self) -> float:
        """Between two of its movements, as a rule."""
        gaps = sorted(b[0] - a[0] for a, b in zip(self.ticks, self.ticks[1:], strict=False))
        return gaps[len(gaps) // 2]


def measure(folder: Path, peers: list[str], durations: tuple[tuple[float, int], ...]) -> list[str]:
    """The table, line by line."""
    passed_on = {each: os.environ[each] for each in PASSED_ON if each in os.environ}
    powercap = namespace.POWERCAP if namespace.POWERCAP.exists() else None
    site = Site(folder, powercap, {**ONE_CARD, **passed_on})
    card = Card(site, [])
    with ExitStack() as stack:
        versions = cells_of.versions(peers, site)
        load = stack.enter_context(Beside("work"))
        watched = stack.enter_context(Beside("watch"))
        lanes = [Lane(card, stack.enter_context(Tool(each, site))) for each in peers]  # type: ignore[arg-type]
        for lane in lanes:
            lane.warm_up()
        for duration_s, count in durations:
            together = duration_s >= TOGETHER_FROM_S
            (side_by_side if together else take_turns)(lanes, duration_s, count)
        time.sleep(1.5)
        for lane in lanes:
            lane.hear_late()
        card.ticks = [(at_s, energy_mj) for at_s, energy_mj in json.loads(watched.end())]
        found = [cell for lane in lanes for cell in lane.cells()]
        failed = {lane.tool.peer: lane.failed for lane in lanes if lane.failed}
        words = "works in bursts" if load.works else f"idles ({load.end()})"
    return list(_markdown(card, words, versions, found, failed, peers, durations))


def _markdown(
    card: Card,
    words: str,
    versions: dict[str, str],
    found: list[Cell],
    failed: dict[str, str],
    peers: list[str],
    durations: tuple[tuple[float, int], ...],
) -> Iterator[str]:
    text = TEXT.format(card=_name(), words=words, period=1e3 * card.period_s)
    table = Table("A real card", text, tools=tuple(peers))
    for duration_s, count in durations:
        cells = [each for each in found if each.duration_s == duration_s]
        values = {
            tool: failed.get(tool) or error_percent(each for each in cells if each.tool == tool)
            for tool in peers
        }
        ours = [each for each in cells if each.tool == OURS]
        inside = sum(each.inside for each in ours)
        label = f"cells of {duration_s:g} s ({count}; nbcarbon's interval holds {inside} of {len(ours)})"
        table.lines.append(Line(f"{duration_s:g}", label, "%", values))
    yield from table.markdown()
    yield from (f"* {name} {version}" for name, version in versions.items())


def _name() -> str:
    import pynvml

    pynvml.nvmlInit()
    try:
        return str(pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(0)))
    finally:
        pynvml.nvmlShutdown()


TEXT = """\
A card ({card}) that {words}. Error against the card's own counter, which moves every {period:.0f} ms."""


def main(arguments: list[str]) -> int:
    if arguments in (["watch"], ["work"]):
        {"watch": watch, "work": work}[arguments[0]]()
        return 0
    why = absent()
    if why:
        print(f"Skipped: {why}.")
        return 0
    peers = [name for name, peer in PEERS.items() if name == OURS or peer.python.exists()]
    if not namespace.is_inside():
        why = namespace.enter(NAME, arguments)
        print(f"nbcarbon alone, since peers ask the network: {why}")
        peers = [OURS]
    else:
        namespace.prepare()
    with tempfile.TemporaryDirectory(prefix="nbcarbon-bench-") as folder:
        lines = measure(Path(folder), peers, QUICK if "--quick" in arguments else DURATIONS)
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
