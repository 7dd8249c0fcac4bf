"""Writes RESULTS.md: the machine and the versions, every goal, every table, what the peers do better."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import accuracy, cost, goals
from tests.bench.hardware import Hardware
from tests.bench.peers import OURS, PEERS
from tests.bench.tables import LABELS, OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.bench.measured import Measured

RESULTS = Path(__file__).with_name("RESULTS.md")


def markdown(found: Measured) -> Iterator[str]:
    yield f"# What was measured\n\n{HEAD}\n"
    yield from _circumstances(found)
    yield from _lost(found)
    rows = [goals.with_limits(each, found.limits) for each in found.rows]
    yield from goals.markdown(rows, found.tables)
    for name, table in found.tables.items():
        if not table.lines:
            continue
        if name == "pace":
            yield from cost.slowdown_markdown(table, found.pace, found.plan)
        else:
            yield from table.markdown()
        if name == "errors":
            yield from accuracy.intervals_markdown(found.held)
    yield from _not_measured(found.failed)


def _circumstances(found: Measured) -> Iterator[str]:
    reports = Hardware.reports
    writes = sum(each.writes for each in reports)
    gap_ms = 1e3 * max((each.longest_gap_s for each in reports), default=0.0)
    yield f"* {_machine()}, {datetime.now(UTC):%Y-%m-%d}, {found.minutes:.0f} minutes."
    for name, version in found.versions.items():
        peer = next(each for each in PEERS.values() if each.label == name)
        yield f"* {name} {version}: {peer.usage}."
    yield (
        f"* The powercap writer wrote {writes:,} times".replace(",", " ")
        + f", at most {gap_ms:.1f} ms apart: what is beyond a millisecond was the machine's doing."
    )
    if found.plan.quick:
        yield "* **A quick run**: far too few repetitions to quote anything."
    yield ""


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (each.partition(":") for each in info.read_text().splitlines())
        model = next(
            (text.strip() for name, _, text in lines if name.strip() == "model name"), model
        )
    release = ".".join(platform.release().split(".")[:2])
    return (
        f"{os.cpu_count()} cores of a machine with {model}, {platform.system()} {release}, "
        f"Python {platform.python_version()}"
    )


def _lost(found: Measured) -> Iterator[str]:
    yield f"## What the peers do better\n\n{LOST}\n"
    for tool in OTHERS:
        lost = [each for table in found.tables.values() for each in table.lost(tool)]
        if lost:
            yield f"**{LABELS[tool]}**\n"
            yield from (f"* {each}" for each in lost)
            yield ""


def _not_measured(failed: Iterable[str]) -> Iterator[str]:
    failed = list(failed)
    if failed:
        yield "## What could not be measured\n"
        yield from (f"* {each}" for each in failed)
        yield ""


HEAD = f"""\
By `make bench-peers`, all of it in one run, tools in turn. **The hardware is fake**: a powercap tree that a
small C program moves once a millisecond, and a stand-in for NVIDIA's library, whose true energy is known in
closed form. The peers are unmodified, each in an environment of its own, with what they would find on a real
machine, and no network but loopback. So this says how well a tool reads what the hardware counts and what
that costs, and nothing about how right real counters are. CPU seconds and medians of several runs are
meaningful; small differences of times on shared cores are not. {PEERS[OURS].label} stands first because it is
the one that is tested here."""

LOST = """\
Every line of the tables below in which a peer needs less than nine tenths of what nbcarbon needs, and not by
a mere moment: the peer's figure against nbcarbon's."""
