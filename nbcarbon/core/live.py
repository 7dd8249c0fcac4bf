"""A session in the middle of things: what was booked, and what the cell that runs has used so far.

Cheap enough for once a second: nothing in it grows with the number of cells. What runs is known from
the sampler's points, a second old at most; the facts replace it when the cell closes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbcarbon.core.attribution import Rule
from nbcarbon.core.booking import divided, seen_devices
from nbcarbon.core.cell import Role
from nbcarbon.core.device import Provenance
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import contained, total
from nbcarbon.core.lifecycle import of_energy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.cell import CellRun
    from nbcarbon.core.device import Device
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.energy import DeviceEnergy, Energy
    from nbcarbon.core.events import Sampled
    from nbcarbon.core.lifecycle import Lifecycle
    from nbcarbon.core.session import Session


@dataclass(frozen=True, slots=True)
class Live:
    """`energy` is the session's with what runs; `running_energy` is that of the run alone.

    `run` is the innermost cell that runs, `run_s` for how long as far as readings reach.
    `measured_fraction` is None while nothing was used. `powers_w` is the mean by counted device from
    `from_s` to `until_s`, None where it was not observed; `power_w` adds those that were. With a
    `calibration`, `running_energy` and `power_w` are those at the wall.
    """

    energy: Energy
    emissions: Emissions
    cells_fraction: float | None
    measured_fraction: float | None
    from_s: float | None
    until_s: float
    power_w: float | None
    devices: tuple[Device, ...]
    powers_w: tuple[float | None, ...]
    run: CellRun | None
    run_s: float
    running_energy: Energy
    running_emissions: Emissions
    calibration: Calibration | None = None
    lifecycle: Lifecycle | None = None


def live(session: Session, *, since: Sampled | None = None) -> Live:
    """The session as it stands now, priced. Power is the mean since a point, or of the last interval."""
    whole = session.unbooked()
    unbooked = [_charged(session, each) for each in whole]
    calibration = session.calibration_of(whole)
    running = _running(session, whole, unbooked, calibration)
    energy = session.energy() + running
    devices = counted(session)
    latest = session.history.latest([each.id for each in devices], since=since)
    powers_w = (None,) * len(devices) if latest is None else latest.powers_w
    known_w = [each for each in powers_w if each is not None]
    power_w = sum(known_w) if known_w else None
    if calibration is not None and power_w is not None and len(known_w) == len(devices):
        power_w = calibration.power_w(power_w)
    runs = [run for run in session.open.values() if run.role is Role.CELL]
    run = max(runs, key=lambda each: each.index, default=None)
    cells_j = session.part("cells").energy_j + (running.energy_j if run is not None else 0.0)
    priced = {"pue": session.pue, "intensity": session.intensity}
    return Live(
        energy=energy,
        emissions=operational(energy, **priced),  # type: ignore[arg-type]
        cells_fraction=cells_j / energy.energy_j if energy.energy_j > 0 else None,
        measured_fraction=_measured_fraction(session, devices, unbooked),
        from_s=None if latest is None else latest.start_s,
        until_s=_read_until_s(session),
        power_w=power_w,
        devices=devices,
        powers_w=powers_w,
        run=run,
        run_s=0.0 if run is None else max(0.0, session.until_s - run.start_s),
        running_energy=running,
        running_emissions=operational(running, **priced),  # type: ignore[arg-type]
        calibration=calibration,
        lifecycle=_lifecycle(session, whole, running, calibration),
    )


def _read_until_s(session: Session) -> float:
    """The instant of the latest point; the session's beginning before there is one."""
    points = session.history.points
    if points:
        return points[-1].instant_s
    return session.started.start_s if session.started else 0.0


def counted(session: Session) -> tuple[Device, ...]:
    """Devices that were ever read and whose joules no other one holds already, in order of kind."""
    ids = session.history.device_ids & session.devices.keys()
    present = [session.devices[each] for each in ids]
    found = [each for each in present if not contained(each, ids, session.devices)]
    return tuple(sorted(found, key=lambda each: (each.kind, each.id)))


def _charged(session: Session, part: DeviceEnergy) -> DeviceEnergy:
    """What this notebook is likely to be charged with. Whose work it was is told when it is over."""
    if session.rule is Rule.MACHINE:
        return part
    own = part.scaled(session.own_fraction_of(part.device_id))
    return replace(own, low_j=0.0, high_j=part.high_j)


def _running(
    session: Session,
    whole: Sequence[DeviceEnergy],
    charged: Sequence[DeviceEnergy],
    calibration: Calibration | None,
) -> Energy:
    """The joules since the last booking, at the wall where there is a calibration."""
    if calibration is None:
        return total(charged, session.devices)
    time_s = max(0.0, session.unbooked_s())
    all_of_it = divided({"all": whole}, session.devices, time_s, rest="all")["all"]
    if session.rule is Rule.MACHINE:
        return all_of_it.calibrated(calibration)
    rest = [part.scaled(1 - session.own_fraction_of(part.device_id)) for part in whole]
    shares = divided({"own": charged, "rest": rest}, session.devices, time_s, rest="own")
    own = shares["own"].calibrated(calibration)
    return replace(own, low_j=0.0, high_j=all_of_it.calibrated(calibration).high_j)


def _lifecycle(
    session: Session,
    whole: Sequence[DeviceEnergy],
    running: Energy,
    calibration: Calibration | None,
) -> Lifecycle:
    """What all of it was made of: what was booked, and what came since."""
    booked = session.lifecycle()
    time_s = max(0.0, session.unbooked_s())
    whole_j = sum(part.energy_j for part in whole)
    if session.rule is not Rule.MACHINE and whole_j > 0:
        own_j = sum(part.energy_j * session.own_fraction_of(part.device_id) for part in whole)
        time_s *= own_j / whole_j
    if running.energy_j <= 0 and time_s <= 0:
        return booked.total
    return booked.total.plus(
        of_energy(
            running,
            seen_devices(whole, session.devices),
            time_s,
            booked.ground,
            calibration=calibration,
            pue=session.pue,
            intensity=session.intensity,
        )
    )


def _measured_fraction(
    session: Session, devices: tuple[Device, ...], unbooked: list[DeviceEnergy]
) -> float | None:
    so_far_j = {part.device_id: part.energy_j for part in unbooked}
    by_device = [
        (each.provenance, session.charged_j(each.id) + so_far_j.get(each.id, 0.0))
        for each in devices
    ]
    whole_j = sum(energy_j for _, energy_j in by_device)
    measured_j = sum(energy_j for known, energy_j in by_device if known is Provenance.MEASURED)
    return measured_j / whole_j if whole_j > 0 else None
