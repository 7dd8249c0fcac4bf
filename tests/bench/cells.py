"""What a user waits for: import, the first cell, every later one (G1 to G4, like for like).

Every tool runs in a plain Python process of its own, all of them in turn, several times. What a real
kernel pays is in kernel_side.py: no peer has a part in it that could be measured there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.bench.hardware import USUAL, Hardware
from tests.bench.peers import PEERS
from tests.bench.peers.tool import Site, Tool, ToolFailed, used_s
from tests.bench.tables import Line, Table, median_or_why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.bench.plan import Plan

TEXT = """\
A plain process, one CPU package and one GPU; medians of {runs} fresh processes of each tool in turn, and
in each of {later} later cells. carbontracker tells the figures of its epochs when all are over."""

LINES = (
    ("load_cpu", "import: CPU", 2e-3),
    ("load_wall", "import: time", 5e-3),
    ("begin_cpu", "import and first start: CPU, all processes", 5e-3),
    ("first_start", "first cell: before the user's code", 1e-3),
    ("first_stop", "first cell: after it", 1e-3),
    ("start", "later cells: before the user's code", 1e-4),
    ("stop", "later cells: after it", 1e-4),
    ("both", "later cells: before and after", 1e-4),
    ("whole", "later cells: before and after, until its figures are there", 1e-4),
)

Found = dict[str, float | str]


def table(folder: Path, plan: Plan, tell: Callable[[str], None]) -> Table:
    runs: dict[str, list[Found]] = {each: [] for each in plan.peers}
    with Hardware(USUAL, folder) as hardware:
        for number in range(plan.runs):
            for peer in plan.peers:
                tell(f"cells {number + 1}/{plan.runs}: {peer}")
                runs[peer].append(session(peer, hardware.site, plan.later_cells))
    return Table(
        "Import, first cell, later cells",
        TEXT.format(runs=plan.runs, later=plan.later_cells),
        [
            Line(key, label, "s", _medians(runs, key), least=least)
            for key, label, least in LINES
        ],
    )  # fmt: skip


def session(peer: str, site: Site, later: int) -> Found:
    """One process: import, a first cell and some more."""
    found: Found = {}
    try:
        with Tool(peer, site) as tool:
            loaded = tool.ask("load")
            first = cell(tool)
            found |= {
                "load_cpu": loaded["cpu_s"],
                "load_wall": loaded["wall_s"],
                "begin_cpu": first["cpu"],
                "first_start": first["start"],
                "first_stop": first["stop"],
            }
            cells = [cell(tool) for _ in range(later)]
            for key in ("start", "stop", "both", "whole"):
                found[key] = median_or_why(each[key] for each in cells)
            if peer == "carbontracker":
                found["whole"] = "at the end"
    except ToolFailed as error:
        for key, *_ in LINES:
            found.setdefault(key, str(error))
    return found


def cell(tool: Tool, duration_s: float = 0.05, pause_s: float = 0.05) -> dict[str, float]:
    """One cell in which the user's code does nothing for a moment."""
    started = tool.ask("start")
    cpu_s = used_s({}, tool.cpu_s())
    time.sleep(duration_s)
    stopped = tool.ask("stop")
    figures = tool.ask("figures")
    time.sleep(pause_s)
    return {
        "start": started["wall_s"],
        "stop": stopped["wall_s"],
        "both": started["wall_s"] + stopped["wall_s"],
        "whole": started["wall_s"] + stopped["wall_s"] + figures["wall_s"],
        "cpu": cpu_s,
    }


def _medians(runs: dict[str, list[Found]], key: str) -> dict[str, float | str]:
    return {peer: median_or_why(each[key] for each in found) for peer, found in runs.items()}


def versions(peers: Iterable[str], site: Site) -> dict[str, str]:
    """What was measured: each tool's own word."""
    found = {}
    for peer in peers:
        try:
            with Tool(peer, site) as tool:
                said = tool.ask("version")
                found[PEERS[peer].label] = f"{said['version']} on Python {said['python']}"
        except ToolFailed as error:
            found[PEERS[peer].label] = str(error)
    return found
