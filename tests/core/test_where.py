"""Places ranked: only by figures of one kind, whatever else there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.intensity import Accounting, Basis, Intensity, Scope
from nbcarbon.core.where import Candidate, Kind, Place, cleanest, excerpt, rank
from tests.samples import FRENCH

USED = Energy(3.6e6, 3.0e6, 4.0e6)


def intensity(g_per_kwh: float, **kind: object) -> Intensity:
    ends = {"low_g_per_kwh": 0.8 * g_per_kwh, "high_g_per_kwh": 1.2 * g_per_kwh}
    return replace(FRENCH, g_per_kwh=g_per_kwh, **ends, **kind)


def candidate(name: str, g_per_kwh: float, **kind: object) -> Candidate:
    return Candidate(name, name.upper(), name, intensity(g_per_kwh, **kind))


OTHER_KINDS: list[dict[str, object]] = [
    {"basis": Basis.MARGINAL},
    {"scope": Scope.DIRECT},
    {"accounting": Accounting.GENERATION},
]


def test_least_first_with_the_ratio_to_here() -> None:
    found = rank(USED, [candidate("b", 400), candidate("a", 20)], candidate("here", 200), pue=1.5)

    assert [each.id for each in found.ranked] == ["a", "here", "b"]
    assert [each.ratio_fraction for each in found.ranked] == [0.1, 1.0, 2.0]
    assert [each.is_here for each in found.ranked] == [False, True, False]
    assert found.here == found.ranked[1]
    assert found.ranked[0].emissions == operational(USED, pue=1.5, intensity=intensity(20))


@pytest.mark.parametrize("kind", OTHER_KINDS, ids=str)
def test_figures_of_another_kind_have_no_rank_and_no_ratio(kind: dict[str, object]) -> None:
    found = rank(
        USED, [candidate("a", 100), candidate("alien", 1, **kind)], candidate("here", 200), pue=1
    )

    assert [each.id for each in found.ranked] == ["a", "here"]
    assert [each.id for each in found.unranked] == ["alien"]
    assert found.unranked[0].ratio_fraction is None
    assert found.unranked[0].emissions.emissions_g == pytest.approx(1)


def test_here_decides_of_which_kind_the_ranking_is() -> None:
    marginal = [candidate("m1", 700, basis=Basis.MARGINAL)]
    average = [candidate("a1", 100), candidate("a2", 200)]
    found = rank(USED, average + marginal, candidate("here", 600, basis=Basis.MARGINAL), pue=1)

    assert [each.id for each in found.ranked] == ["here", "m1"]
    assert found.kind.basis is Basis.MARGINAL


def test_where_here_is_not_known_the_commonest_kind_is_ranked_without_ratios() -> None:
    found = rank(
        USED,
        [candidate("a", 1, scope=Scope.DIRECT), candidate("b", 30), candidate("c", 20)],
        None,
        pue=1,
    )

    assert [each.id for each in found.ranked] == ["c", "b"]
    assert {each.ratio_fraction for each in found.ranked} == {None}
    assert found.here is None
    assert cleanest(found) is None


def test_here_that_is_a_candidate_is_there_once() -> None:
    found = rank(USED, [candidate("here", 200), candidate("a", 20)], candidate("here", 200), pue=1)

    assert [each.id for each in found.ranked] == ["a", "here"]


def test_a_grid_without_emissions_has_no_ratio_to_divide_by() -> None:
    found = rank(USED, [candidate("a", 20)], candidate("here", 0), pue=1)

    assert [each.ratio_fraction for each in found.ranked] == [None, None]


def test_nothing_to_rank() -> None:
    with pytest.raises(ValueError, match="nothing"):
        rank(USED, [], None, pue=1)


@given(
    st.lists(
        st.tuples(st.floats(1, 1000), st.sampled_from([{}, *OTHER_KINDS])), min_size=1, max_size=30
    )
)
def test_every_place_is_in_exactly_one_list_and_ranks_are_in_order(
    rows: list[tuple[float, dict[str, object]]],
) -> None:
    candidates = [candidate(f"z{n}", g, **kind) for n, (g, kind) in enumerate(rows)]
    found = rank(USED, candidates, None, pue=1.2)
    grams = [each.emissions.emissions_g for each in found.ranked]

    assert sorted(each.id for each in (*found.ranked, *found.unranked)) == sorted(
        each.id for each in candidates
    )
    assert grams == sorted(grams)
    assert {Kind.of(each.intensity) for each in found.ranked} == {found.kind}
    assert found.kind not in {Kind.of(each.intensity) for each in found.unranked}


@given(st.integers(1, 300), st.integers(0, 299), st.integers(10, 60))
def test_an_excerpt_leaves_out_only_what_it_counts(size: int, here: int, room: int) -> None:
    places = [candidate(f"z{n:03}", 10.0 + n) for n in range(size)]
    found = rank(USED, places, places[here % size], pue=1)
    shown = excerpt(found, room)
    kept = [each for each in shown if isinstance(each, Place)]
    left_out = sum(each for each in shown if isinstance(each, int))

    assert len(kept) + left_out == size
    assert found.here in kept
    assert [kept[0], kept[-1]] == [found.ranked[0], found.ranked[-1]]
    assert len(kept) <= room


def test_the_cleanest_sensible_place_is_a_large_clouds_region_far_cleaner_than_here() -> None:
    here = candidate("DE", 342)
    regions = [candidate("hetzner:x", 5), candidate("aws:a", 20), candidate("gcp:b", 15), here]
    found = rank(USED, [*regions, candidate("SE", 1)], here, pue=1)

    best, own = cleanest(found), cleanest(found, ("hetzner",))
    assert (best is not None and best.id, own is not None and own.id) == ("gcp:b", "hetzner:x")


@pytest.mark.parametrize("there", [342, 300, 250, 172])
def test_nothing_is_said_where_it_hardly_matters(there: float) -> None:
    found = rank(USED, [candidate("aws:a", there)], candidate("DE", 342), pue=1)

    assert cleanest(found) is None
