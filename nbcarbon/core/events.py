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

from nbcarbon.core.said import (
    CellEnded,
    CellOpened,
    CellRestarted,
    Edge,
    SessionEnded,
    SessionStarted,
    SettingChanged,
    as_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.core.cell import CellReport
    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import DeviceEnergy
    from nbcarbon.core.intensity import Intensity, Zone

__all__ = [
    "GRID_NOTICES",
    "BetweenMeasured",
    "CellClosed",
    "CellEnded",
    "CellOpened",
    "CellRestarted",
    "DevicePoint",
    "DevicesFound",
    "Edge",
    "Event",
    "IntensityLearned",
    "Noticed",
    "Sampled",
    "SamplerStarted",
    "SessionEnded",
    "SessionStarted",
    "SettingChanged",
    "Unknown",
    "from_json",
    "to_json",
]


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
    return as_json(event)


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
    if hasattr(kind, "_fields") and isinstance(value, list):
        value = dict(zip(kind._fields, value, strict=True))
    if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "_fields"):
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
