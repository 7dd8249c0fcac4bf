"""`whatif`: a session or a cell in another zone, in another building, on another GPU, with every assumption."""

from __future__ import annotations

import re
from math import isclose
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core import humanize
from nbcarbon.core.device import Kind as DeviceKind
from nbcarbon.core.emissions import Emissions, operational
from nbcarbon.core.energy import contained
from nbcarbon.core.humanize import CO2E
from nbcarbon.core.scenario import Assumption
from nbcarbon.core.scenario_words import listed
from nbcarbon.core.whatif import Moved, Share, Swap, moved
from nbcarbon.core.where import Kind
from nbcarbon.deciding.asked import number
from nbcarbon.deciding.place import chosen
from nbcarbon.deciding.sessions import index_of, place_of, used_by
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.session import Session
    from nbcarbon.deciding.place import Place

MOST_SPEED: Final = 1e6
_SAID: Final = ("zone", "cloud", "intensity", "pue", "gpu", "speed")
_NUMBERED: Final = re.compile(r"GPU \S+ ")
"""What a GPU's name begins with here, before what its driver calls it."""


class Side(NamedTuple):
    """Here or there: what it takes, and where."""

    energy: Energy
    duration_s: float
    emissions: Emissions
    place: Place


class WhatIf(NamedTuple):
    """Both sides, and what the other one rests on."""

    what: str
    here: Side
    there: Side
    assumptions: tuple[Assumption, ...]


def whatif(session: Session, given: Namespace) -> WhatIf:
    """What the options ask for. Raises SettingError."""
    if all(getattr(given, name) is None for name in _SAID):
        raise SettingError(
            "What if what?", hint="For example: %carbon whatif --zone SE --gpu H100 --pue 1.1"
        )
    speed = number("--speed", given.speed, 1 / MOST_SPEED, MOST_SPEED)
    cell = " ".join(given.cell)
    used, here, shares = used_by(session, cell), place_of(session), _shares(session, cell)
    if used.energy.energy_j <= 0:
        raise SettingError("Nothing has been measured yet.", hint="Run a cell first.")
    there = chosen(given, here)
    swap, hardware = _swap(given.gpu, shares)
    after = moved(used.energy, used.duration_s, shares, swap, speed=speed or 1.0)
    return WhatIf(
        used.what,
        _side(Moved(used.energy, used.duration_s, 1.0), here),
        _side(after, there),
        (*_of_hardware(hardware, after), _of_time(speed, swap), *there.assumptions()),
    )


def _side(taken: Moved, place: Place) -> Side:
    emitted = operational(taken.energy, pue=place.pue, intensity=place.intensity)
    return Side(taken.energy, taken.duration_s, emitted, place)


def _shares(session: Session, cell: str) -> list[Share]:
    """Whose joules they are, each joule once."""
    devices = session.devices
    if cell:
        found = session.figures_of(index_of(session, cell)).devices
        joules = {each.id: each.energy_j for each in found if each.counted}
    else:
        booked = {each: session.charged_j(each) for each in devices}
        ids = {each for each, energy_j in booked.items() if energy_j > 0}
        joules = {each: booked[each] for each in ids if not contained(devices[each], ids, devices)}
    return [_share(devices[each], energy_j) for each, energy_j in joules.items()]


def _share(device: Device, energy_j: float) -> Share:
    if device.kind is not DeviceKind.GPU:
        return Share(device.kind, device.name, energy_j)
    from nbcarbon.hardware import rated

    name = _NUMBERED.sub("", device.name)
    try:
        rated_w: float | None = rated.gpu(name).rated_w
    except SettingError:
        rated_w = device.max_power_w or None
    return Share(device.kind, name, energy_j, rated_w)


def _swap(gpu: str | None, shares: Iterable[Share]) -> tuple[Swap | None, str]:
    """Another GPU, and in words what it stands in for. Raises SettingError."""
    if gpu is None:
        return None, ""
    from nbcarbon.hardware import rated

    found = rated.gpu(gpu)
    gpus = [each for each in shares if each.kind is DeviceKind.GPU and each.energy_j > 0]
    if not gpus:
        raise SettingError(
            "No GPU was measured that another one could stand in for.",
            hint="%carbon estimate --gpu A100 --hours 2 tells what one would use.",
        )
    if any(each.rated_w is None for each in gpus):
        raise SettingError("The rated power of the GPU here is not known.", hint="Leave out --gpu.")
    now = " and ".join(
        dict.fromkeys(f"{each.name} ({humanize.power(each.rated_w or 0.0)})" for each in gpus)
    )
    swap = Swap(found.name, found.rated_w, found.low_w, found.high_w)
    return swap, f"{found.name} ({humanize.power(found.rated_w)}) in place of each {now}"


def _of_hardware(hardware: str, after: Moved) -> tuple[Assumption, ...]:
    if not hardware:
        return (Assumption("hardware", "as here", "the same power"),)
    times = humanize.number(after.gpu_ratio_fraction)
    return (
        Assumption(
            "hardware",
            f"{hardware}: × {times} its power",
            "the same part of the rated power is assumed, ± 50 %; all else draws what it draws here",
        ),
    )


def _of_time(speed: float | None, swap: Swap | None) -> Assumption:
    if speed is not None:
        return Assumption("time", f"{humanize.number(speed)} times as fast as here", "set by you")
    if swap is None:
        return Assumption("time", "as long as here", "the same hardware")
    return Assumption(
        "time", "as long as here", "no table tells: --speed 2 if it takes half as long"
    )


def lines(found: WhatIf) -> tuple[str, ...]:
    """Both sides in words, the ratio of them, and what the other one rests on."""
    here, there = found.here, found.there
    widest = max(len(found.what), len("there"))
    indent = " " * (widest + 3)
    head = []
    for name, side in ((found.what, here), ("there", there)):
        words, ranges = _side_words(side)
        head += [f"{name:<{widest}}   {words}", *([indent + ranges] if ranges else [])]
    ratios = [_ratio(there.energy.energy_j, here.energy.energy_j, "energy")]
    rows = list(found.assumptions)
    why_not = _incomparable(here.place, there.place)
    if why_not:
        rows.append(Assumption("compared", "energy alone", why_not))
    elif here.emissions.emissions_g > 0:
        ratios.append(_ratio(there.emissions.emissions_g, here.emissions.emissions_g, "CO₂e"))
    return (*head, indent + ", ".join(ratios), *(f"  {each}" for each in listed(rows)))


def _side_words(side: Side) -> tuple[str, str]:
    """Figures, and the ranges that `about` stands for."""
    used, emitted = side.energy, side.emissions
    energy = humanize.energy_estimate(used.energy_j, used.low_j, used.high_j)
    grams = humanize.estimate(emitted.emissions_g, emitted.low_g, emitted.high_g, scale=CO2E)
    ranges = [each.range for each in (energy, grams) if each.wide and each.range]
    words = f"{humanize.duration(side.duration_s)}   {energy}   {grams}"
    return words, f"range {', '.join(ranges)}" if ranges else ""


def _ratio(there: float, here: float, what: str) -> str:
    if isclose(there, here):
        return f"the same {what}"
    return f"×{humanize.SPACE}{humanize.number(there / here)} the {what}"


def _incomparable(here: Place, there: Place) -> str:
    """Why two emissions must not be divided, empty where they may."""
    if there.zone is None or here.zone == there.zone:
        return ""
    if here.zone is None or here.zone.id is None:
        return "where this is is not known"
    one, other = Kind.of(here.intensity), Kind.of(there.intensity)
    return (
        "" if one == other else f"the figure here is of another kind ({one}) than there ({other})"
    )
