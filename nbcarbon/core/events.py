"""What happens in a session. The channel carries, the ledger stores and the session folds these.

The kernel says when a cell opens and ends and what the user set; the sampler says everything else.
One codec: an event is a JSON object of its fields with `type` beside them. A reader meets files of
later versions: unknown types come back as `Unknown`, unknown fields are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.core.cell import CellReport, CellRun, Outcome
    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import DeviceEnergy
    from nbcarbon.core.intensity import Intensity, Zone


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
class SamplerStarted:
    """A sampler took up the session: the first, or one after the last was lost."""

    pid_number: int
    mode: str = "process"


@dataclass(frozen=True, slots=True)
class DevicesFound:
    """All devices of this session from here on."""

    devices: tuple[Device, ...]


class DevicePoint(NamedTuple):
    """How far one device has come: joules so far, and how many seconds of them were truly observed."""

    device_id: str
    energy_j: float
    seen_s: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """Every device's point, one second apart or more."""

    instant_s: float
    points: tuple[DevicePoint, ...]


@dataclass(frozen=True, slots=True)
class CellClosed:
    report: CellReport


@dataclass(frozen=True, slots=True)
class BetweenMeasured:
    """What was used while no cell ran."""

    start_s: float
    end_s: float
    devices: tuple[DeviceEnergy, ...]


@dataclass(frozen=True, slots=True)
class IntensityLearned:
    zone: Zone
    intensity: Intensity


GRID_NOTICES: Final = ("zone", "intensity")
"""Keys of notices that stand and fall with the zone."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """One sentence for the user, said once a session. `key` tells two notices apart."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class SessionEnded:
    end_s: float
    reason: str = "ended"


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a later version: kept, not understood."""

    type: str
    fields: Mapping[str, Any]


Event = Union[  # noqa: UP007 (built at run time, by name)
    CellOpened, CellRestarted, CellEnded, SettingChanged, SessionStarted, SamplerStarted, DevicesFound, Sampled,
    CellClosed, BetweenMeasured, IntensityLearned, Noticed, SessionEnded, Unknown,
]  # fmt: skip

_TYPES: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in get_args(Event) if kind is not Unknown
}
_HINTS: Final[dict[type[Any], dict[str, Any]]] = {}


def to_json(event: Event) -> dict[str, Any]:
    """An event as plain JSON values."""
    if isinstance(event, Unknown):
        return {"type": event.type, **event.fields}
    return {"type": type(event).__name__, **_plain(event)}


def from_json(value: Mapping[str, Any]) -> Event:
    """The event a JSON object stands for.

    Raises ValueError where the object is no event or a field has a value it cannot have.
    """
    name = value.get("type")
    if not isinstance(name, str):
        raise ValueError("an event needs a type")
    rest = {key: item for key, item in value.items() if key != "type"}
    if name not in _TYPES:
        return Unknown(name, rest)
    try:
        built: Event = _build(_TYPES[name], rest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a {name}: {error!r}") from error
    return built


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return str(value) if isinstance(value, StrEnum) else value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}


def _build(kind: Any, value: Any) -> Any:
    """A value of the annotated type from its plain form."""
    origin = get_origin(kind)
    if origin is tuple:
        arguments = get_args(kind)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], item) for item in value)
        return tuple(_build(each, item) for each, item in zip(arguments, value, strict=True))
    if origin is not None:  # X | None is the only union here
        present = next(each for each in get_args(kind) if each is not type(None))
        return None if value is None else _build(present, value)
    if hasattr(kind, "_fields"):
        hints = _hints(kind)
        return kind._make(
            _build(hints[name], item) for name, item in zip(kind._fields, value, strict=True)
        )
    if hasattr(kind, "__dataclass_fields__"):
        hints = _hints(kind)
        return kind(
            **{key: _build(hints[key], item) for key, item in value.items() if key in hints}
        )
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is not {kind.__name__}")
    return value


def _hints(kind: type[Any]) -> dict[str, Any]:
    """Field types, resolved when first needed: the kernel that only sends never pays for it."""
    if kind not in _HINTS:
        from nbcarbon.core import cell, device, energy, intensity

        names = {**vars(cell), **vars(device), **vars(energy), **vars(intensity)}
        names["datetime"] = datetime
        _HINTS[kind] = get_type_hints(kind, localns=names)
    return _HINTS[kind]
