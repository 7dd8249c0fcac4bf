"""The share of manufacturing that some time of use stands for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.embodied import Manufactured, embodied
from nbcarbon.core.emissions import Emissions

YEAR_S = 365 * 24 * 3600.0
MADE = Manufactured("a board", None, 1000.0, 500.0, 2000.0, 4.0, 0.25, 0.5, 0.5, 1.0, "a source")

times_s = st.floats(0, 1e9)
fractions = st.floats(0, 0.99)
boards = st.builds(
    lambda figure, below, above, years, years_error, used, used_error, share: Manufactured(
        "a board", None, figure, figure * below, figure * (1 + above), years, years_error, used,
        used_error, share, "a source",
    ),
    st.floats(0, 1e9), st.floats(0, 1), st.floats(0, 10), st.floats(0.1, 50), fractions,
    st.floats(0.01, 1), fractions, st.floats(0, 1),
)  # fmt: skip


def test_a_whole_life_of_work_is_all_of_it() -> None:
    exact = replace(
        MADE, low_g=1000.0, high_g=1000.0, lifetime_error_fraction=0, utilisation_error_fraction=0
    )

    assert exact.emissions(4 * YEAR_S * 0.5) == Emissions(1000.0, 1000.0, 1000.0)


def test_each_assumption_alone_gives_the_ends_it_stands_for() -> None:
    exact = replace(
        MADE, low_g=1000.0, high_g=1000.0, lifetime_error_fraction=0, utilisation_error_fraction=0
    )
    time_s = 2 * YEAR_S
    figure = replace(exact, low_g=500.0, high_g=2000.0).emissions(time_s)
    # Three to five years instead of four; used a quarter to three quarters of the time instead of half.
    years = replace(exact, lifetime_error_fraction=0.25).emissions(time_s)
    used = replace(exact, utilisation_error_fraction=0.5).emissions(time_s)

    assert (figure.low_g, figure.high_g) == (500.0, 2000.0)
    assert (years.low_g, years.high_g) == (pytest.approx(800.0), pytest.approx(1000 / 0.75))
    assert (used.low_g, used.high_g) == (pytest.approx(1000 / 1.5), pytest.approx(2000.0))


@given(boards, times_s, times_s)
def test_it_grows_with_time_and_two_times_add_up(
    board: Manufactured, one_s: float, other_s: float
) -> None:
    one, other = board.emissions(one_s), board.emissions(other_s)
    both = board.emissions(one_s + other_s)

    assert 0 <= one.low_g <= one.emissions_g <= one.high_g
    assert both.emissions_g >= max(one.emissions_g, other.emissions_g)
    for name in ("emissions_g", "low_g", "high_g"):
        assert getattr(both, name) == pytest.approx(getattr(one, name) + getattr(other, name))


@given(st.lists(boards, max_size=4), times_s)
def test_pieces_add_up(pieces: list[Manufactured], time_s: float) -> None:
    each_g = [each.emissions(time_s).emissions_g for each in pieces]

    assert embodied(pieces, time_s).emissions_g == pytest.approx(sum(each_g))


@pytest.mark.parametrize(
    "change",
    [
        {"low_g": 1500.0}, {"high_g": 900.0}, {"low_g": -1.0}, {"high_g": float("inf")},
        {"lifetime_years": 0.0}, {"lifetime_years": float("nan")}, {"utilisation": 0.0},
        {"utilisation": 1.1}, {"share_fraction": 1.1}, {"lifetime_error_fraction": 1.0},
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not a piece of hardware"):
        replace(MADE, **change)  # type: ignore[arg-type]
