"""`whatif`: other zone, other hardware, other site, and all that is assumed of them."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from nbcarbon.deciding import asked
from nbcarbon.deciding.whatif import WhatIf, lines, whatif
from nbcarbon.errors import SettingError
from tests.deciding.made import GPU, session


def asked_for(line: str, zone: str = "DE") -> WhatIf:
    return whatif(session(zone, pue=1.5), asked.parse("whatif", shlex.split(line)))


def text(found: WhatIf) -> str:
    return "\n".join(lines(found)).replace("\u00a0", " ")


def test_another_zone_scales_emissions_alone() -> None:
    found = asked_for("--zone SE")

    assert found.there.energy == found.here.energy
    assert found.there.emissions.emissions_g == pytest.approx(0.041 * 1.5 * 21)
    assert "the same energy, × 0.061 the CO₂e" in text(found)


def test_another_building_scales_by_its_pue() -> None:
    found = asked_for("--pue 1.2")

    assert found.there.emissions.emissions_g == pytest.approx(
        found.here.emissions.emissions_g * 1.2 / 1.5
    )


def test_another_gpu_scales_the_gpus_joules_of_a_cell_or_a_session() -> None:
    cell, whole = asked_for("train --gpu 'H100 SXM5'"), asked_for("--gpu 'H100 SXM5'")

    assert cell.there.energy.energy_j / 3600 == pytest.approx(10 + 30 * 700 / 400)
    assert whole.there.energy.energy_j / 3600 == pytest.approx(11 + 30 * 700 / 400)
    assert "H100 SXM5 (700 W) in place of each NVIDIA A100-SXM4-80GB (400 W)" in text(cell)
    assert "no table tells" in text(cell)


def test_a_faster_gpu_takes_less_time_for_all_of_the_machine() -> None:
    found = asked_for("train --gpu 'H100 SXM5' --speed 3")

    assert found.there.duration_s == pytest.approx(30)
    assert found.there.energy.energy_j / 3600 == pytest.approx((10 + 30 * 700 / 400) / 3)
    assert "3 times as fast as here" in text(found)


def test_everything_at_once() -> None:
    found = asked_for("train --cloud gcp:europe-west9 --gpu 'H100 SXM5' --speed 2")
    energy_kwh = (10 + 52.5) / 2 / 1000

    assert found.there.place.zone is not None
    assert found.there.place.zone.id == "FR"
    assert found.there.emissions.emissions_g == pytest.approx(
        energy_kwh * found.there.place.pue * 31
    )


def test_figures_of_two_kinds_are_shown_and_not_divided() -> None:
    shown = text(asked_for("--zone UA"))

    assert "energy alone" in shown
    assert "the CO₂e" not in shown


def test_where_nobody_knows_where_this_is_emissions_are_not_divided() -> None:
    assert "where this is is not known" in text(asked_for("--zone FR", "auto"))
    assert "the CO₂e" in text(asked_for("--pue 2", "auto"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "What if what?"),
        ("train", "What if what?"),
        ("nope --zone SE", "'nope'"),
        ("--zone Atlantis", "no zone"),
        ("--gpu banana", "--gpu 300W"),
        ("2 --gpu H100", "No GPU was measured"),
        ("--speed 0", "number from"),
        ("--pue 9", "number from 1 to 5"),
        ("--zone SE --cloud aws:us-east-1", "not allowed with"),
    ],
)
def test_what_is_no_question_is_one_sentence(line: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        asked_for(line)
    assert said in str(caught.value)


def test_a_gpu_that_is_in_no_table_is_scaled_by_its_drivers_limit() -> None:
    other = replace(GPU, name="GPU 0 Mystery 9000", max_power_w=200.0)
    found = whatif(session(gpu=other), asked.parse("whatif", ["--gpu", "400W"]))

    assert found.there.energy.energy_j / 3600 == pytest.approx(11 + 30 * 400 / 200)


def test_a_gpu_that_nobody_knows_at_all_cannot_be_replaced() -> None:
    other = replace(GPU, name="GPU 0 Mystery 9000", max_power_w=0.0)
    with pytest.raises(SettingError, match="rated power of the GPU here"):
        whatif(session(gpu=other), asked.parse("whatif", ["--gpu", "400W"]))


def test_nothing_measured_is_nothing_to_move() -> None:
    with pytest.raises(SettingError, match="Nothing has been measured"):
        whatif(session(measured=False), asked.parse("whatif", ["--zone", "SE"]))


def test_a_faster_machine_of_the_same_kind_is_still_compared_in_grams() -> None:
    assert "× 0.5 the energy, × 0.5 the CO₂e" in text(asked_for("--speed 2"))


def test_lines_fit_a_terminal() -> None:
    for line in ("--zone SE", "--cloud aws:us-east-1 --gpu H100 --speed 2", "--zone UA"):
        assert max(map(len, lines(asked_for(line)))) <= 100
