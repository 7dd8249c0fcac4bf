"""The same energy elsewhere: places ranked by what it would have emitted there, with the ratio to here.

Only figures of one basis, scope and accounting are ranked: by another one the same place may be thirty
times as clean. The rest is kept apart, without a rank and without a ratio.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.emissions import Emissions, operational

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.energy import Energy
    from nbcarbon.core.intensity import Accounting, Basis, Intensity, Scope

WORTH_SAYING: Final = 2.0
"""How many times less there must be elsewhere for anybody to be told unasked."""

MAINSTREAM: Final = ("aws", "azure", "gcp")
"""Clouds that most who can move at all can move to."""


class Kind(NamedTuple):
    """What two figures must share to be compared."""

    basis: Basis
    scope: Scope
    accounting: Accounting

    @classmethod
    def of(cls, intensity: Intensity) -> Kind:
        return cls(intensity.basis, intensity.scope, intensity.accounting)

    def __str__(self) -> str:
        return ", ".join(self)


class Candidate(NamedTuple):
    """A place: an id to set it by, its name, its grid zone, and its intensity."""

    id: str
    name: str
    zone_id: str
    intensity: Intensity


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate, priced. `ratio_fraction` is to here; None where there is no here to compare with."""

    id: str
    name: str
    zone_id: str
    intensity: Intensity
    emissions: Emissions
    ratio_fraction: float | None
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """Places from least to most, and those whose figures are of another kind.

    `here` is None where nobody knows where this is, or where its figure is of another kind.
    """

    energy: Energy
    pue: float
    kind: Kind
    here: Place | None
    ranked: tuple[Place, ...]
    unranked: tuple[Place, ...]


def rank(
    energy: Energy, candidates: Iterable[Candidate], here: Candidate | None, *, pue: float
) -> Ranking:
    """Every place by what the energy would have emitted there, `here` among them.

    Of the kind that `here` is of, of the commonest kind where it is not known. Raises ValueError where
    there is no candidate at all.
    """
    found = list(candidates)
    if here is not None and here.id not in {each.id for each in found}:
        found.append(here)
    if not found:
        raise ValueError("nothing to rank")
    if here is not None:
        kind = Kind.of(here.intensity)
    else:
        kind = Counter(Kind.of(each.intensity) for each in found).most_common(1)[0][0]
    base_g = here.intensity.g_per_kwh if here is not None else 0.0

    def place(each: Candidate) -> Place:
        alike = Kind.of(each.intensity) == kind
        return Place(
            *each,
            emissions=operational(energy, pue=pue, intensity=each.intensity),
            ratio_fraction=each.intensity.g_per_kwh / base_g if alike and base_g > 0 else None,
            is_here=here is not None and each.id == here.id,
        )

    places = sorted((place(each) for each in found), key=lambda p: (p.intensity.g_per_kwh, p.id))
    ranked = tuple(each for each in places if Kind.of(each.intensity) == kind)
    unranked = tuple(each for each in places if Kind.of(each.intensity) != kind)
    own = next((each for each in ranked if each.is_here), None)
    return Ranking(energy, pue, kind, own, ranked, unranked)


def excerpt(ranking: Ranking, most_count: int) -> list[Place | int]:
    """As many places as there is room for: the cleanest, here, the dirtiest; numbers are of those left out."""
    places = list(ranking.ranked)
    if len(places) <= most_count:
        return list(places)
    last_count = max(1, most_count // 5)
    wanted = set(range(most_count - last_count - 1)) | set(
        range(len(places) - last_count, len(places))
    )
    wanted |= {place for place, each in enumerate(places) if each.is_here}
    shown: list[Place | int] = []
    for position, each in enumerate(places):
        if position in wanted:
            shown.append(each)
        elif shown and isinstance(shown[-1], int):
            shown[-1] += 1
        else:
            shown.append(1)
    return shown


def cleanest(ranking: Ranking, providers: Sequence[str] = MAINSTREAM) -> Place | None:
    """The cleanest cloud region that is worth a word: far cleaner than here, beyond what is unsure of both.

    None where there is none, where here is not known, or where a ranking is of zones alone.
    """
    here = ranking.here
    if here is None:
        return None
    for each in ranking.ranked:
        if each.id.partition(":")[0] not in providers or ":" not in each.id:
            continue
        better = each.intensity.high_g_per_kwh < here.intensity.low_g_per_kwh
        far = each.ratio_fraction is not None and each.ratio_fraction * WORTH_SAYING <= 1
        return each if better and far else None
    return None
