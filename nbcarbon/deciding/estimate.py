"""`estimate`: what hardware will use before it runs, or many times what a measured cell used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core import humanize, wording
from nbcarbon.core.scenario import (
    USUAL_CPU,
    USUAL_GPU,
    Assumption,
    Calculation,
    Part,
    energy,
    load_of,
    memory,
    times,
)
from nbcarbon.core.units import G_PER_KG, S_PER_H
from nbcarbon.deciding.asked import MOST_HOURS, MOST_PIECES, MOST_TIMES, number, whole
from nbcarbon.deciding.place import chosen
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable

    from nbcarbon.core.embodied import Manufactured
    from nbcarbon.core.figures import Figures
    from nbcarbon.deciding.place import Place

MOST_GB: Final = 1e9
_HINT: Final = "For example: --gpu A100 --count 8 --hours 24, or --like train --times 100."
_NOT_WITH_LIKE: Final = ("gpu", "cpu", "memory", "hours", "utilisation", "count", "cpu_count")
_NEVER_IN_IT: Final = ("fans", "disks", "power supplies", "network")


class Like(NamedTuple):
    """A measured cell, and the session it is of in words."""

    figures: Figures
    session: str


def estimate(given: Namespace, here: Place, like: Callable[[str], Like]) -> Calculation:
    """What the options ask for. `like` finds a measured cell. Raises SettingError."""
    if given.like is not None:
        return _from_cell(given, here, like)
    return _from_hardware(given, here)


# From a measured cell -------------------------------------------------------------------------


def _from_cell(given: Namespace, here: Place, like: Callable[[str], Like]) -> Calculation:
    clash = [f"--{name.replace('_', '-')}" for name in _NOT_WITH_LIKE if getattr(given, name)]
    if given.embodied:
        clash.append("--embodied")
    if clash:
        raise SettingError(
            f"--like is of a measured cell, and takes no {clash[0]}.", hint="Leave one of them out."
        )
    count = number("--times", given.times, 0.0, MOST_TIMES)
    count = 1.0 if count is None else count
    found = like(given.like)
    f = found.figures
    if f.coverage_fraction <= 0:
        raise SettingError(f"{f.name} was not measured.", hint="Name another cell.")
    place = chosen(given, here)
    known = humanize.known(measured_fraction=f.measured_fraction, reported=f.reported)
    used = f"{wording.energy(f)} in {humanize.duration(f.duration_s)}, {known}"
    return Calculation(
        title=f"{_exact(count)} × {f.name}",
        duration_s=f.duration_s * count,
        energy=times(f.energy, count),
        zone=place.zone,
        intensity=place.intensity,
        pue=place.pue,
        assumptions=(
            Assumption("cell", f"{f.name}: {used}", found.session),
            Assumption("times", _exact(count), "each as the measured one, on the same machine"),
            *place.assumptions(),
        ),
    )


# From hardware --------------------------------------------------------------------------------


def _from_hardware(given: Namespace, here: Place) -> Calculation:
    parts = _parts(given)
    hours = number("--hours", given.hours, 0.0, MOST_HOURS)
    if not parts or hours is None:
        missing = "hardware: --gpu or --cpu" if not parts else "a time: --hours"
        raise SettingError(f"An estimate needs {missing}.", hint=_HINT)
    repeat_count = number("--times", given.times, 0.0, MOST_TIMES)
    repeat_count = 1.0 if repeat_count is None else repeat_count
    duration_s = hours * S_PER_H * repeat_count
    place = chosen(given, here)
    made = _manufactured(parts) if given.embodied else []
    names = " + ".join(_pieces(each) for each in parts)
    embodied = None
    if given.embodied:
        from nbcarbon.core.embodied import embodied as spread

        embodied = spread(made, duration_s)
    return Calculation(
        title=f"{names} for {_hours(hours * repeat_count)}",
        duration_s=duration_s,
        energy=energy(parts, duration_s),
        zone=place.zone,
        intensity=place.intensity,
        pue=place.pue,
        embodied=embodied,
        assumptions=(
            *(each for part in parts for each in _of_part(part)),
            Assumption("time", _repeated(hours, repeat_count), "given by you"),
            *place.assumptions(),
            *(_of_making(each) for each in made),
            _left_out(parts),
        ),
    )


def _parts(given: Namespace) -> list[Part]:
    from nbcarbon.hardware import rated

    utilisation = number("--utilisation", given.utilisation, 0.0, 1.0)
    count = whole("--count", given.count, MOST_PIECES)
    cpu_count = whole("--cpu-count", given.cpu_count, MOST_PIECES)
    parts = []
    for kind, name, find, usual, number_of in (
        ("GPU", given.gpu, rated.gpu, USUAL_GPU, count),
        ("CPU", given.cpu, rated.cpu, USUAL_CPU, cpu_count or (None if given.gpu else count)),
    ):
        if name is not None:
            found = find(name)
            load = load_of(utilisation, usual)
            watts = (found.rated_w, found.low_w, found.high_w)
            parts.append(Part(kind, found.name, number_of or 1.0, *watts, load, found.source))
    size_gb = number("--memory", given.memory, 0.0, MOST_GB)
    return [*parts, memory(size_gb)] if size_gb else parts


def _manufactured(parts: Iterable[Part]) -> list[Manufactured]:
    """What making them emitted, one figure for each kind of part, each of a server's."""
    from nbcarbon.hardware import embodied

    rows = {
        "GPU": lambda part: embodied.gpu_row(part.name),
        "CPU": lambda part: embodied.find("cpu"),
        "memory": lambda part: embodied.find("dram-gb"),
    }
    return [
        embodied.manufactured(rows[each.kind](each), personal=False, count=each.count)
        for each in parts
    ]


# In words -------------------------------------------------------------------------------------


def _exact(value: float) -> str:
    """A number that somebody gave, with all of its digits."""
    return humanize.count(int(value)) if value == int(value) else f"{value:g}"


def _pieces(part: Part) -> str:
    if part.kind == "memory":
        return f"{_exact(part.count)}{humanize.SPACE}{part.name}"
    return part.name if part.count == 1 else f"{_exact(part.count)} × {part.name}"


def _hours(hours: float) -> str:
    return f"{_exact(hours)}{humanize.SPACE}h"


def _repeated(hours: float, repeat_count: float) -> str:
    again = "" if repeat_count == 1 else f", {_exact(repeat_count)} times"
    return f"{_hours(hours)}{again}"


def _of_part(part: Part) -> tuple[Assumption, ...]:
    load, each = part.load, humanize.power(part.rated_w)
    one = {"memory": f"{each} a gigabyte", "GPU": f"rated {each}", "CPU": f"rated {each}"}
    rated = one[part.kind] if part.count == 1 or part.kind == "memory" else f"{one[part.kind]} each"
    low, mean, high = map(
        humanize.percent, (load.low_fraction, load.mean_fraction, load.high_fraction)
    )
    power = f"{mean} of that ({low} to {high}): {humanize.power(part.power_w)} in all"
    return (
        Assumption(part.kind, f"{_pieces(part)}, {rated}", part.source),
        Assumption(f"{part.kind} power", power, load.source),
    )


def _of_making(made: Manufactured) -> Assumption:
    kilos = [
        humanize.number(each / G_PER_KG) for each in (made.emissions_g, made.low_g, made.high_g)
    ]
    years = humanize.number(made.lifetime_years)
    used = humanize.percent(made.utilisation)
    return Assumption(
        "embodied",
        f"{made.name}: {kilos[0]} kg in all ({kilos[1]} – {kilos[2]}), over {years} years, used {used} of them",
        made.source,
    )


def _left_out(parts: Iterable[Part]) -> Assumption:
    kinds = {each.kind for each in parts}
    options = {"GPU": ("GPUs", "--gpu"), "CPU": ("CPUs", "--cpu"), "memory": ("memory", "--memory")}
    missing = [words for kind, words in options.items() if kind not in kinds]
    hint = f"add {' and '.join(option for _, option in missing)}; " if missing else ""
    names = [*(name for name, _ in missing), *_NEVER_IN_IT]
    return Assumption("not in it", ", ".join(names), f"{hint}a higher --pue can stand for the rest")
