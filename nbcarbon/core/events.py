"""What happens in a session. The channel carries, the ledger stores and the session folds these.

The kernel says when a cell opens and ends and what the user set; the sampler says everything else.
One codec: an event is a JSON object of its fields with `type` beside them. A reader meets files of
later versions: unknown types come back as `Unknown`, unknown fields are left out.
"""

from __future__ import annotations

from binascii import a2b_base64
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from sys import intern
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    NamedTuple,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from nbcarbon.core.said import (
    CellEnded,
    CellOpened,
    CellRestarted,
    CellsNoted,
    Edge,
    SessionEnded,
    SessionStarted,
    SettingChanged,
    as_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbcarbon.core.attribution import Rule
    from nbcarbon.core.baseline import Baseline
    from nbcarbon.core.booking import Charged
    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.cell import CellReport
    from nbcarbon.core.device import Device
    from nbcarbon.core.embodied import Manufactured
    from nbcarbon.core.energy import DeviceEnergy, Energy
    from nbcarbon.core.figures import Seen
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.reports import Shape

    Builder = Callable[[Any], Any]

__all__ = [
    "GRID_NOTICES",
    "BaselineLearned",
    "BetweenMeasured",
    "CalibrationLearned",
    "CellClosed",
    "CellEnded",
    "CellOpened",
    "CellRestarted",
    "CellsKept",
    "CellsNoted",
    "DevicePoint",
    "DeviceSum",
    "DevicesFound",
    "Edge",
    "Event",
    "Folded",
    "HardwareLearned",
    "IntensityLearned",
    "Noticed",
    "PartSum",
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
class CellsKept:
    """Finished runs, packed (`reports`). Their sums are in `Folded`."""

    shapes: tuple[Shape, ...]
    data: bytes


class PartSum(NamedTuple):
    """One part of the session's joules by one rule, so far, of one set of devices (`booking.Booking`)."""

    rule: Rule
    name: str
    devices: tuple[str, ...]
    energy: Energy
    ends: Energy
    time_s: float


class DeviceSum(NamedTuple):
    """How far a device's joules have been booked, and how many of them were this notebook's."""

    device_id: str
    until_j: float
    energy_j: float
    own_j: float
    until_seen_s: float


@dataclass(frozen=True, slots=True)
class Folded:
    """The sums of a session so far, in place of the events that they are of: a compacted ledger's.

    `booked_s` is how far its time was booked. `anchors` are points beside those of the history: around the
    instants at which whatever is not booked yet begins.
    """

    booked_s: float | None
    until_s: float
    sampler_count: int
    damaged_count: int
    device_ids: tuple[str, ...]
    parts: tuple[PartSum, ...]
    devices: tuple[DeviceSum, ...]
    seen: tuple[tuple[Rule, Seen], ...]
    anchors: tuple[Sampled, ...] = ()
    overlapped: tuple[Charged, ...] = ()


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


@dataclass(frozen=True, slots=True)
class CalibrationLearned:
    """A calibration of this machine, for one set of its devices."""

    calibration: Calibration


@dataclass(frozen=True, slots=True)
class BaselineLearned:
    """What this machine uses at rest, as somebody measured it."""

    baseline: Baseline


@dataclass(frozen=True, slots=True)
class HardwareLearned:
    """What making this machine emitted, in place of what was said before: devices come late.

    `unknown` names the hardware of which there is no figure.
    """

    made: tuple[Manufactured, ...]
    unknown: tuple[str, ...] = ()


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
    CellOpened, CellRestarted, CellEnded, CellsNoted, SettingChanged, SessionStarted, SamplerStarted, DevicesFound, Sampled,
    CellClosed, CellsKept, Folded, BetweenMeasured, IntensityLearned, CalibrationLearned, BaselineLearned, HardwareLearned, Noticed,
    SessionEnded, Unknown,
]  # fmt: skip

LONGEST_SHARED: Final = 48
"""Characters of a string that is likely to come again: a device's id is one of a GPU's 40."""

_TYPES: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in get_args(Event) if kind is not Unknown
}
_BUILDERS: Final[dict[Any, Builder]] = {}


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
        built: Event = _builder(_TYPES[name])(rest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a {name}: {error!r}") from error
    return built


def _builder(kind: Any) -> Builder:
    """What makes a value of the annotated type from its plain form. Made once for each type."""
    if kind not in _BUILDERS:
        _BUILDERS[kind] = _make_builder(kind)
    return _BUILDERS[kind]


def _make_builder(kind: Any) -> Builder:
    origin = get_origin(kind)
    if origin is tuple:
        arguments = get_args(kind)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            each = _builder(arguments[0])
            return lambda value: tuple([each(item) for item in value])
        members = [_builder(argument) for argument in arguments]
        return lambda value: tuple([m(item) for m, item in zip(members, value, strict=True)])
    if origin is not None:  # X | None is the only union here
        present = _builder(next(each for each in get_args(kind) if each is not type(None)))
        return lambda value: None if value is None else present(value)
    if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "_fields"):
        return _fields_builder(kind)
    if kind is datetime:
        return datetime.fromisoformat
    if kind is bytes:
        return a2b_base64
    if issubclass(kind, StrEnum):
        return cast("Builder", kind)
    return partial(_checked, kind)


def _fields_builder(kind: Any) -> Builder:
    """Of a named tuple, which may be a row of a table without its names, or a dataclass."""
    members = {name: _builder(hint) for name, hint in _hints(kind).items()}
    in_order = [members[name] for name in getattr(kind, "_fields", ())]

    def build(value: Any) -> Any:
        if in_order and isinstance(value, list):
            return kind(*[m(item) for m, item in zip(in_order, value, strict=True)])
        return kind(**{key: members[key](item) for key, item in value.items() if key in members})

    return build


def _checked(kind: Any, value: Any) -> Any:
    if kind is float:
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    elif kind is str and isinstance(value, str) and len(value) <= LONGEST_SHARED:
        # Ids of devices and names of parts come again with every cell: one string for all of them.
        return intern(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is not {kind.__name__}")
    return value


def _hints(kind: type[Any]) -> dict[str, Any]:
    """Field types, resolved when first needed: the kernel that only sends never pays for it."""
    from nbcarbon.core import cell, device, energy, intensity

    names = {**vars(cell), **vars(device), **vars(energy), **vars(intensity)}
    names["datetime"] = datetime
    if kind is CalibrationLearned:  # most kernels never hear of one
        from nbcarbon.core.calibration import Calibration

        names["Calibration"] = Calibration
    elif kind is BaselineLearned:
        from nbcarbon.core.baseline import Baseline

        names["Baseline"] = Baseline
    elif kind is HardwareLearned:
        from nbcarbon.core.embodied import Manufactured

        names["Manufactured"] = Manufactured
    elif kind in (CellsKept, Folded, PartSum):  # a compacted ledger's
        from nbcarbon.core.attribution import Rule
        from nbcarbon.core.booking import Charged
        from nbcarbon.core.figures import Seen
        from nbcarbon.core.reports import Shape

        names.update(Rule=Rule, Charged=Charged, Seen=Seen, Shape=Shape)
    return get_type_hints(kind, localns=names)
