"""A session as the messages that a page shows: pure, by the protocol of docs/wire.md.

Strings are ready to show and not escaped: a page sets them as text. Numbers are rounded to what a
chart can show, so that a message stays small.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nbcarbon.core import budget, humanize, lifecycle_words, wording
from nbcarbon.core.device import Kind
from nbcarbon.core.equivalents import equivalent
from nbcarbon.core.intensity import Confidence
from nbcarbon.core.live import counted, live
from nbcarbon.core.units import S_PER_MS
from nbcarbon.core.wording import DOT
from nbcarbon.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.device import Device
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.events import Sampled
    from nbcarbon.core.figures import Figures
    from nbcarbon.core.humanize import Estimate
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.live import Live
    from nbcarbon.core.session import Session

VERSION: Final = 1
MOST_PARTS: Final = 16
MOST_RECENT: Final = 30
MOST_CELLS: Final = 500
LONGEST_WARNING: Final = 200

_KINDS: Final = {Kind.CPU: "cpu", Kind.GPU: "gpu", Kind.MEMORY: "memory", Kind.DRAM: "memory"}
_ALIKE: Final = 0.05
"""Two intensities within this of each other are about the same."""


class WhatIf(NamedTuple):
    """Another zone to compare with."""

    zone: Zone
    intensity: Intensity


class Context(NamedTuple):
    """What a state says that the session does not know.

    `since` is the point up to which everybody has been told, `panel` the widget's model id and `bokeh` the chart
    library's version, once both are there.
    """

    seq: int = 0
    since: Sampled | None = None
    next_s: float = 1.0
    measuring: bool = True
    problem: str = ""
    what_if: WhatIf | None = None
    panel: str | None = None
    bokeh: str | None = None


def state(session: Session, context: Context) -> dict[str, Any]:
    """The session as it stands now."""
    now = live(session, since=context.since)
    energy, emissions = _estimates(now)
    other = None
    if context.what_if is not None:
        there_g = now.emissions.emissions_g * _ratio(session, context.what_if)
        other = {"zone": context.what_if.zone.id, "emissions_g": _rounded(there_g)}
    return {
        "type": "state",
        "v": VERSION,
        "nbcarbon": __version__,
        "session": _id(session),
        "seq": context.seq,
        "from_ms": None if now.from_s is None else _ms(session, now.from_s),
        "t_ms": _ms(session, now.until_s),
        "next_s": context.next_s,
        "running": now.run is not None,
        "measuring": context.measuring,
        "cell": _running_cell(session, now),
        "power_w": _rounded(now.power_w),
        **_numbers(now.energy, now.emissions),
        "known": _known(now.measured_fraction),
        "parts": [
            {"name": name, "kind": kind, "power_w": powers_w[0]}
            for name, kind, powers_w in _parts(now.devices, [[each] for each in now.powers_w])
        ],
        "zone": session.zone.id,
        "attribution": str(session.rule),
        "cells_fraction": _rounded(now.cells_fraction),
        "recent_w": _recent_w(session, now.devices),
        "what_if": other,
        "warning": _warning(session, context.problem),
        "text": {
            "power": _power_text(now, context),
            "energy": energy.headline,
            "energy_range": energy.interval,
            "emissions": emissions.headline,
            "emissions_range": emissions.interval,
            "equivalent": equivalent(now.energy.energy_j),
            "known": _known_text(now),
            "zone": _zone_text(session.zone, session.intensity),
            "place": wording.place(session.zone, session.intensity),
            "session": _session_text(session),
            "running": _running_text(now),
            "split": _split_text(now.cells_fraction),
            "lifecycle": _lifecycle_text(now),
            "what_if": _what_if_text(session, now, context.what_if),
        },
        "panel": context.panel,
        "bokeh": context.bokeh,
    }


def cell(session: Session, figures: Figures) -> dict[str, Any]:
    """The figures of one finished run."""
    return {"type": "cell", "v": VERSION, "session": _id(session), **_cell(session, figures)}


def cells(session: Session) -> dict[str, Any]:
    """The newest finished runs, oldest first."""
    newest = session.cells.newest(MOST_CELLS)
    return {
        "type": "cells",
        "v": VERSION,
        "session": _id(session),
        "cells": [_cell(session, session.figures_of(each)) for each in newest],
    }


def history(session: Session, what_if: WhatIf | None = None) -> dict[str, Any]:
    """Power and cumulative emissions since the session began, thin enough to draw."""
    devices = counted(session)
    intervals = session.history.intervals([each.id for each in devices])
    series = [[each.powers_w[place] for each in intervals] for place in range(len(devices))]
    emissions_g = _cumulative_g(session, devices)
    there_g = None
    if what_if is not None:
        ratio = _ratio(session, what_if)
        there_g = [_rounded(each * ratio) for each in emissions_g]
    return {
        "type": "history",
        "v": VERSION,
        "session": _id(session),
        "t_ms": [_ms(session, each.instant_s) for each in session.history.points],
        "parts": [
            {"name": name, "kind": kind, "power_w": powers_w}
            for name, kind, powers_w in _parts(devices, series)
        ],
        "emissions_g": [_rounded(each) for each in emissions_g],
        "what_if_g": there_g,
    }


def choices(zones: Iterable[tuple[str, str]], formats: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """What can be chosen from: zones by id and name, export formats by suffix and name."""
    return {
        "type": "choices",
        "v": VERSION,
        "zones": [list(each) for each in zones],
        "formats": [list(each) for each in formats],
    }


def doctor(lines: Iterable[str]) -> dict[str, Any]:
    return {"type": "doctor", "v": VERSION, "lines": list(lines)}


def said(text: str, *, ok: bool = True) -> dict[str, Any]:
    """The answer to something the user asked for."""
    return {"type": "said", "v": VERSION, "ok": ok, "text": text}


def bokehjs(version: str) -> dict[str, Any]:
    """What goes with the chart library's bytes."""
    return {"type": "bokehjs", "v": VERSION, "version": version, "encoding": "deflate"}


def bye() -> dict[str, Any]:
    return {"type": "bye", "v": VERSION}


def panel_text(session: Session, context: Context) -> str:
    """The panel for a terminal, or for a notebook that nobody runs."""
    shown = state(session, context)
    text = shown["text"]
    known = [] if shown["known"] == "unknown" else [text["known"]]
    lines = [
        f"{text['session']}{DOT}{text['power']}",
        f"{text['energy']}{_bracketed(text['energy_range'])}",
        f"{text['emissions']}{_bracketed(text['emissions_range'])}",
        text["equivalent"],
        DOT.join([*known, text["place"]]),
        text["split"],
        text["lifecycle"],
        text["what_if"],
        f"! {shown['warning']['text']}" if shown["warning"] else "",
    ]
    return "\n".join(line for line in lines if line)


def _bracketed(interval: str) -> str:
    return f" ({interval})" if interval else ""


# One run -------------------------------------------------------------------------------------


def _cell(session: Session, f: Figures) -> dict[str, Any]:
    report = session.cells[f.index]
    energy, emissions = wording.energy(f), wording.emissions(f, humanize.GRAMS)
    return {
        "index": f.index,
        "id": report.run.cell_id,
        "name": f.name,
        "runs": session.runs_of.get(f.key, 1),
        "start_ms": _ms(session, report.run.start_s),
        "end_ms": _ms(session, report.end_s),
        "duration_s": _rounded(f.duration_s),
        **_numbers(f.energy, f.emissions),
        "known": _known(f.measured_fraction if f.coverage_fraction > 0 else None),
        "outcome": str(f.outcome),
        "text": {
            "badge": f"{energy.headline}{DOT}{emissions.headline}",
            "energy": energy.headline,
            "tooltip": "\n".join(_tooltip(f, energy, emissions)),
        },
    }


def _tooltip(f: Figures, energy: Estimate, emissions: Estimate) -> list[str]:
    return [
        f"{f.name}{DOT}{humanize.duration(f.duration_s)}",
        f"energy {energy.headline}{_bracketed(energy.interval)}",
        f"CO₂e {emissions.headline}{_bracketed(emissions.interval)}",
        DOT.join(wording.quiet(f)),
        wording.charged(f.rule, f.own_fraction),
    ]


# Numbers -------------------------------------------------------------------------------------


def _numbers(energy: Energy, emissions: Emissions) -> dict[str, float | None]:
    return {
        "energy_j": _rounded(energy.energy_j),
        "low_j": _rounded(energy.low_j),
        "high_j": _rounded(energy.high_j),
        "emissions_g": _rounded(emissions.emissions_g),
        "low_g": _rounded(emissions.low_g),
        "high_g": _rounded(emissions.high_g),
    }


def _rounded(value: float | None) -> float | None:
    """Four digits: a pixel is no finer. None where there is no number."""
    return None if value is None or not isfinite(value) else float(f"{value:.4g}")


def _ms(session: Session, instant_s: float) -> int:
    """An instant of the session on the wall clock, in milliseconds since 1970."""
    if session.started is None:
        return 0
    wall_s = session.started.started_at.timestamp() + instant_s - session.started.start_s
    return round(wall_s / S_PER_MS)


def _running_cell(session: Session, now: Live) -> dict[str, Any] | None:
    if now.run is None:
        return None
    start_ms = _ms(session, now.run.start_s)
    return {"id": now.run.cell_id, "name": now.run.name, "start_ms": start_ms}


def _id(session: Session) -> str:
    return session.started.id if session.started else ""


def _parts(
    devices: Sequence[Device], series: Sequence[Sequence[float | None]]
) -> list[tuple[str, str, list[float | None]]]:
    """Name, kind and powers of each device; the last of very many stands for all the rest."""
    parts = [
        (each.name, _KINDS.get(each.kind, "other"), [_rounded(value) for value in powers_w])
        for each, powers_w in zip(devices, series, strict=True)
    ]
    if len(parts) <= MOST_PARTS:
        return parts
    kept, rest = parts[: MOST_PARTS - 1], parts[MOST_PARTS - 1 :]
    summed = [_sum(column) for column in zip(*(each for _, _, each in rest), strict=True)]
    return [*kept, (f"{len(rest)} more devices", "other", [_rounded(each) for each in summed])]


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of what is known, None where nothing is."""
    known = [each for each in values if each is not None]
    return sum(known) if known else None


def _recent_w(session: Session, devices: Sequence[Device]) -> list[float | None]:
    intervals = session.history.intervals([each.id for each in devices], last=MOST_RECENT)
    # Three digits are as many as a line of text is high; `120` is shorter than `120.0`, thirty times.
    powers_w = [_sum(each.powers_w) for each in intervals]
    rounded = [None if each is None else float(f"{each:.3g}") for each in powers_w]
    return [int(each) if each is not None and each.is_integer() else each for each in rounded]


def _cumulative_g(session: Session, devices: Sequence[Device]) -> list[float]:
    """Emissions up to each point: the session's own, spread as the machine's joules came."""
    ids = {each.id for each in devices}
    machine_j = [
        sum(energy_j for device_id, energy_j, _ in point.points if device_id in ids)
        for point in session.history.points
    ]
    if not machine_j or machine_j[-1] <= 0:
        return [0.0] * len(machine_j)
    whole_g = live(session).emissions.emissions_g
    return [whole_g * each / machine_j[-1] for each in machine_j]


def _ratio(session: Session, what_if: WhatIf) -> float:
    """The other zone's intensity as a multiple of ours."""
    ours = session.intensity.g_per_kwh
    return what_if.intensity.g_per_kwh / ours if ours > 0 else 1.0


# Words ---------------------------------------------------------------------------------------


def _estimates(now: Live) -> tuple[Estimate, Estimate]:
    energy, emissions = now.energy, now.emissions
    coverage = 1.0 if now.devices else 0.0
    return (
        humanize.energy_estimate(
            energy.energy_j, energy.low_j, energy.high_j, coverage_fraction=coverage
        ),
        humanize.estimate(
            emissions.emissions_g,
            emissions.low_g,
            emissions.high_g,
            scale=humanize.CO2E,
            coverage_fraction=coverage,
        ),
    )


def _known(measured_fraction: float | None) -> str:
    if measured_fraction is None:
        return "unknown"
    word = humanize.known(measured_fraction=measured_fraction)
    return word if word in ("measured", "modelled") else "mixed"


def _known_text(now: Live) -> str:
    if now.measured_fraction is None:
        return "nothing read yet"
    words = [humanize.known(measured_fraction=now.measured_fraction)]
    if now.calibration is not None:
        words.append(wording.calibrated(now.calibration))
    return DOT.join(words)


def _power_text(now: Live, context: Context) -> str:
    if not context.measuring:
        return "paused"
    if now.run is None:
        return "idle"
    return "no reading" if now.power_w is None else humanize.power(now.power_w)


def _zone_text(zone: Zone, intensity: Intensity) -> str:
    return f"{zone.id or '?'} {humanize.intensity(intensity.g_per_kwh)}{DOT}{intensity.year}"


def _session_text(session: Session) -> str:
    name = session.started.notebook if session.started else ""
    long = [_seconds(session.duration_s)] if session.duration_s >= 1 else []
    return DOT.join([name or "this session", *long])


def _running_text(now: Live) -> str:
    return "" if now.run is None else f"{now.run.name} running {_seconds(now.run_s)}"


def _seconds(duration_s: float) -> str:
    """A duration that is still growing: whole seconds are enough."""
    return humanize.duration(float(round(duration_s))) if duration_s >= 1 else f"0{humanize.SPACE}s"


def _split_text(cells_fraction: float | None) -> str:
    if cells_fraction is None:
        return ""
    between = humanize.percent(1 - cells_fraction)
    return f"{humanize.percent(cells_fraction)} in cells{DOT}{between} between them"


def _lifecycle_text(now: Live) -> str:
    return "" if now.lifecycle is None else DOT.join(lifecycle_words.briefly(now.lifecycle))


def _what_if_text(session: Session, now: Live, what_if: WhatIf | None) -> str:
    if what_if is None:
        return ""
    ratio = _ratio(session, what_if)
    grams = humanize.mass(now.emissions.emissions_g * ratio)
    if abs(ratio - 1) <= _ALIKE:
        compared = "about as much"
    elif ratio > 1:
        compared = f"{humanize.number(float(f'{ratio:.2g}'))} times as much"
    else:
        compared = f"{humanize.percent(ratio)} of it"
    here, there = session.intensity, what_if.intensity
    same = (here.basis, here.scope, here.accounting) == (there.basis, there.scope, there.accounting)
    caveat = "" if same else f" ({there.accounting} figures against {here.accounting})"
    return f"in {what_if.zone.name} {grams}, {compared}{caveat}"


def _warning(session: Session, problem: str) -> dict[str, str] | None:
    """The one thing the user should see to, the most urgent first."""
    notices = session.notices
    if problem:
        return _warn(problem, "doctor")
    if "ledger" in notices:
        return _warn(notices["ledger"], "export")
    for key, text in notices.items():
        if key.startswith("lost:") and not _is_back(notices, key.removeprefix("lost:")):
            return _warn(text, "doctor")
    used = budget.warning(session)
    if used:
        return _warn(used, "")
    if session.zone.id is None and "zone" in notices:
        return _warn("Where is this machine? Using the world average.", "zone")
    if session.zone.confidence is Confidence.LOW:
        return _warn(f"Zone guessed from the {session.zone.how}: {session.zone.name}.", "zone")
    return None


def _is_back(notices: Iterable[str], device_id: str) -> bool:
    return any(each.startswith(f"back:{device_id}:") for each in notices)


def _warn(text: str, action: str) -> dict[str, str]:
    shown = text if len(text) <= LONGEST_WARNING else text[: LONGEST_WARNING - 1] + "…"
    return {"text": shown, "action": action}
