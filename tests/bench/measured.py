"""Everything that one run of the comparison found, and the order in which it is found."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.bench import accuracy, cells, cost, goals, limits, network
from tests.bench.__main__ import BENCHES
from tests.bench.hardware import USUAL, Hardware
from tests.bench.tables import Table, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.accuracy import Held
    from tests.bench.limits import Limits
    from tests.bench.plan import Plan
    from tests.bench.rows import Row

    Measure = Callable[[Path, Plan, Callable[[str], None]], Table]

KERNEL_BENCHES = ("load", "cells", "network", "memory", "killed", "scale")
"""Those of `make bench` that the comparison does not measure itself."""
MEANWHILE = ("live", "prepared", "sampler")
"""The same, which mostly wait: beside cells of thirty seconds, to which a moment is nothing."""
QUICK_BENCHES = ("cells", "network", "killed")
TABLES = ("cells", "network", "cpu", "pace", "memory", "errors", "adding")
"""In the order in which they are printed."""


@dataclass
class Measured:
    plan: Plan
    folder: Path
    versions: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(
        default_factory=lambda: {each: Table("", "") for each in TABLES}
    )
    pace: list[str] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _began_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.limits: Limits = limits.measure(self.folder)
        self._alone: list[Row] = []

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self._began_s) / 60

    def tell(self, text: str) -> None:
        """Where it is, for whoever waits."""
        print(f"{self.minutes * 60:6.0f} s  {text}", file=sys.stderr, flush=True)

    def measure(self) -> None:
        """All of it. What fails is noted and leaves a gap."""
        self._find_versions()
        self._kernel(QUICK_BENCHES if self.plan.quick else KERNEL_BENCHES)
        self._table("cells", cells.table)
        self._table("network", network.table)
        self._table("cpu", cost.cpu)
        self._table("pace", self._pace)
        if not self.plan.quick:
            self._table("adding", accuracy.adding_up)
        self._table("errors", self._energy)
        self.rows = [
            *self._alone,
            *goals.compared(self.tables, self.held, self._alone, self.limits),
        ]

    def _table(self, name: str, measure: Measure) -> None:
        try:
            self.tables[name] = measure(self._below(name), self.plan, self.tell)
        except Exception as error:  # noqa: BLE001 # one that fails must not take all others along
            self._note(name, error)

    def _note(self, name: str, error: Exception) -> None:
        traceback.print_exception(error)
        self.failed.append(said(f"`{name}`: {type(error).__name__}: {error}"))

    def _pace(self, folder: Path, plan: Plan, tell: Callable[[str], None]) -> Table:
        table, self.pace = cost.slowdown(folder, plan, tell)
        return table

    def _find_versions(self) -> None:
        with Hardware(USUAL, self._below("versions")) as hardware:
            self.versions = cells.versions(self.plan.peers, hardware.site)

    def _kernel(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.tell(f"a real kernel: {name}")
            try:
                self._alone += BENCHES[name](self._below(f"kernel-{name}"))
            except Exception as error:  # noqa: BLE001 # as above
                self._note(name, error)

    def _energy(self, folder: Path, plan: Plan, tell: Callable[[str], None]) -> Table:
        """Memory grows beside the tools that have to be alone: neither disturbs what is measured."""
        with accuracy.Accuracy(folder, plan, tell) as found:
            found.short_cells()
            found.long_cells(lambda: self._kernel(MEANWHILE))
            with cost.Memory(self._below("memory"), plan) as memory:
                tell("memory")
                growing = memory.begin()
                found.alone()
                self._table("memory", lambda *_: growing.end())
        self.held = accuracy.intervals(found.found, plan)
        return accuracy.errors(found.found, found.failed, plan)

    def _below(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder
