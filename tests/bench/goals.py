"""Every goal as a row: what is wanted, what was reached, the best peer, and what physics leaves.

Rows of a real kernel come from the benches that `make bench` runs; the others are made here, from the
tables in which nbcarbon stands beside its peers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.bench.peers import OURS
from tests.bench.rows import Row
from tests.bench.tables import LABELS, LIMIT, digits, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.bench.accuracy import Held
    from tests.bench.limits import Limits
    from tests.bench.tables import Line, Table

ERROR_GOALS = {
    "rapl": ("G9", "CPU energy", {0.05: 1.2, 0.2: 0.4, 1.0: 0.06, 5.0: 0.06, 30.0: 0.06}),
    "gpu20": (
        "G10",
        "GPU energy, 20-ms counter",
        {0.05: 5.0, 0.2: 0.6, 1.0: 0.2, 5.0: 0.2, 30.0: 0.2},
    ),
    "gpu100": ("G11", "GPU energy, 100-ms counter", {0.2: 1.9, 1.0: 2.2, 5.0: 0.5}),
    "no-counter": ("", "GPU without a counter", {0.2: None, 1.0: None, 5.0: None}),
    "gpu8": ("G13", "eight GPUs", {0.2: None, 1.0: None, 5.0: None}),
}
MOST_OUTSIDE_PERCENT = 5.0
PART_OF_CODECARBON_START = 1 / 20
PART_OF_CODECARBON_CPU = 1 / 3


def compared(
    tables: Mapping[str, Table], held: Iterable[Held], alone: Iterable[Row], limits: Limits
) -> Iterator[Row]:
    """The rows that need the peers' numbers, or the hardware they all measured."""
    yield from _first_cell(tables, alone)
    yield from _networks(tables)
    yield from _sampling(tables, limits)
    yield from _pace(tables)
    yield from _growth(tables)
    yield from _errors(tables)
    yield from _intervals(held)
    for line in tables["adding"].lines:
        ours = line.number(OURS)
        if ours is not None:
            yield Row("G13", line.label, 0.1, ours, "%", f"adding.{line.key}", "0")


def _first_cell(tables: Mapping[str, Table], alone: Iterable[Row]) -> Iterator[Row]:
    """Against CodeCarbon in a plain process, which spares it what a kernel would add."""
    kernel = next((each for each in alone if each.beside == "cells.first_start"), None)
    line = tables["cells"].line("first_start")
    theirs = line.number("codecarbon") if line else None
    if kernel is not None and theirs:
        part = kernel.found / 1e3 / theirs
        yield Row("G2", "the same, as part of CodeCarbon's", PART_OF_CODECARBON_START, part, "")


def _networks(tables: Mapping[str, Table]) -> Iterator[Row]:
    """How much longer than without a network, which answers at once that there is none."""
    for part in ("start", "stop"):
        usual = _number(tables["cells"], f"first_{part}", OURS)
        for key in ("deaf", "silent"):
            line = tables["network"].line(f"{key} {part}")
            ours = line.number(OURS) if line else None
            if line is None or usual is None or ours is None:
                continue
            what = f"{line.label}: more than without any network"
            more_ms = 1e3 * max(0.0, ours - usual)
            yield Row("G5", what, None, more_ms, "ms", f"network.{line.key}", "0")


def _sampling(tables: Mapping[str, Table], limits: Limits) -> Iterator[Row]:
    line = tables["cpu"].line("10")
    if line is None or (ours := line.number(OURS)) is None:
        return
    reads_s = 10 * 60 * limits.read_s
    yield Row(
        "G6", "one package and one GPU at 10 Hz, all processes: CPU a minute", None, ours, "s",
        "cpu.10", f"{spoken(reads_s, 's')} for the readings of one file",
    )  # fmt: skip
    theirs = line.number("codecarbon")
    if theirs:
        yield Row(
            "G6", "the same, as part of CodeCarbon's", PART_OF_CODECARBON_CPU, ours / theirs, ""
        )


def _pace(tables: Mapping[str, Table]) -> Iterator[Row]:
    for kind, limit in (("held", 0.5), ("released", None)):
        line = tables["pace"].line(f"{kind} cpu")
        ours = line.number(OURS) if line else None
        if line is not None and ours is not None:
            yield Row("G7", f"{line.label} is more by", limit, ours, "%", f"pace.{line.key}", "0")


def _growth(tables: Mapping[str, Table]) -> Iterator[Row]:
    line = tables["memory"].line("growth")
    ours = line.number(OURS) if line else None
    if line is not None and ours is not None:
        yield Row("G8", line.label, 0.4, ours, "MB/h", f"memory.{line.key}", "0")


def _errors(tables: Mapping[str, Table]) -> Iterator[Row]:
    table = tables["errors"]
    for machine, (goal, words, goals) in ERROR_GOALS.items():
        for duration_s, limit in goals.items():
            for own in ("", " own"):
                line = table.line(f"{machine} {duration_s:g}{own}")
                ours = line.number(OURS) if line else None
                if line is None or ours is None:
                    continue
                best = line.number(LIMIT)
                physical = "" if best is None else f"{digits(best)} %"
                cells = "cells that are its only work, " if own else "cells of "
                what = f"{words}, {cells}{duration_s:g} s: error"
                yield Row(goal, what, limit, ours, "%", f"errors.{line.key}", physical)
                theirs = line.number("zeus")
                if goal == "G9" and theirs:
                    yield Row("G9", "   the same, as part of Zeus's", 1.0, ours / theirs, "")


def _intervals(held: Iterable[Held]) -> Iterator[Row]:
    by_machine: dict[str, list[Held]] = {}
    for each in held:
        if each.shorter:
            what = f"{each.words}: of {each.count} cells of {each.duration_s:g} s do not say they are too short"
            yield Row("G12", what, 0, each.count - each.below, "", "none", "0")
        by_machine.setdefault(each.words, []).append(each)
    for words, cells in by_machine.items():
        count = sum(each.count for each in cells)
        outside = count - sum(each.inside for each in cells)
        yield Row(
            "G12", f"{words}: outside their interval, of {count} cells", MOST_OUTSIDE_PERCENT,
            100 * outside / count, "%", "none", "5 % by definition",
        )  # fmt: skip


def markdown(rows: Iterable[Row], tables: Mapping[str, Table]) -> Iterator[str]:
    yield f"## Goals\n\n{TEXT}\n"
    yield "| | | goal | reached | best peer | no program below |"
    yield "|---|---|---:|---:|---:|---:|"
    for row in _in_order(rows):
        limit = "" if row.limit is None else f"{_shown(row, row.limit)}"
        reached = _shown(row, row.found)
        if not row.met:
            reached = f"**{reached}, missed**"
        what = row.what.strip()
        yield (
            f"| {row.goal} | {what} | {limit} | {reached} | {_beside(row, tables)} "
            f"| {row.physical or '–'} |"
        )
    yield ""


def _in_order(rows: Iterable[Row]) -> list[Row]:
    """By goal; within one as they were found."""
    return sorted(rows, key=lambda row: int(row.goal[1:]) if row.goal else 99)


def _shown(row: Row, value: float) -> str:
    return f"{digits(value)} {row.unit}".strip()


def _beside(row: Row, tables: Mapping[str, Table]) -> str:
    if row.beside == "none":
        return "none has it"
    line = _line(row, tables)
    best = line.best_peer() if line else None
    return f"{LABELS[best[0]]} {spoken(best[1], line.unit)}" if line and best else "–"


def _line(row: Row, tables: Mapping[str, Table]) -> Line | None:
    name, _, key = row.beside.partition(".")
    return tables[name].line(key) if name in tables else None


def _number(table: Table, key: str, tool: str) -> float | None:
    line = table.line(key)
    return line.number(tool) if line else None


def with_limits(row: Row, limits: Limits) -> Row:
    """What a row of a real kernel cannot go below, where that was measured here."""
    if row.beside == "cells.load_cpu":
        return replace(row, physical=f"{spoken(limits.start_s, 's')} to start one process")
    if row.beside in ("cells.both", "cells.whole"):
        return replace(row, physical=f"{digits(2e6 * limits.read_s)} µs for two readings")
    return row


TEXT = """\
Rows of G1 to G5, G14 and G15 are of a real kernel; their peers are measured in a plain process, which spares
them what a kernel adds. A dash: no peer has it, or it cannot be compared."""
