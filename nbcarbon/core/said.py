"""What the kernel says of a session: its part of the events. `events` has the sampler's and reads all back.

They stand apart, and are named tuples, because a kernel pays for every class when nbcarbon is loaded:
a dataclass costs seven times as much.
"""

from __future__ import annotations

from binascii import b2a_base64
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nbcarbon.core.cell import CellRun, Outcome


class Edge(NamedTuple):
    """One end of a run, as the kernel's hook saw it, before or after the user's code.

    `counters_j` are joules of the devices whose counter is a plain file, read at `instant_s` itself.
    `cpu_s` is the CPU time of the kernel process so far. `thread_number` is the thread's native id.
    """

    instant_s: float
    cpu_s: float
    thread_number: int
    counters_j: tuple[tuple[str, float], ...] = ()


class CellOpened(NamedTuple):
    run: CellRun
    edge: Edge


class CellRestarted(NamedTuple):
    """A run begins only now: what came before was waiting for work that others had queued."""

    cell_index: int
    edge: Edge


class CellEnded(NamedTuple):
    """The kernel's word that a run is over; the sampler answers with `CellClosed`.

    `name` is the one it got while it ran, empty where it kept the one it began with.
    """

    cell_index: int
    edge: Edge
    outcome: Outcome
    flags: tuple[str, ...] = ()
    name: str = ""


class SettingChanged(NamedTuple):
    """The user set something in a running session: zone, pue, attribution, measuring, notebook."""

    name: str
    value: str


class CellsNoted(NamedTuple):
    """What the user said of runs (`notes`): of those from one index to another, to whatever comes where
    that is None."""

    name: str
    value: str
    first_index: int
    last_index: int | None = None


class SessionStarted(NamedTuple):
    id: str
    started_at: datetime
    start_s: float
    host: str
    python: str
    nbcarbon: str
    notebook: str
    boot_id: str
    settings: tuple[tuple[str, str], ...] = ()


class SessionEnded(NamedTuple):
    end_s: float
    reason: str = "ended"


def as_json(event: Any) -> dict[str, Any]:
    """An event as plain JSON values: its fields, with `type` beside them."""
    return {"type": type(event).__name__, **_plain(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return str(value) if isinstance(value, StrEnum) else value
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        if names is not None:
            return {name: _plain(item) for name, item in zip(names, value, strict=True)}
        return [_row(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return str(b2a_base64(value, newline=False), "ascii")
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}


def _row(item: Any) -> Any:
    """One of many: named tuples in a list are rows of a table, without their names."""
    return [_plain(each) for each in item] if isinstance(item, tuple) else _plain(item)
