"""Calculating what nobody measured: its arithmetic, its laws, and where its range comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.emissions import Emissions
from nbcarbon.core.energy import Energy
from nbcarbon.core.scenario import (
    USUAL_CPU,
    USUAL_GPU,
    Calculation,
    Load,
    Part,
    energy,
    load_of,
    memory,
    times,
)
from nbcarbon.core.units import J_PER_KWH
from tests.samples import FRANCE, FRENCH

FRACTIONS = st.floats(0, 1)
COUNTS = st.floats(0, 1e6)
SECONDS = st.floats(0, 1e9)


def part(utilisation: float | None = 1.0, *, count: float = 1.0, low_w: float = 400.0) -> Part:
    load = load_of(utilisation, USUAL_GPU)
    return Part("GPU", "A100", count, 400.0, low_w, 400.0, load, "somebody")


def test_all_of_the_rated_power_is_the_tables_figure() -> None:
    found = part(1.0, count=8).energy(3600.0)

    assert found.energy_j == 8 * 400 * 3600
    assert found.low_j == pytest.approx(0.5 * found.energy_j)
    assert found.high_j == pytest.approx(1.02 * found.energy_j)


def test_what_nobody_said_of_a_load_is_anything_from_idle_to_full() -> None:
    found = part(None).energy(1.0)

    assert found.energy_j == pytest.approx(0.53 * 400)
    assert found.low_j == pytest.approx(0.12 * 400)
    assert found.high_j == pytest.approx(1.02 * 400)
    assert load_of(None, USUAL_CPU) == USUAL_CPU


def test_a_part_that_is_said_to_do_nothing_may_be_idle() -> None:
    assert part(0.0).energy(1.0) == Energy(0.0, 0.0, pytest.approx(0.12 * 400))


def test_a_name_that_may_mean_a_smaller_card_widens_the_range_downwards() -> None:
    sure, unsure = part(1.0).energy(1.0), part(1.0, low_w=250.0).energy(1.0)

    assert unsure.low_j < sure.low_j
    assert (unsure.energy_j, unsure.high_j) == (sure.energy_j, sure.high_j)


def test_memory_draws_its_power_whatever_it_does() -> None:
    found = memory(64.0).energy(1.0)

    assert found.energy_j == pytest.approx(64 * 0.3725)
    assert (found.low_j, found.high_j) == (
        pytest.approx(0.3 * 64 * 0.3725),
        pytest.approx(1.7 * 64 * 0.3725),
    )


@given(FRACTIONS, COUNTS, SECONDS)
def test_a_range_holds_its_value(utilisation: float, count: float, duration_s: float) -> None:
    for found in (part(utilisation, count=count).energy(duration_s), memory(count).energy(1.0)):
        assert 0 <= found.low_j <= found.energy_j * (1 + 1e-12)
        assert found.energy_j <= found.high_j * (1 + 1e-12)


@given(FRACTIONS, st.floats(0.1, 100), st.floats(0.1, 100))
def test_twice_the_time_is_twice_everything(utilisation: float, one: float, count: float) -> None:
    by_time = part(utilisation).energy(one * count)
    by_times = times(part(utilisation).energy(one), count)
    by_pieces = part(utilisation, count=count).energy(one)

    for other in (by_times, by_pieces):
        assert (other.energy_j, other.low_j, other.high_j) == pytest.approx(
            (by_time.energy_j, by_time.low_j, by_time.high_j)
        )


def test_parts_err_alike_so_their_ends_add() -> None:
    whole = energy([part(), part(), memory(10)], 5.0)
    each = [part().energy(5.0), part().energy(5.0), memory(10).energy(5.0)]

    assert whole.low_j == pytest.approx(sum(found.low_j for found in each))
    assert whole.high_j == pytest.approx(sum(found.high_j for found in each))
    assert energy([], 5.0) == Energy()


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.9, 1.0])
def test_nothing_draws_more_than_full_load(utilisation: float) -> None:
    load = load_of(utilisation, USUAL_GPU)

    assert load.high_fraction <= 1.02
    assert load.low_fraction == pytest.approx(utilisation / 2)


def calculation(embodied: Emissions | None = None) -> Calculation:
    ten_kwh = Energy(*(J_PER_KWH * each for each in (10.0, 8.0, 13.0)))
    return Calculation("ten", 1.0, ten_kwh, FRANCE, FRENCH, 1.5, (), embodied)


def test_emissions_are_energy_times_pue_times_intensity() -> None:
    assert calculation().emissions.emissions_g == pytest.approx(10 * 1.5 * 31)
    assert calculation().total == calculation().emissions


def test_making_the_hardware_is_added_and_errs_on_its_own() -> None:
    plain, made = calculation().emissions, Emissions(100.0, 40.0, 180.0)
    whole = calculation(made).total

    assert whole.emissions_g == pytest.approx(plain.emissions_g + 100)
    assert plain.high_g + 100 < whole.high_g < plain.high_g + 180
    assert plain.low_g + 40 < whole.low_g < plain.low_g + 100


def test_a_load_says_whose_it_is() -> None:
    assert isinstance(load_of(0.5, USUAL_GPU), Load)
    assert "set by you" in load_of(0.5, USUAL_GPU).source
    assert "Dodge" in USUAL_GPU.source
