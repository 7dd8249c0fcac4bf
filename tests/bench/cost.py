"""What measuring costs while it goes on: CPU, the user's pace, memory (G6 to G8, like for like)."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.hardware import USUAL, Hardware
from tests.bench.peers import OURS
from tests.bench.peers.tool import Tool, ToolFailed, used_s
from tests.bench.tables import Line, Table, digits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.bench.peers.tool import Site
    from tests.bench.plan import Plan

RATES_HZ = (10.0, 1.0)
SETTLED_S = 2.0
AGAIN_S = 10.0
"""How long a cell of nbcarbon's keeps its rate."""
CHUNK_S = 0.2
S_PER_MINUTE, S_PER_H = 60.0, 3600.0
LOOPS = {
    "held": "a Python loop that holds the interpreter's lock",
    "released": "a loop that works without it (hashing)",
}


def tools_at(rate_hz: float, site: Site, plan: Plan, stack: ExitStack) -> dict[str, Tool | str]:
    """Every tool reading at a rate, or why not."""
    found: dict[str, Tool | str] = {}
    for peer in plan.peers:
        tool = stack.enter_context(
            Tool(peer, site, environ={"NBCARBON_INTERVAL_S": f"{1 / rate_hz:g}"})
        )
        try:
            tool.ask("load")
            tool.ask("sample", rate_hz=rate_hz)
            found[peer] = tool
        except ToolFailed as error:
            found[peer] = str(error)
    return found


def keep_on(tools: Mapping[str, Tool | str], span_s: float, also: str = "") -> dict[str, str]:
    """Let them read for a while. Returns those that failed on the way."""
    failed: dict[str, str] = {}
    end_s = time.monotonic() + span_s
    while (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(left_s, AGAIN_S))
        for peer, tool in tools.items():
            if isinstance(tool, Tool) and peer not in failed:
                try:
                    tool.ask("again")
                    if also:
                        tool.ask(also)
                except ToolFailed as error:
                    failed[peer] = str(error)
    return failed


# CPU


def cpu(folder: Path, plan: Plan, tell: Callable[[str], None]) -> Table:
    table = Table("CPU while measuring", CPU.format(span=plan.span_s), tools=plan.peers)
    with Hardware(USUAL, folder) as hardware:
        for rate_hz in RATES_HZ[: 1 if plan.quick else None]:
            tell(f"CPU at {rate_hz:g} Hz")
            with ExitStack() as stack:
                tools = tools_at(rate_hz, hardware.site, plan, stack)
                time.sleep(SETTLED_S)
                before = {
                    name: each.cpu_s() for name, each in tools.items() if isinstance(each, Tool)
                }
                began_s = time.monotonic()
                failed = keep_on(tools, plan.span_s)
                elapsed_s = time.monotonic() - began_s
                values: dict[str, float | str] = {}
                for name, each in tools.items():
                    if isinstance(each, str) or name in failed:
                        values[name] = each if isinstance(each, str) else failed[name]
                    else:
                        spent_s = used_s(before[name], each.cpu_s())
                        values[name] = spent_s / elapsed_s * S_PER_MINUTE
            label = f"read at {rate_hz:g} Hz: CPU a minute"
            table.lines.append(Line(f"{rate_hz:g}", label, "s", values, least=0.01))
    return table


# The user's pace


@dataclass(frozen=True)
class Slowdown:
    """Percent, with the ends of a 95 % interval of the median."""

    percent: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{signed(self.percent)} % ({signed(self.low)} to {signed(self.high)})"


def slowdown(folder: Path, plan: Plan, tell: Callable[[str], None]) -> tuple[Table, list[str]]:
    """The table, and the same with intervals, which only words can hold."""
    table = Table("The user's pace", "", tools=plan.peers, subject="what is added to ")
    words = []
    with Hardware(USUAL, folder) as hardware:
        for kind, label in list(LOOPS.items())[: 1 if plan.quick else None]:
            found: dict[str, dict[str, Slowdown] | str] = {}
            for peer in plan.peers:
                tell(f"pace: {peer}, {label}")
                found[peer] = _slowed(peer, hardware.site, kind, plan.loop_pairs)
            for clock, spoken in (("cpu", "CPU of its process"), ("wall", "time")):
                values: dict[str, float | str] = {}
                cells = []
                for peer, each in found.items():
                    values[peer] = each if isinstance(each, str) else max(0.0, each[clock].percent)
                    cells.append(each if isinstance(each, str) else str(each[clock]))
                what = f"{label}: {spoken}"
                table.lines.append(Line(f"{kind} {clock}", what, "%", values, least=0.3))
                words.append(f"| {what} | {' | '.join(cells)} |")
    return table, words


def slowdown_markdown(table: Table, words: list[str], plan: Plan) -> list[str]:
    head = Table(table.title, PACE.format(pairs=2 * plan.loop_pairs), tools=table.tools)
    return [*list(head.markdown())[:-1], *words, ""]


def _slowed(peer: str, site: Site, kind: str, pairs: int) -> dict[str, Slowdown] | str:
    try:
        with Tool(peer, site, environ={"NBCARBON_INTERVAL_S": "0.1"}) as tool:
            tool.ask("load")
            tool.ask("sample", rate_hz=10.0)
            time.sleep(SETTLED_S)
            spent = tool.ask(
                "loop", kind=kind, chunk_s=CHUNK_S, count=pairs, timeout_s=60 + 8 * pairs * CHUNK_S
            )["spent"]
    except ToolFailed as error:
        return str(error)
    return {
        clock: median_interval(
            [
                100 * ((on_1[at] + on_2[at]) / (off_1[at] + off_2[at]) - 1)
                for off_1, on_1, on_2, off_2 in zip(*[iter(spent)] * 4, strict=True)
            ]
        )
        for at, clock in enumerate(("cpu", "wall"))
    }


def median_interval(values: list[float]) -> Slowdown:
    """The median with the two values that enclose it in at least 95 % of samples, where so many are."""
    ordered = sorted(values)
    count = len(ordered)
    # By the binomial distribution of how many of them lie below the true median.
    below, chance = 0, 0.5**count
    total = chance
    while total <= 0.025:
        below += 1
        chance *= (count - below + 1) / below
        total += chance
    rank = max(0, below - 1)
    return Slowdown(statistics.median(ordered), ordered[rank], ordered[count - 1 - rank])


def signed(value: float) -> str:
    return f"{'−' if value < 0 else ''}{digits(abs(round(value, 2)))}"


# Memory


class Memory:
    """Tools that read ten times a second for a while, beside whatever else is measured meanwhile."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._plan = plan
        self._thread = threading.Thread(target=self._watch)
        self._table: Table | None = None
        self._stack = ExitStack()
        hardware = self._stack.enter_context(Hardware(USUAL, folder))
        self._tools: dict[str, Tool | str] = {}
        for peer in plan.peers:
            tool = self._stack.enter_context(
                Tool(peer, hardware.site, environ={"NBCARBON_INTERVAL_S": "0.1"})
            )
            try:
                tool.ask("load")
                tool.ask("trace")
                tool.ask("sample", rate_hz=10.0)
                self._tools[peer] = tool
            except ToolFailed as error:
                self._tools[peer] = str(error)

    def begin(self) -> Memory:
        """Let them read and grow, while the bench goes on with something else."""
        self._thread.start()
        return self

    def end(self) -> Table:
        self._thread.join()
        if self._table is None:
            raise RuntimeError("memory could not be measured: see above")
        return self._table

    def _watch(self) -> None:
        self._table = self._grow()

    def _grow(self) -> Table:
        """What they hold, and how much more at the end than when they had settled."""
        settle_s = 1.5 * self._plan.span_s
        failed = keep_on(self._tools, settle_s, also="look")
        before, began_s = self._held(failed), time.monotonic()
        failed |= keep_on(self._tools, 2 * settle_s, also="look")
        after, elapsed_s = self._held(failed), time.monotonic() - began_s
        lines: dict[str, dict[str, float | str]] = {
            each: {} for each in ("own", "helpers", "growth", "grown")
        }
        for peer, tool in self._tools.items():
            if isinstance(tool, str) or peer in failed:
                why = tool if isinstance(tool, str) else failed[peer]
                for each in lines.values():
                    each[peer] = why
                continue
            lines["own"][peer], lines["helpers"][peer] = tool.memory_mb()
            (objects_0, helpers_0), (objects_1, helpers_1) = before[peer], after[peer]
            lines["growth"][peer] = (objects_1 - objects_0) / elapsed_s * S_PER_H
            lines["grown"][peer] = helpers_1 - helpers_0
        labels = {
            "own": f"the user's process (an empty one has {self._empty_mb():.0f} MB)",
            "helpers": "the processes that it started",
            "growth": "growth of Python objects in the user's process",
            "grown": f"growth of the processes that it started, in {elapsed_s:.0f} s",
        }
        units = {"growth": "MB/h"}
        return Table(
            "Memory",
            MEMORY,
            [
                Line(key, labels[key], units.get(key, "MB"), values, least=0.1)
                for key, values in lines.items()
            ],
            self._plan.peers,
            "memory: ",
        )

    def _held(self, failed: Mapping[str, str]) -> dict[str, tuple[float, float]]:
        """MB of Python objects in the user's process, and of everything in the others."""
        found = {}
        for peer, tool in self._tools.items():
            if isinstance(tool, Tool) and peer not in failed:
                found[peer] = (tool.ask("traced")["bytes"] / 1e6, tool.memory_mb()[1])
        return found

    def _empty_mb(self) -> float:
        tool = next(each for each in self._tools.values() if isinstance(each, Tool))
        with Tool(OURS, tool.site) as bare:
            bare.ask("traced")
            return bare.memory_mb()[0]

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


CPU = """\
One CPU package and one GPU, an idle user's process, all its processes added up, over {span:.0f} s. The rate is
what was asked for: carbontracker takes a second for each reading of RAPL, Zeus reads RAPL at the ends of a
window alone (and looks once a second for its wrap). Part of it is the stand-in for NVIDIA's library."""

PACE = """\
How much longer a loop takes while the tool reads ten times a second than while it does not, switched within
one process: {pairs} pairs of loops of a fifth of a second, the median with its 95 % interval. *CPU* is all that
the user's process used, its threads included; processes beside it show in *time* alone, which on shared
cores says little."""

MEMORY = """\
At ten readings a second with one CPU package and one GPU. The first line is with Python's own bookkeeping of
its objects, which the third one needs: about a fifth more than without."""
