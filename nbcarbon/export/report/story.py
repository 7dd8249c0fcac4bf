"""The report's first paragraph: a session in plain words, for somebody who has never seen a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcarbon.core import humanize
from nbcarbon.core.equivalents import equivalent
from nbcarbon.export import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.core.humanize import Estimate


def title(summary: Mapping[str, Any]) -> str:
    """What the report is about: the notebook by its name where that was asked for."""
    return f"Energy and CO₂e of {summary['session']['notebook'] or 'a notebook session'}"


def story(summary: Mapping[str, Any]) -> list[str]:
    """Sentences to read aloud, not escaped: energy, emissions, idle, what would have changed it, how it is known."""
    return [
        *_energy(summary),
        *_emissions(summary),
        *_idle(summary),
        *_embodied(summary),
        *_change(summary),
        *_known(summary),
    ]


def _energy(summary: Mapping[str, Any]) -> list[str]:
    totals = shown.totals(summary)
    what = summary["session"]["notebook"] or "This notebook session"
    took = humanize.duration(totals["duration_s"])
    estimate = shown.energy(totals)
    if estimate.value == humanize.NOT_MEASURED:
        return [f"{what} took {took}. What it used was not measured."]
    like = equivalent(totals["energy_j"])
    return [
        f"{what} took {took} and used {_spoken(estimate, ' of electricity')}.",
        *([f"That is {like}."] if like else []),
    ]


def _emissions(summary: Mapping[str, Any]) -> list[str]:
    estimate = shown.emissions(shown.totals(summary), humanize.GRAMS)
    if estimate.value == humanize.NOT_MEASURED:
        return []
    worth = f"as much greenhouse gas as {_spoken(estimate, ' of CO₂')}"
    zone, fallback = summary["zone"], summary["intensity"]["fallback"]
    if not zone["id"]:
        return [
            "Where the machine stands is not known.",
            f"Made as the world’s electricity is on average, it emitted {worth}.",
        ]
    by = ", by the figure of another grid" if fallback else ""
    return [f"Making that electricity in {zone['name']} emitted {worth}{by}."]


def _idle(summary: Mapping[str, Any]) -> list[str]:
    """The part at rest where idle power is known, else the part outside of cells."""
    whole_j = shown.totals(summary)["energy_j"]
    if not whole_j:
        return []
    idle = (summary.get("lifecycle") or {}).get("idle")
    if idle and idle["energy_j"] is not None:
        part = humanize.percent(min(1.0, idle["energy_j"] / whole_j))
        return [
            f"{part} of the energy was idle power: what the machine draws when it does nothing."
        ]
    between_j = summary["between_cells"]["energy_j"]
    if not between_j:
        return []
    return [f"{humanize.percent(between_j / whole_j)} of the energy was used while no code ran."]


def _embodied(summary: Mapping[str, Any]) -> list[str]:
    """This time's share of what making the hardware emitted, where that is known."""
    made = (summary.get("lifecycle") or {}).get("embodied")
    if not made or made["emissions_g"] is None:
        return []
    share = _spoken(shown.emissions(made, humanize.GRAMS), "")
    return [f"This time’s share of making the machine adds {share}."]


def _change(summary: Mapping[str, Any]) -> list[str]:
    """The largest saving that the session shows."""
    whole_g, advice = shown.totals(summary)["emissions_g"], summary.get("advice")
    if not advice or not whole_g:
        return []
    text = advice[0]["text"]
    text = text.replace("The ", "the ", 1) if text.startswith("The ") else text
    part = humanize.percent(advice[0]["emissions_g"] / whole_g)
    return [f"What would have changed it most, by up to {part}: {text}"]


def _known(summary: Mapping[str, Any]) -> list[str]:
    measured = shown.measured_fraction(summary)
    if measured is None:
        return []
    if measured <= 0:
        return ["No sensor of this machine could be read: its energy is a model’s estimate."]
    if measured >= 1 - 1e-9:
        return ["All of the energy was measured by the machine’s own sensors."]
    part = humanize.percent(measured)
    return [f"{part} of the energy was measured by the machine’s sensors, the rest is estimated."]


def _spoken(estimate: Estimate, of: str) -> str:
    """A figure as one says it: `12.4 Wh of electricity (between 11.2 and 13.6 Wh)`."""
    ends = estimate.range.replace(" – ", " and ")
    return f"{estimate.headline}{of} (between {ends})" if ends else f"{estimate.headline}{of}"
