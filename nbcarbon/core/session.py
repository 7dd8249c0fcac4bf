"""A session is the fold of its events: nothing in it that they do not say.

The live session in a kernel and one replayed from its ledger are folded by the same code, so they
are the same session. Emissions are priced when asked: learning the zone late re-prices everything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nbcarbon.core import attribution
from nbcarbon.core.attribution import Rule
from nbcarbon.core.booking import Booking, Books, charged, divided, seen_devices
from nbcarbon.core.cell import CellRun, Role, is_made
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    GRID_NOTICES,
    BaselineLearned,
    BetweenMeasured,
    CalibrationLearned,
    CellClosed,
    CellEnded,
    CellOpened,
    CellRestarted,
    CellsKept,
    CellsNoted,
    DevicesFound,
    DeviceSum,
    Folded,
    HardwareLearned,
    IntensityLearned,
    Noticed,
    PartSum,
    Sampled,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
    SettingChanged,
)
from nbcarbon.core.figures import CellFigures, Figures, Seen, SessionFigures, figures, seen
from nbcarbon.core.history import History
from nbcarbon.core.intensity import Accounting, Basis, Confidence, Intensity, Scope, Zone
from nbcarbon.core.lifecycle import Ground, SessionLifecycle, Water, of_session
from nbcarbon.core.notes import TAG, CellNotes, Notes
from nbcarbon.core.reports import NOT_RANKED, Page, Reports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from nbcarbon.core.baseline import Baseline
    from nbcarbon.core.booking import Charged
    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.cell import CellReport
    from nbcarbon.core.device import Device
    from nbcarbon.core.embodied import Manufactured
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.events import Event

UNKNOWN_ZONE = Zone(None, "unknown", "not looked for yet", Confidence.NONE)
WORLD = Intensity(
    g_per_kwh=458.29,
    low_g_per_kwh=52.85,
    high_g_per_kwh=692.4,
    basis=Basis.AVERAGE,
    scope=Scope.LIFECYCLE,
    accounting=Accounting.GENERATION,
    source="Ember via Our World in Data (CC BY)",
    year=2025,
    fallback=True,
)
"""Used in the first moments of a session, before its own intensity is known."""


SAME_S = 0.05
"""A point this near to the end of something was taken at that end."""


class Booked(NamedTuple):
    """How far one device's joules have been booked: cumulative ones of its trace, and sums of parts.

    `until_seen_s` are the trace's seen seconds there.
    """

    until_j: float = 0.0
    energy_j: float = 0.0
    own_j: float = 0.0
    until_seen_s: float = 0.0


class Session:
    """The fold of a session's events. `apply` is the only way anything gets in."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.started: SessionStarted | None = None
        self.ended: SessionEnded | None = None
        self.devices: dict[str, Device] = {}
        self.cells = Reports()
        self.open: dict[int, CellRun] = {}
        self.runs_of: dict[str, int] = {}
        self.nested: dict[int, list[int]] = {}
        self.notices: dict[str, str] = {}
        self.notes = Notes()
        self.zone = UNKNOWN_ZONE
        self.intensity = WORLD
        self.settings: dict[str, str] = {}
        self.history = History()
        self.until_s = 0.0
        self.sampler_count = 0
        self.calibrations: dict[tuple[str, ...], Calibration] = {}
        self.baseline: Baseline | None = None
        self.hardware: tuple[Manufactured, ...] | None = None
        self.unknown_hardware: tuple[str, ...] = ()
        self._books = {rule: Books() for rule in Rule}
        self._overlapped: dict[int, Charged] = {}
        self._seen = dict.fromkeys(Rule, Seen())
        self._booked: dict[str, Booked] = {}
        for event in events:
            self.apply(event)

    @property
    def pue(self) -> float:
        return float(self.settings.get("pue", "1.0"))

    @property
    def rule(self) -> Rule:
        """The rule in force. `auto` is settled by the sampler, which can see who else is here."""
        return Rule.SHARE if self.settings.get("attribution") == Rule.SHARE else Rule.MACHINE

    def apply(self, event: Event) -> None:
        """Take in one event. Events of a kind that says nothing about a session pass by."""
        step = _STEPS.get(type(event))
        if step is not None:
            step(self, event)

    def _session_started(self, event: SessionStarted) -> None:
        self.started = event
        self.until_s = max(self.until_s, event.start_s)
        self.settings.update(event.settings)

    def _sampler_started(self, event: SamplerStarted) -> None:
        self.sampler_count += 1
        self.ended = None

    def _devices_found(self, event: DevicesFound) -> None:
        self.devices.update((device.id, device) for device in event.devices)

    def _setting_changed(self, event: SettingChanged) -> None:
        self.settings[event.name] = event.value

    def _intensity_learned(self, event: IntensityLearned) -> None:
        self.zone, self.intensity = event.zone, event.intensity
        for key in GRID_NOTICES:
            self.notices.pop(key, None)  # what was said of the zone before is over

    def _calibration_learned(self, event: CalibrationLearned) -> None:
        self.calibrations[event.calibration.devices] = event.calibration

    def _cells_noted(self, event: CellsNoted) -> None:
        self.notes.add(event)

    def _baseline_learned(self, event: BaselineLearned) -> None:
        self.baseline = event.baseline

    def _hardware_learned(self, event: HardwareLearned) -> None:
        self.hardware, self.unknown_hardware = event.made, event.unknown

    def _noticed(self, event: Noticed) -> None:
        self.notices[event.key] = event.text

    def _sampled(self, event: Sampled) -> None:
        self.history.add(event)
        self.until_s = max(self.until_s, event.instant_s)

    def _cell_opened(self, event: CellOpened) -> None:
        if event.run.index not in self.cells:
            self.open[event.run.index] = event.run

    def _cell_restarted(self, event: CellRestarted) -> None:
        run = self.open.get(event.cell_index)
        if run is not None:
            self.open[event.cell_index] = replace(run, start_s=event.edge.instant_s)

    def _cell_ended(self, event: CellEnded) -> None:
        self.open.pop(event.cell_index, None)

    def _cell_closed(self, event: CellClosed) -> None:
        report = event.report
        self.open.pop(report.run.index, None)
        if report.run.index in self.cells:
            return
        run = report.run
        self._note(run.key, run.index, run.parent_index, run.repeat_count)
        self.until_s = max(self.until_s, report.end_s)
        joules = [NOT_RANKED for _ in Rule]
        if report.run.parent_index is None:
            front_end = report.run.role is Role.FRONT_END
            part = "front_end" if front_end else "cells"
            of, time_s = seen_devices(report.devices, self.devices), self._charge(report)
            for position, rule in enumerate(Rule):
                shares = {part: [attribution.own(each, rule) for each in report.devices]}
                if rule is not Rule.MACHINE:  # under which nothing is others'
                    shares["others"] = [attribution.rest(each, rule) for each in report.devices]
                added = divided(shares, self.devices, time_s, rest=part)
                self._books[rule].add(of, added)
                if not front_end:
                    joules[position] = added[part].energy.energy_j
                    self._seen[rule] = self._seen[rule].plus(seen(report, self.devices, rule))
            self._book(report.devices, report.end_s, report.duration_s)
        self.cells.add(report, joules)

    def _cells_kept(self, event: CellsKept) -> None:
        for each in self.cells.take(Page(event.shapes, event.data)):
            self._note(*each)

    def _note(self, key: str, index: int, parent_index: int | None, repeat_count: int) -> None:
        """What is asked of runs together. A key that was made comes once, and is not counted."""
        if not is_made(key):
            self.runs_of[key] = self.runs_of.get(key, 0) + 1
        if parent_index is not None and repeat_count:
            self.nested.setdefault(parent_index, []).append(index)

    def _between_measured(self, event: BetweenMeasured) -> None:
        self.until_s = max(self.until_s, event.end_s)
        of = seen_devices(event.devices, self.devices)
        for rule in Rule:
            parts = [attribution.between(each, rule) for each in event.devices]
            names = ("background", "between_cells", "others")
            shares = {name: [each[place] for each in parts] for place, name in enumerate(names)}
            rest = "between_cells" if rule is Rule.MACHINE else "others"
            added = divided(shares, self.devices, event.end_s - event.start_s, rest=rest)
            self._books[rule].add(of, added)
        self._book(event.devices, event.end_s, event.end_s - event.start_s)

    def _session_ended(self, event: SessionEnded) -> None:
        self.ended = event
        self.until_s = max(self.until_s, event.end_s)

    def _charge(self, report: CellReport) -> float:
        """The seconds a run is charged with: all of its own, but those it shared with others."""
        if "overlap" not in report.flags:
            return report.duration_s
        opened = [each.start_s for each in self.open.values() if each.parent_index is None]
        found = charged(report, opened, reversed(self._overlapped.values()))
        self._overlapped[report.run.index] = found
        return found.time_s

    def _book(self, devices: Iterable[DeviceEnergy], end_s: float, duration_s: float) -> None:
        """Note how far each device's joules have been booked."""
        points = self.history.points
        # Where a point was taken at the very end, it says so itself: no error of a sum builds up.
        level = points and abs(points[-1].instant_s - end_s) <= SAME_S
        until_j = {each: energy_j for each, energy_j, _ in points[-1].points} if level else {}
        until_s = {each: seen_s for each, _, seen_s in points[-1].points} if level else {}
        for part in devices:
            before = self._booked.get(part.device_id, Booked())
            own_j = part.energy_j * (1.0 if part.own_fraction is None else part.own_fraction)
            self._booked[part.device_id] = Booked(
                until_j.get(part.device_id, before.until_j + part.energy_j),
                before.energy_j + part.energy_j,
                before.own_j + own_j,
                until_s.get(
                    part.device_id, before.until_seen_s + part.coverage_fraction * duration_s
                ),
            )

    def folded(
        self, *, booked_s: float | None, anchors: Sequence[Sampled], damaged_count: int
    ) -> Folded:
        """All the sums of this session so far, in place of the events that they are of."""
        return Folded(
            booked_s,
            self.until_s,
            self.sampler_count,
            damaged_count,
            tuple(sorted(self.history.device_ids)),
            tuple(
                PartSum(rule, name, devices, *booked)
                for rule, books in self._books.items()
                for name, devices, booked in books.sums()
            ),
            tuple(DeviceSum(device_id, *each) for device_id, each in self._booked.items()),
            tuple(self._seen.items()),
            tuple(anchors),
            tuple(self._overlapped.values()),
        )

    def _take_folded(self, event: Folded) -> None:
        self.until_s = max(self.until_s, event.until_s)
        self.sampler_count = event.sampler_count
        self.history.device_ids.update(event.device_ids)
        for rule, name, devices, energy, ends, time_s in event.parts:
            self._books[rule].add(devices, {name: Booking(energy, ends, time_s)})
        for device_id, *sums in event.devices:
            self._booked[device_id] = Booked(*sums)
        self._seen.update(event.seen)
        self._overlapped.update((each.run_index, each) for each in event.overlapped)

    def charged_j(self, device_id: str) -> float:
        """A device's joules booked so far, as far as they are this notebook's."""
        booked = self._booked.get(device_id, Booked())
        return booked.energy_j if self.rule is Rule.MACHINE else booked.own_j

    def sums_j(self) -> dict[str, float]:
        """The same of every device that was booked, by id; those within others too."""
        return {each: self.charged_j(each) for each in self._booked}

    def own_fraction_of(self, device_id: str) -> float:
        """This notebook's part of a device's joules so far; all of them before anything is known."""
        booked = self._booked.get(device_id, Booked())
        return booked.own_j / booked.energy_j if booked.energy_j > 0 else 1.0

    def unbooked(self) -> tuple[DeviceEnergy, ...]:
        """What the machine used since the last run or pause was booked, as far as points tell.

        While one cell runs that is the cell's so far: facts come when it closes.
        """
        points = self.history.points
        if not points:
            return ()
        found = []
        for device_id, until_j, _ in points[-1].points:
            device = self.devices.get(device_id)
            if device is None:
                continue  # a damaged ledger may have lost who it is
            energy_j = max(0.0, until_j - self._booked.get(device_id, Booked()).until_j)
            error_j = device.error_fraction * energy_j
            low_j, high_j = max(0.0, energy_j - error_j), energy_j + error_j
            found.append(DeviceEnergy(device_id, energy_j, low_j, high_j, 1.0))
        return tuple(found)

    def unbooked_s(self) -> float:
        """Seconds that were observed since the last run or pause was booked."""
        points = self.history.points
        return max(
            (
                seen_s - self._booked.get(device_id, Booked()).until_seen_s
                for device_id, _, seen_s in (points[-1].points if points else ())
            ),
            default=0.0,
        )

    def calibration_of(self, devices: Sequence[DeviceEnergy]) -> Calibration | None:
        """The calibration for a window's devices; none where one of them was not observed."""
        if not self.calibrations:
            return None
        return self.calibrations.get(seen_devices(devices, self.devices))

    def figures_of(self, index: int, *, rule: Rule | None = None) -> Figures:
        """One finished run, priced as of now. Raises KeyError while it has no report."""
        return figures(
            self.cells[index],
            self.devices,
            rule=rule or self.rule,
            zone=self.zone,
            intensity=self.intensity,
            pue=self.pue,
            calibrations=self.calibrations,
            overlapped=self._overlapped,
            ground=self.ground(),
            notes=self.notes_of(index, self.cells[index].run.parent_index),
            run_count=self.run_count_of(index),
        )

    def run_count_of(self, index: int) -> int:
        """How often a cell ran its body: once, but where it was to run it again and again."""
        if index not in self.nested:
            return 1
        return sum(self.cells[each].run.repeat_count for each in self.nested[index]) or 1

    def notes_of(self, index: int, parent_index: int | None) -> CellNotes:
        """What was said of a run, which has the tag of the outermost one that it is part of."""
        root_index, above = index, parent_index
        while above is not None:
            root_index = above
            run = self.cells[above].run if above in self.cells else self.open.get(above)
            above = None if run is None else run.parent_index
        return self.notes.of(index, root_index)

    @property
    def duration_s(self) -> float:
        return max(0.0, self.until_s - self.started.start_s) if self.started else 0.0

    def part(self, name: str, rule: Rule | None = None) -> Energy:
        """One of `PARTS`, as booked so far."""
        return self._books[rule or self.rule].energy([name], self.calibrations)

    def energy(self, rule: Rule | None = None) -> Energy:
        """Everything booked so far but what is others'."""
        return self._books[rule or self.rule].energy(OURS, self.calibrations)

    def ground(self) -> Ground:
        """What the split into dynamic, idle and embodied starts from, as it is known now."""
        return Ground.of(
            self.devices.values(),
            baseline=self.baseline,
            hardware=self.hardware,
            unknown=self.unknown_hardware,
            water=Water.of(self.settings),
        )

    def lifecycle(self, rule: Rule | None = None) -> SessionLifecycle:
        """Everything booked so far but what is others', by what it was made of."""
        return of_session(
            list(self._books[rule or self.rule].sums()),
            OURS,
            self.devices,
            self.ground(),
            charged_j=self.charged_j,
            calibrations=self.calibrations,
            pue=self.pue,
            intensity=self.intensity,
        )

    def figures(self, *, rule: Rule | None = None) -> SessionFigures:
        """The whole session, priced as of now."""
        rule = rule or self.rule
        parts = {name: self.part(name, rule) for name in PARTS}
        ours = self.energy(rule)
        calibration, fraction = self._books[rule].calibrated(OURS, self.calibrations)
        return SessionFigures(
            cells=self._priced(rule),
            cells_energy=parts["cells"],
            seen=self._seen[rule],
            front_end=parts["front_end"],
            background=parts["background"],
            between_cells=parts["between_cells"],
            others=parts["others"],
            machine_j=sum(part.energy_j for part in parts.values()),
            energy=ours,
            emissions=operational(ours, pue=self.pue, intensity=self.intensity),
            duration_s=self.duration_s,
            zone=self.zone,
            intensity=self.intensity,
            rule=rule,
            pue=self.pue,
            notices=tuple(self.notices.values()),
            calibration=calibration,
            calibrated_fraction=fraction,
            lifecycle=self.lifecycle(rule),
            tagged=self.notes.has(TAG),
        )

    def _priced(self, rule: Rule) -> CellFigures:
        """The user's runs so far, to be priced as of now, whatever comes later."""
        report, joules = self.cells.cells(list(Rule).index(rule))
        devices, zone, intensity, pue = dict(self.devices), self.zone, self.intensity, self.pue
        calibrations, overlapped = dict(self.calibrations), self._overlapped
        ground = self.ground()

        def price(position: int) -> Figures:
            found = report(position)
            return figures(
                found,
                devices,
                rule=rule,
                zone=zone,
                intensity=intensity,
                pue=pue,
                calibrations=calibrations,
                overlapped=overlapped,
                ground=ground,
                notes=self.notes_of(found.run.index, found.run.parent_index),
                run_count=self.run_count_of(found.run.index),
            )

        return CellFigures(price, joules)


OURS = ("cells", "front_end", "background", "between_cells")
PARTS = (*OURS, "others")

_STEPS: dict[type, Callable[[Session, Any], None]] = {
    SessionStarted: Session._session_started,
    SamplerStarted: Session._sampler_started,
    DevicesFound: Session._devices_found,
    SettingChanged: Session._setting_changed,
    CellsNoted: Session._cells_noted,
    IntensityLearned: Session._intensity_learned,
    CalibrationLearned: Session._calibration_learned,
    BaselineLearned: Session._baseline_learned,
    HardwareLearned: Session._hardware_learned,
    Noticed: Session._noticed,
    Sampled: Session._sampled,
    CellOpened: Session._cell_opened,
    CellRestarted: Session._cell_restarted,
    CellEnded: Session._cell_ended,
    CellClosed: Session._cell_closed,
    CellsKept: Session._cells_kept,
    Folded: Session._take_folded,
    BetweenMeasured: Session._between_measured,
    SessionEnded: Session._session_ended,
}
