"""`estimate`: the calculator's answers, its assumptions, and every line that cannot be one."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

import nbcarbon
from nbcarbon.__main__ import main
from nbcarbon.core.scenario_words import as_json, lines
from nbcarbon.deciding import asked, sessions
from nbcarbon.deciding.estimate import Like, estimate
from nbcarbon.deciding.place import Place
from nbcarbon.errors import SettingError
from tests.deciding.made import session
from tests.payloads import PAYLOADS
from tests.samples import FRANCE, FRENCH, blind, train

if TYPE_CHECKING:
    from nbcarbon.core.figures import Figures
    from nbcarbon.core.scenario import Calculation

HERE = Place(FRANCE, FRENCH, 1.0, "not set")


def asked_for(line: str, figures: Figures | None = None) -> Calculation:
    given = asked.parse("estimate", shlex.split(line))
    return estimate(given, HERE, lambda name: Like(figures or train(name), "measured"))


def test_a_gpu_at_all_of_its_rated_power() -> None:
    found = as_json(
        asked_for("--gpu 'A100 SXM4 80GB' --count 8 --hours 24 --utilisation 1 --pue 1.2")
    )
    kwh = 8 * 0.4 * 24

    assert found["energy_kwh"]["value"] == pytest.approx(kwh)
    assert found["emissions_g"]["value"] == pytest.approx(kwh * 1.2 * 31)
    assert found["energy_kwh"]["low"] < kwh < found["energy_kwh"]["high"]
    assert found["embodied_g"] is None
    assert found["total_g"] == found["emissions_g"]
    assert found["duration_s"] == 86_400


def test_a_cpu_likewise_and_both_together() -> None:
    cpu = as_json(asked_for("--cpu 'EPYC 7742' --count 2 --hours 10 --utilisation 1"))
    both = as_json(
        asked_for("--cpu 'EPYC 7742' --cpu-count 2 --gpu 100W --count 3 --memory 100 --hours 10"
                  " --utilisation 1")
    )  # fmt: skip

    assert cpu["energy_kwh"]["value"] == pytest.approx(2 * 225 * 10 / 1000)
    assert both["energy_kwh"]["value"] == pytest.approx((2 * 225 + 3 * 100 + 37.25) * 10 / 1000)


def test_a_region_brings_its_zone_and_its_pue_unless_another_is_given() -> None:
    there = as_json(asked_for("--gpu A100 --hours 1 --cloud aws:us-east-1"))
    other = as_json(asked_for("--gpu A100 --hours 1 --cloud aws:us-east-1 --pue 1.4"))

    assert (there["zone"]["id"], there["pue"]) == ("US-MIDA-PJM", 1.15)
    assert other["pue"] == 1.4
    assert other["emissions_g"]["value"] / there["emissions_g"]["value"] == pytest.approx(
        1.4 / 1.15
    )


def test_a_cloud_that_publishes_no_pue_keeps_yours() -> None:
    found = asked_for("--gpu A100 --hours 1 --cloud hetzner:fsn1")
    (pue,) = [each for each in found.assumptions if each.name == "PUE"]

    assert (found.pue, pue.source) == (1.0, "hetzner publishes none: not set")


def test_auto_is_where_this_is() -> None:
    assert asked_for("--gpu A100 --hours 1 --zone auto").zone == FRANCE


def test_in_a_session_with_its_place_and_its_cells() -> None:
    live = session("DE", pue=1.3)
    given = asked.parse("estimate", ["--like", "train", "--times", "2"])
    found = sessions.estimate_in(live, given)

    assert found.zone is not None
    assert (found.zone.id, found.pue) == ("DE", 1.3)
    assert found.energy.energy_j == pytest.approx(2 * 40 * 3600)
    with pytest.raises(SettingError, match="'nope'"):
        sessions.estimate_in(live, asked.parse("estimate", ["--like", "nope"]))


def test_an_intensity_of_your_own_is_exact_and_no_zones() -> None:
    found = as_json(asked_for("--gpu 1000W --hours 1 --utilisation 1 --intensity 57"))

    assert found["emissions_g"]["value"] == pytest.approx(57)
    assert found["zone"] is None
    assert found["intensity"] == {"g_per_kwh": 57, "low": 57, "high": 57, "source": "set by you"}


def test_every_input_is_an_assumption_with_a_source() -> None:
    found = as_json(asked_for("--gpu A100 --cpu 150W --memory 64 --hours 2 --times 3 --embodied"))
    names = [each["name"] for each in found["assumptions"]]

    assert set(names) == {
        "GPU", "GPU power", "CPU", "CPU power", "memory", "memory power", "time", "electricity",
        "PUE", "embodied", "not in it",
    }  # fmt: skip
    assert all(each["value"] and each["source"] for each in found["assumptions"])
    assert found["duration_s"] == 3 * 2 * 3600
    json.dumps(found)


def test_embodied_is_the_hardwares_share_of_its_life() -> None:
    found = as_json(asked_for("--gpu 'A100 SXM4 80GB' --count 4 --hours 10 --embodied"))
    share_g = 4 * 150_000 * 10 / (6 * 8760 * 0.85)  # 150 kg, 6 years, 85 %: BLOOM's figures

    assert found["embodied_g"]["value"] == pytest.approx(share_g)
    assert found["embodied_g"]["low"] < share_g < found["embodied_g"]["high"]
    assert found["total_g"]["value"] == pytest.approx(share_g + found["emissions_g"]["value"])


def test_many_times_a_measured_cell() -> None:
    cell = train()
    found = asked_for("--like train --times 1000")

    assert found.energy.energy_j == pytest.approx(1000 * cell.energy_j)
    assert found.energy.low_j == pytest.approx(1000 * cell.low_j)
    assert found.energy.high_j == pytest.approx(1000 * cell.high_j)
    assert found.emissions.emissions_g == pytest.approx(1000 * cell.emissions_g)
    assert found.duration_s == pytest.approx(1000 * cell.duration_s)
    assert "80\u00a0% measured" in "\n".join(lines(found))


def test_a_measured_cell_in_another_zone() -> None:
    found = asked_for("--like train --zone SE --pue 2")

    assert found.zone is not None
    assert (found.zone.id, found.pue) == ("SE", 2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "--gpu or --cpu"),
        ("--hours 3", "--gpu or --cpu"),
        ("--gpu A100", "--hours"),
        ("--gpu banana --hours 1", "--gpu 300W"),
        ("--gpu A100 --hours -1", "number from 0"),
        ("--gpu A100 --hours nan", "number from 0"),
        ("--gpu A100 --hours 1e99", "number from 0"),
        ("--gpu A100 --hours 1 --count 0", "number from 1"),
        ("--gpu A100 --hours 1 --count 1.5", "whole number"),
        ("--gpu A100 --hours 1 --utilisation 90", "number from 0 to 1"),
        ("--gpu A100 --hours 1 --pue 0.9", "number from 1"),
        ("--gpu A100 --hours 1 --zone Atlantis", "no zone"),
        ("--gpu A100 --hours 1 --cloud aws:mars", "no cloud region"),
        ("--gpu A100 --hours 1 --zone FR --cloud aws:us-east-1", "not allowed with"),
        ("--gpu A100 --hours 1 --intensity x", "number from 0"),
        ("--gpu A100 --hours 1 --colour red", "--colour"),
        ("--like train --gpu A100", "no --gpu"),
        ("--like train --embodied", "no --embodied"),
        ("--like train --times x", "number from 0"),
    ],
)
def test_what_is_no_estimate_is_one_sentence_with_a_remedy(line: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        asked_for(line)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_cell_that_was_not_measured_is_no_ground() -> None:
    with pytest.raises(SettingError, match="was not measured"):
        asked_for("--like blind", blind())


def test_words_fit_a_terminal_and_say_the_range() -> None:
    text = lines(asked_for("--gpu A100 --count 8 --hours 24 --embodied --cpu 'EPYC 7742'"))

    assert max(map(len, text)) <= 100
    assert text[0].startswith("8 × A100 SXM4 80GB + EPYC 7742 for 24\u00a0h   about ")
    assert any(line.startswith("  range ") for line in text)
    assert any("making the hardware adds" in line for line in text)
    assert sum("km in an average US car" in line for line in text) == 1


def test_odd_words_are_refused_and_never_run() -> None:
    for payload in PAYLOADS:
        for option in ("--gpu", "--cpu", "--zone", "--cloud", "--hours", "--count", "--times"):
            words = ["--gpu", "A100", "--hours", "1", option, payload]
            with pytest.raises(SettingError):
                estimate(asked.parse("estimate", words), HERE, lambda name: Like(train(), ""))


def test_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = "estimate --gpu V100 --count 8 --hours 36 --zone US --utilisation 1 --json"
    code = main(line.split())
    found = json.loads(capsys.readouterr().out)

    assert code == 0
    assert found["energy_kwh"]["value"] == pytest.approx(8 * 0.3 * 36)
    assert main(["estimate", "--like", "train"]) == 2
    assert "nbcarbon: " in capsys.readouterr().err


def test_from_python() -> None:
    found = nbcarbon.estimate(gpu="A100 SXM4 80GB", count=2, hours=5, utilisation=1, g_per_kwh=100)

    assert found.energy.energy_j == pytest.approx(2 * 400 * 5 * 3600)
    assert found.emissions.emissions_g == pytest.approx(400)
    assert (
        str(found).splitlines()[0]
        == "2 × A100 SXM4 80GB for 5 h   4 kWh (2 – 4.08)   400 gCO₂e (200 – 408)"
    )
    with pytest.raises(nbcarbon.NbcarbonError, match="--hours"):
        nbcarbon.estimate(gpu="A100")
