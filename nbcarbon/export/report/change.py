"""What would have changed a session's emissions most: each with its figure, none without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nbcarbon.core import humanize

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST: Final = 2
LEAST_FRACTION: Final = 0.05
"""What saves less than this is not worth a sentence."""


class Change(NamedTuple):
    """`words` say what, `saved_g` how many grams of CO2e that would have spared."""

    words: str
    saved_g: float


def sentences(summary: Mapping[str, Any]) -> list[str]:
    """The largest of them as a sentence, and the next as another."""
    whole_g = summary["totals"]["emissions_g"]
    if not whole_g:
        return []
    found = [each for each in changes(summary) if each.saved_g >= LEAST_FRACTION * whole_g][:MOST]
    starts = ("What would have changed it most:", "Next:")
    return [
        f"{start} {each.words}, {humanize.percent(each.saved_g / whole_g)} less."
        for start, each in zip(starts, found, strict=False)
    ]


def changes(summary: Mapping[str, Any]) -> list[Change]:
    """Everything this session shows, the largest first."""
    found = [*_place(summary), *_between(summary), *_again(summary)]
    return sorted(found, key=lambda each: -each.saved_g)


def _place(summary: Mapping[str, Any]) -> list[Change]:
    """The cleanest of the zones to compare with, where figures are of one kind and ours is our own."""
    totals, zone = summary["totals"], summary["zone"]
    others = [each for each in summary.get("elsewhere") or () if each["comparable"]]
    if not others or not zone["id"] or summary["intensity"]["fallback"]:
        return []
    best = min(others, key=lambda each: each["emissions_g"])
    words = f"the same work in {best['name']}"
    return [Change(words, totals["emissions_g"] - best["emissions_g"])]


def _between(summary: Mapping[str, Any]) -> list[Change]:
    """Time in which no code ran, as far as the session is charged with it."""
    between_j = summary["between_cells"]["energy_j"]
    if not between_j:
        return []
    return [
        Change(
            f"no waiting between cells, which used {humanize.energy(between_j)}",
            _grams(summary, between_j),
        )
    ]


def _again(summary: Mapping[str, Any]) -> list[Change]:
    """The cell whose earlier runs used most: all but its most costly run."""
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for cell in summary["cells"]:
        if cell["parent_index"] is None and cell["energy_j"]:
            runs.setdefault(cell["key"], []).append(cell)
    spared = [
        (sum(joules) - max(joules), same[-1]["name"], len(same))
        for same in runs.values()
        if len(joules := [each["energy_j"] for each in same]) > 1
    ]
    if not spared:
        return []
    spared_j, name, count = max(spared)
    return [Change(f"running “{name}” once instead of {count} times", _grams(summary, spared_j))]


def _grams(summary: Mapping[str, Any], energy_j: float) -> float:
    totals = summary["totals"]
    return float(totals["emissions_g"] * energy_j / totals["energy_j"])
