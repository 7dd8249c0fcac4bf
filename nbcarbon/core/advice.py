"""What would have saved most in this very session: at most three things, each with its figure.

Every figure is taken from what was measured, by the rule that its `how` tells. They overlap and are not to
be added up. What comes to less than a hundredth of the session is not said.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from nbcarbon.core import attribution, humanize
from nbcarbon.core.cell import Role, is_made
from nbcarbon.core.device import Kind
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy, contained
from nbcarbon.core.overlap import joined
from nbcarbon.core.units import S_PER_MIN
from nbcarbon.core.where import Kind as FigureKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbcarbon.core.cell import CellReport
    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import DeviceEnergy
    from nbcarbon.core.figures import SessionFigures
    from nbcarbon.core.intensity import Intensity
    from nbcarbon.core.session import Session

MOST_COUNT: Final = 3
LEAST_FRACTION: Final = 0.01
LEAST_RUNS: Final = 3
LONG_S: Final = S_PER_MIN
"""A cell shorter than this is not told that its GPU waits."""
BUSY_FRACTION: Final = 0.1
LEAST_INTERVALS: Final = 10
"""With fewer readings in a cell nobody can say for how much of it a GPU was busy."""
USED_RATIO: Final = 1.5
"""A GPU whose power in some cell was so many times that between cells was used."""
LONGEST_LINE: Final = 100
_INDENT: Final = "   "
_TRAINING: Final = ("train", "fit", "tune", "tuning")


@dataclass(frozen=True, slots=True)
class Saving:
    """One thing to do otherwise. `energy_j` is 0 where the same energy would only have been cleaner."""

    kind: str
    text: str
    how: str
    energy_j: float
    emissions_g: float


def advice(session: Session, elsewhere: Iterable[tuple[str, Intensity]] = ()) -> tuple[Saving, ...]:
    """The largest savings of a session by grams, the largest first; none where nothing is worth saying.

    `elsewhere` are places by name that work could be moved to.
    """
    figures = session.figures()
    whole_j, whole_g = figures.energy.energy_j, figures.emissions.emissions_g
    if whole_j <= 0 or whole_g <= 0:
        return ()
    facts = _Facts(session, figures)
    found = [
        *_again_and_again(facts),
        *_idle_gpus(facts),
        *_waiting_gpus(facts),
        *_cleaner(facts, elsewhere),
    ]
    worth = [each for each in found if each.emissions_g >= LEAST_FRACTION * whole_g]
    worth.sort(key=lambda each: (-each.emissions_g, each.text))
    return tuple(worth[:MOST_COUNT])


def words(saving: Saving, number: int, whole_g: float) -> list[str]:
    """One of them in lines: what, how much of the session, and how that was found."""
    amounts = [humanize.energy(saving.energy_j)] if saving.energy_j > 0 else []
    amounts.append(humanize.mass(saving.emissions_g))
    part = humanize.percent(saving.emissions_g / whole_g) if whole_g > 0 else ""
    said = f"up to {', '.join(amounts)} less, {part} of this session: {saving.how}"
    return [
        *wrap(f"{number}. {saving.text}", LONGEST_LINE, subsequent_indent=_INDENT),
        *wrap(said, LONGEST_LINE, initial_indent=_INDENT, subsequent_indent=_INDENT),
    ]


class _Facts:
    """A session's outermost cells with what they are charged for, looked at once."""

    def __init__(self, session: Session, figures: SessionFigures) -> None:
        self.session = session
        self.figures = figures
        self.rule = figures.rule
        self.reports: list[CellReport] = []
        self.joules: list[float] = []
        self.tags: list[str] = []
        for index, report in session.cells.items():
            if report.run.parent_index is None and report.run.role is Role.CELL:
                self.reports.append(report)
                self.joules.append(session.figures_of(index).energy_j)
                self.tags.append(session.notes.of(index, index).tag)

    def saving(self, kind: str, text: str, how: str, energy_j: float) -> Saving:
        """So many joules saved, at most what the session used, at its own price."""
        energy_j = min(energy_j, self.figures.energy.energy_j)
        emissions = operational(
            Energy(energy_j, energy_j, energy_j),
            pue=self.figures.pue,
            intensity=self.figures.intensity,
        )
        most_g = self.figures.emissions.emissions_g
        return Saving(kind, text, how, energy_j, min(emissions.emissions_g, most_g))

    def part_of_session(self, energy_j: float) -> str:
        """Never more than all: a device's joules by its own sum may exceed what the session is charged."""
        part = min(1.0, energy_j / self.figures.energy.energy_j)
        return f"{humanize.percent(part)} of the energy"

    def gpus(self) -> Iterator[Device]:
        """The GPUs whose joules no other device holds, and that this notebook has used."""
        devices = self.session.devices
        ids = self.session.history.device_ids
        for each in devices.values():
            if each.kind is Kind.GPU and not contained(each, ids, devices) and self._has_used(each):
                yield each

    def _has_used(self, device: Device) -> bool:
        """Whether its own work ran there, or, where nobody can tell, it drew much more in some cell."""
        _, between_j, between_s = self.between(device)
        rest_w = between_j / between_s if between_s > 0 else 0.0
        for report, part in self.parts_of(device.id):
            if part.own_fraction is not None:
                if part.own_fraction > 0:
                    return True
            elif 0 < USED_RATIO * rest_w * report.duration_s <= part.energy_j:
                return True
        return False

    def parts_of(self, device_id: str) -> Iterator[tuple[CellReport, DeviceEnergy]]:
        """A device's part of each cell."""
        for report in self.reports:
            for part in report.devices:
                if part.device_id == device_id:
                    yield report, part

    def between(self, device: Device) -> tuple[float, float, float]:
        """What a device used in cells and outside of them, as far as it is charged, and seconds outside."""
        in_cells_j = sum(
            attribution.own(part, self.rule).energy_j for _, part in self.parts_of(device.id)
        )
        between_j = max(0.0, self.session.charged_j(device.id) - in_cells_j)
        busy = joined(sorted((each.run.start_s, each.end_s) for each in self.reports))
        busy_s = sum(end_s - start_s for start_s, end_s in busy)
        return in_cells_j, between_j, max(0.0, self.session.duration_s - busy_s)


def _again_and_again(facts: _Facts) -> Iterator[Saving]:
    """Cells that were run many times, by the notebook's cell or, where it names none, by the same code."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for place, report in enumerate(facts.reports):
        key = report.run.key
        groups[key.partition("-")[0] if is_made(key) else key].append(place)
    for places in groups.values():
        if len(places) < LEAST_RUNS:
            continue
        each_j = [facts.joules[place] for place in places]
        sum_j = sum(each_j)
        name = facts.reports[places[-1]].run.name
        trains = any(
            word in text.casefold() for text in (name, facts.tags[places[-1]]) for word in _TRAINING
        )
        what = f"{name}: {len(places)} runs, {facts.part_of_session(sum_j)}."
        if trains:
            what += " Keep the trained model and load it instead of training it again."
        else:
            what += " Keep its result, or try changes on a small part of the data."
        yield facts.saving(
            "reuse" if trains else "again",
            what,
            f"all {len(places)} runs together but the one that used most",
            sum_j - max(each_j),
        )


def _idle_gpus(facts: _Facts) -> Iterator[Saving]:
    for device in facts.gpus():
        _, energy_j, time_s = facts.between(device)
        if time_s <= 0 or energy_j <= 0:
            continue
        yield facts.saving(
            "idle_gpu",
            f"{device.name} was kept while no cell ran, {humanize.duration(time_s)} in all: "
            f"{facts.part_of_session(energy_j)}. End the kernel in a pause, and the machine if it is rented.",
            f"its energy outside of cells, {humanize.power(energy_j / time_s)} on average",
            energy_j,
        )


def _waiting_gpus(facts: _Facts) -> Iterator[Saving]:
    """Long cells in which a GPU was hardly busy, by its power: a tenth of the way from rest to its limit."""
    intervals = facts.session.history
    for device in facts.gpus():
        readings = [
            (each.start_s, each.end_s, each.powers_w[0])
            for each in intervals.intervals([device.id])
            if each.powers_w[0] is not None
        ]
        if not readings:
            continue
        rest_w = min(power_w for _, _, power_w in readings)
        busy_w = rest_w + BUSY_FRACTION * max(0.0, device.max_power_w - rest_w)
        for report, part in facts.parts_of(device.id):
            start_s, end_s = report.run.start_s, report.end_s
            inside = [
                (min(stop_s, end_s) - max(begin_s, start_s), power_w)
                for begin_s, stop_s, power_w in readings
                if begin_s < end_s and stop_s > start_s
            ]
            seen_s = sum(length_s for length_s, _ in inside)
            if report.duration_s < LONG_S or len(inside) < LEAST_INTERVALS or seen_s <= 0:
                continue
            busy = sum(length_s for length_s, power_w in inside if power_w > busy_w) / seen_s
            if busy >= BUSY_FRACTION:
                continue
            waiting_j = sum(length_s * power_w for length_s, power_w in inside if power_w <= busy_w)
            charged_j = attribution.own(part, facts.rule).energy_j
            used_j = sum(length_s * power_w for length_s, power_w in inside)
            yield facts.saving(
                "waiting_gpu",
                f"{device.name} was busy for {humanize.percent(busy)} of {report.run.name} "
                f"({humanize.duration(report.duration_s)}). Give it larger batches or faster data, or do "
                "without it there.",
                f"what it used in that cell while its power was below {humanize.power(busy_w)}",
                charged_j * waiting_j / used_j if used_j > 0 else 0.0,
            )


def _cleaner(facts: _Facts, elsewhere: Iterable[tuple[str, Intensity]]) -> Iterator[Saving]:
    """The cleanest place whose figure compares with ours. None where ours is nobody's own."""
    here = facts.figures.intensity
    if here.fallback:
        return
    comparable = [
        (there.g_per_kwh, name)
        for name, there in elsewhere
        if FigureKind.of(there) == FigureKind.of(here) and not there.fallback
    ]
    if not comparable:
        return
    g_per_kwh, name = min(comparable)
    if g_per_kwh >= here.g_per_kwh:
        return
    yield Saving(
        "zone",
        f"The same work in {name}: {humanize.intensity(g_per_kwh)} instead of "
        f"{humanize.intensity(here.g_per_kwh)} here.",
        f"the same energy by both yearly averages ({here.source}, {here.year})",
        0.0,
        facts.figures.emissions.emissions_g * (1 - g_per_kwh / here.g_per_kwh),
    )
