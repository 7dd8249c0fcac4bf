"""What the kernel says of a session: its part of the events, kept apart because it pays for every class.

The sampler says the rest; `events` knows all of them and reads them back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbcarbon.core.cell import CellRun, Outcome


@dataclass(frozen=True, slots=True)
class Edge:
    """One end of a run, as the kernel's hook saw it, before or after the user's code.

    `counters_j` are joules of the devices whose counter is a plain file, read at `instant_s` itself.
    `cpu_s` is the CPU time of the kernel process so far. `thread_number` is the thread's native id.
    """

    instant_s: float
    cpu_s: float
    thread_number: int
    counters_j: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class CellOpened:
    run: CellRun
    edge: Edge


@dataclass(frozen=True, slots=True)
class CellRestarted:
    """A run begins only now: what came before was waiting for work that others had queued."""

    index: int
    edge: Edge


@dataclass(frozen=True, slots=True)
class CellEnded:
    """The kernel's word that a run is over; the sampler answers with `CellClosed`.

    `name` is the one it got while it ran, empty where it kept the one it began with.
    """

    index: int
    edge: Edge
    outcome: Outcome
    flags: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """The user set something in a running session: zone, pue, attribution, measuring, notebook."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SessionStarted:
    id: str
    started_at: datetime
    start_s: float
    host: str
    python: str
    nbcarbon: str
    notebook: str
    boot_id: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SessionEnded:
    end_s: float
    reason: str = "ended"


def as_json(event: Any) -> dict[str, Any]:
    """An event as plain JSON values: its fields, with `type` beside them."""
    return {"type": type(event).__name__, **_plain(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return str(value) if isinstance(value, StrEnum) else value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
