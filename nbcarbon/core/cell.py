"""One execution of a cell: who it was, when it ran, how it ended, what it used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from nbcarbon.core.energy import DeviceEnergy


_MADE_KEY = re.compile(r"[0-9a-f]{12}-[0-9]+")


def is_made(key: str) -> bool:
    """Whether a run's key was made from its source, not given by the notebook."""
    return _MADE_KEY.fullmatch(key) is not None


class Role(StrEnum):
    """A user's own work, or something the front end ran on its own (silent runs, inspectors)."""

    CELL = "cell"
    FRONT_END = "front_end"


class Outcome(StrEnum):
    OK = "ok"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    KERNEL_DIED = "kernel_died"
    UNCLOSED = "unclosed"


@dataclass(frozen=True, slots=True)
class CellRun:
    """Who and when. Never the source: only a key made from its hash.

    `key` is the notebook's cell id, else a hash of the source with an ordinal. `parent_index` is the
    run this one was nested in; its joules are the parent's too and are never added twice.
    `repeat_count` is how often it ran the body of its parent, 0 where it is no such repetition.
    """

    key: str
    index: int
    name: str
    role: Role
    started_at: datetime
    start_s: float
    parent_index: int | None = None
    repeat_count: int = 0

    @property
    def cell_id(self) -> str | None:
        """The notebook's own id of the cell, None where the key was made from the source."""
        return None if is_made(self.key) else self.key


@dataclass(frozen=True, slots=True)
class CellReport:
    """The facts about one finished run. Emissions and shares are derived from them.

    `flags`: `unsynced` (GPU work may have been still queued at the end), `overlap` (ran beside
    another cell, whose common time is divided), `thread` (no sampler process could be started).
    """

    run: CellRun
    end_s: float
    outcome: Outcome
    devices: tuple[DeviceEnergy, ...]
    flags: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return self.end_s - self.run.start_s
