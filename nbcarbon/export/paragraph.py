"""What a paper has to say of a session, as sentences: figures, method, inputs, and what is cited for them.

A sentence is plain text with `Cited` between where a citation belongs: each format escapes it in its own way.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nbcarbon.core import humanize
from nbcarbon.export import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.core.humanize import Estimate

_NUMBERED: Final = re.compile(r"\b(GPU|package|DRAM) \d+")


class Cited(NamedTuple):
    """Here a source is cited, by its key."""

    key: str


Sentence = list[str | Cited]


class Source(NamedTuple):
    """Something to cite. `kind` is BibTeX's."""

    key: str
    kind: str
    title: str
    year: int
    author: str = ""
    version: str = ""
    url: str = ""


def sentences(summary: Mapping[str, Any]) -> list[Sentence]:
    """The paragraph, sentence by sentence, not escaped."""
    return [*_hardware(summary), _energy(summary), *_intensity(summary), [_left_out(summary)]]


def sources(summary: Mapping[str, Any]) -> list[Source]:
    """What the sentences cite."""
    session, intensity = summary["session"], summary["intensity"]
    year = datetime.fromisoformat(session["started_at"]).year
    return [
        Source(
            "nbcarbon", "software", "nbcarbon: energy and CO2e of notebook cells", year,
            author="The nbcarbon authors", version=session["nbcarbon"],
            url="https://github.com/nbcarbon/nbcarbon",
        ),
        Source(
            "gridintensity", "misc", f"{intensity['source']}: carbon intensity of electricity, yearly averages",
            intensity["year"],
        ),
    ]  # fmt: skip


def hardware(summary: Mapping[str, Any]) -> str:
    """The devices by name, how many of each: `CPU package, 8 × GPU NVIDIA H100`."""
    names = [
        _NUMBERED.sub(r"\1", each["name"])
        for each in summary["devices"]
        if each.get("counted", True)
    ]
    return ", ".join(
        name if count == 1 else f"{count}{humanize.SPACE}×{humanize.SPACE}{name}"
        for name, count in Counter(names).items()
    )


def _hardware(summary: Mapping[str, Any]) -> list[Sentence]:
    found = hardware(summary)
    zone = summary["zone"]
    where = f" in {zone['name']}" if zone["id"] else ""
    return [[f"The computations ran{where} on: {found}."]] if found else []


def _energy(summary: Mapping[str, Any]) -> Sentence:
    totals = shown.totals(summary)
    took = humanize.duration(totals["duration_s"])
    estimate = shown.energy(totals)
    version = summary["session"]["nbcarbon"]
    by = f"with nbcarbon{humanize.SPACE}{version}"
    whole = summary["settings"]["attribution"] == "machine"
    charged = "the whole machine" if whole else "this notebook’s share of the machine"
    if estimate.value == humanize.NOT_MEASURED:
        return [f"They took {took}; their energy was not measured {by}", Cited("nbcarbon"), "."]
    used = f"In {took} they used {_with_interval(estimate)} of electricity, {_how(summary)}"
    return [f"{used} {by}", Cited("nbcarbon"), f" for {charged}."]


def _how(summary: Mapping[str, Any]) -> str:
    measured = shown.measured_fraction(summary)
    methods = dict.fromkeys(
        each["method"]
        for each in summary["devices"]
        if each["provenance"] == "measured" and each["method"] and each.get("counted", True)
    )
    sensors = f" by hardware sensors ({', '.join(methods)})" if methods else " by hardware sensors"
    at_wall = shown.calibrated(summary.get("calibration"))
    calibrated = f", {at_wall[0]}," if at_wall else ""
    if measured is None:
        return f"recorded{calibrated}"
    if measured <= 0:
        return f"modelled from the processors’ load{calibrated}"
    if measured >= 1 - 1e-9:
        return f"measured{sensors}{calibrated}"
    return f"{humanize.percent(measured)} of it measured{sensors}, the rest modelled{calibrated},"


def _intensity(summary: Mapping[str, Any]) -> list[Sentence]:
    estimate = shown.emissions(shown.totals(summary))
    if estimate.value == humanize.NOT_MEASURED:
        return []
    zone, found, pue = summary["zone"], summary["intensity"], summary["settings"]["pue"]
    figure, low, high = shown.values(found, "g_per_kwh", "low", "high")
    if not zone["id"]:
        of = "the world’s average, as the grid is not known"
    elif found["fallback"]:
        of = f"a neighbouring grid’s, as {zone['name']} has none of its own"
    else:
        of = zone["name"]
    kind = f"{found['basis']}, {found['scope']}, {found['accounting']}, {found['year']}"
    ends = f"{humanize.number(low)} – {humanize.number(high)}"
    return [
        [
            f"With a carbon intensity of {humanize.number(figure)} ({ends}){humanize.SPACE}gCO₂e/kWh ({of}; {kind})",
            Cited("gridintensity"),
            f" and a PUE of {humanize.number(pue)}, this corresponds to {_with_interval(estimate)}.",
        ]
    ]


def _left_out(summary: Mapping[str, Any]) -> str:
    missing = ["the manufacture of the hardware"]
    if (summary.get("lifecycle") or {}).get("embodied"):
        missing = []
    if summary.get("calibration") is None:
        missing.append("losses of power supplies, and fans, boards and disks")
    if summary["settings"]["pue"] == 1:
        missing.append("cooling")
    left_out = f" Not included: {', '.join(missing)}." if missing else ""
    return f"Intervals are 95{humanize.SPACE}% ones.{left_out}"


def _with_interval(estimate: Estimate) -> str:
    ends = estimate.range
    return f"{estimate.headline} ({ends})" if ends else estimate.headline
