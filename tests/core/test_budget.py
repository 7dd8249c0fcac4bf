"""Budgets: what people write, how much is used, when it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import budget
from nbcarbon.core.budget import Budget, parse
from nbcarbon.core.events import CellsNoted, SettingChanged
from nbcarbon.core.live import live
from nbcarbon.core.notes import BUDGET
from nbcarbon.errors import SettingError
from nbcarbon.panel import view_model
from nbcarbon.panel.view_model import Context
from tests.samples import train
from tests.wire.examples import running


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5kWh", Budget(energy_j=1.8e6)),
        ("10 Wh", Budget(energy_j=36000.0)),
        ("500mWh", Budget(energy_j=1800.0)),
        ("90J", Budget(energy_j=90.0)),
        ("1e3 Wh", Budget(energy_j=3.6e6)),
        ("200g", Budget(emissions_g=200.0)),
        ("1.5 kg", Budget(emissions_g=1500.0)),
        (".5g stop", Budget(emissions_g=0.5, stop=True)),
    ],
)
def test_what_people_write(text: str, expected: Budget) -> None:
    found = parse(text)
    assert found.stop is expected.stop
    assert (found.energy_j, found.emissions_g) == pytest.approx(
        (expected.energy_j, expected.emissions_g)
    )


@pytest.mark.parametrize(
    "text",
    ["", "0 Wh", "-3g", "3", "Wh", "nan g", "inf J", "1e999 J", "5 lb", "1 kWh 2 g", "g5", "١g"],
)  # fmt: skip
def test_what_is_no_budget_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(SettingError) as error:
        parse(text)
    assert "kWh" in error.value.hint


@given(st.floats(1e-9, 1e15), st.booleans(), st.booleans())
def test_an_event_keeps_it_to_the_last_digit(amount: float, energy: bool, stop: bool) -> None:
    given_ = Budget(energy_j=amount, stop=stop) if energy else Budget(emissions_g=amount, stop=stop)
    assert parse(given_.text) == given_
    assert given_.used_fraction(amount, amount) == 1.0


def test_a_session_warns_from_80_percent_on_in_the_panel() -> None:
    session = running()
    used_j = live(session).energy.energy_j

    def warned(budget_j: float) -> str:
        session.apply(SettingChanged("budget", Budget(energy_j=budget_j).text))
        found = view_model.state(session, Context())["warning"]
        return found["text"].replace("\u00a0", " ") if found else ""

    assert warned(used_j / 0.79) == ""
    assert warned(used_j / 0.81).startswith("This session has used 81 % of its budget of ")
    assert warned(used_j / 2).startswith("This session has used 200 % of its budget of ")
    session.apply(SettingChanged("budget", ""))
    assert budget.uses(session) == ()
    assert view_model.state(session, Context())["warning"] is None


def test_emissions_count_as_the_session_is_priced() -> None:
    session = running()
    used_g = live(session).emissions.emissions_g
    session.apply(SettingChanged("budget", Budget(emissions_g=used_g * 2).text))
    (use,) = budget.uses(session)
    assert use.used_fraction == pytest.approx(0.5)


def test_a_cells_budget_is_of_that_cell_while_it_runs() -> None:
    session = running()
    used_j = live(session).running_energy.energy_j
    session.apply(CellsNoted(BUDGET, Budget(energy_j=used_j / 0.9, stop=True).text, 5, 5))
    session.apply(CellsNoted(BUDGET, Budget(energy_j=1.0).text, 4, 4))  # over already
    (use,) = budget.uses(session)
    assert (use.index, use.name, use.budget.stop) == (5, "evaluate", True)
    assert use.used_fraction == pytest.approx(0.9)
    assert budget.warning(session).startswith("evaluate has used 90")


def test_what_a_later_version_wrote_is_no_budget() -> None:
    session = running()
    session.apply(SettingChanged("budget", "3 euros"))
    assert budget.uses(session) == ()
    assert budget.card_words("3 euros", 1.0, 1.0) == ""


def test_a_card_tells_how_much_of_it_was_used() -> None:
    f = train()
    text = budget.card_words("0.5 Wh stop", f.energy_j, f.emissions_g).replace("\u00a0", " ")
    assert text == "82 % of its budget of 0.5 Wh"
