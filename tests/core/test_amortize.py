"""Queries against training: the published parity, laws, amounts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.amortize import Ends, Parity, parity, sentence
from nbcarbon.core.amount import Amount, amount
from nbcarbon.core.humanize import plain
from nbcarbon.core.units import J_PER_KWH
from nbcarbon.errors import SettingError


def test_the_published_parity() -> None:
    """Luccioni, Jernite and Strubell 2024: 51,686 kWh of training and 7,571 of fine-tuning, 1e-4 kWh a
    query: 592,570,000 queries."""
    training = exactly((51_686 + 7_571) * J_PER_KWH)
    found = parity(training, exactly(1e-4 * J_PER_KWH))

    assert found.query_count == pytest.approx(592_570_000)
    assert found == Parity(found.query_count, found.query_count, found.query_count)


def exactly(value: float) -> Ends:
    return value, value, value


positive = st.floats(1e-3, 1e9)
widths = st.floats(0, 0.9)


@given(positive, positive, widths, widths, st.floats(1, 100))
def test_more_training_is_more_queries_and_the_answer_is_in_its_range(
    training: float, query: float, one: float, other: float, factor: float
) -> None:
    each = (query, query * (1 - other), query * (1 + other))

    def of(value: float) -> Parity:
        return parity((value, value * (1 - one), value * (1 + one)), each)

    found, more = of(training), of(training * factor)
    assert found.query_count * query == pytest.approx(training)
    assert found.high_count is not None
    assert 0 <= found.low_count <= found.query_count <= found.high_count
    assert more.query_count >= found.query_count
    # No narrower than either side alone would have it.
    assert found.low_count <= found.query_count * (1 - one) * (1 + 1e-9)
    assert found.high_count >= found.query_count / (1 - other) * (1 - 1e-9)


def test_a_query_that_may_have_cost_nothing_has_no_high_end() -> None:
    found = parity(exactly(100), (1, 0, 2))

    assert found == Parity(100, 50, None)
    assert sentence(found, training="a", query="b", what="emit") == (
        "100 queries (50 or more) emit as much as the training: a for it, b a query."
    )


@pytest.mark.parametrize(("training", "query", "what"), [(0, 1, "The training"), (1, 0, "A query")])
def test_nothing_cannot_be_compared(training: float, query: float, what: str) -> None:
    with pytest.raises(SettingError, match=f"{what} cost nothing"):
        parity(exactly(training), exactly(query))


@pytest.mark.parametrize(
    ("count", "text"),
    [(0.2, "One query costs as much as the training or more: b, and a."), (11.1, "12 queries"), (999.5, "1 000 queries"), (592_570_000, "593 000 000")],
)  # fmt: skip
def test_queries_are_whole_and_no_finer_than_known(count: float, text: str) -> None:
    said = sentence(Parity(count, count, count), training="a", query="b", what="use")
    assert plain(said).startswith(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.5kWh", Amount(energy_j=1.8e6)),
        ("3.7 J", Amount(energy_j=3.7)),
        ("1e-4kWh", Amount(energy_j=360.0)),
        ("2 mWh", Amount(energy_j=7.2)),
        ("200g", Amount(emissions_g=200.0)),
        ("1.5 kgCO2e", Amount(emissions_g=1500.0)),
        ("1.2µgCO₂e", Amount(emissions_g=1.2e-6)),
        ("24.69t", Amount(emissions_g=24.69e6)),
    ],
)
def test_amounts(text: str, found: Amount) -> None:
    assert amount(text) == pytest.approx(found)


@pytest.mark.parametrize(
    "text", ["", "5", "kWh", "0 g", "-1 g", "1..2g", "1 W", "1e999 g", "nan g", "5 gg"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(SettingError, match="is not an amount"):
        amount(text)
