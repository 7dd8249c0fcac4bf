"""Whose joules are they? The rules that divide a window's energy between this notebook and others."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcarbon.core.energy import DeviceEnergy


class Rule(StrEnum):
    """Who is charged.

    `machine`: whatever the machine used while a cell ran is that cell's. Right on a personal machine.
    `share`: this notebook is charged for its processes' part of the work; the rest is `others`.
    Right where the machine is plainly shared.
    """

    MACHINE = "machine"
    SHARE = "share"


def own(part: DeviceEnergy, rule: Rule) -> DeviceEnergy:
    """This notebook's joules. Where nobody can tell whose work it was, all of them."""
    if rule is Rule.MACHINE or part.own_fraction is None:
        return part
    return part.scaled(part.own_fraction)


def rest(part: DeviceEnergy, rule: Rule) -> DeviceEnergy:
    """What `own` leaves over. The two always add up to the whole."""
    if rule is Rule.MACHINE or part.own_fraction is None:
        return part.scaled(0.0)
    return part.scaled(1.0 - part.own_fraction)


def between(part: DeviceEnergy, rule: Rule) -> tuple[DeviceEnergy, DeviceEnergy, DeviceEnergy]:
    """Joules of the time between cells: (background, between cells, others).

    Background is what this kernel's own processes did there: threads, tasks and children that
    outlived their cell, measured by their part of the work whatever the rule. The rest is nobody's
    in particular on a personal machine and somebody else's on a shared one.
    """
    fraction = 0.0 if part.own_fraction is None else part.own_fraction
    background, remainder = part.scaled(fraction), part.scaled(1.0 - fraction)
    if rule is Rule.MACHINE:
        return background, remainder, part.scaled(0.0)
    return background, part.scaled(0.0), remainder


def own_fraction(parts: Iterable[DeviceEnergy]) -> float | None:
    """This notebook's part of a window's joules over all devices, None where no device can tell."""
    known = [part for part in parts if part.own_fraction is not None]
    whole_j = sum(part.energy_j for part in known)
    if not known or whole_j <= 0:
        return None
    return sum(part.energy_j * (part.own_fraction or 0.0) for part in known) / whole_j
