"""BLOOM's training: Luccioni, Viguier and Ligozat, Estimating the Carbon Footprint of BLOOM, a 176B
Parameter Language Model, JMLR 24:253 (2023), arXiv 2211.02001, sections 4.1 to 4.3 and Table 3.
"""

from __future__ import annotations

import json

import pytest

from nbcarbon.__main__ import main
from nbcarbon.core.embodied import embodied
from nbcarbon.core.lifecycle import Lifecycle
from nbcarbon.core.units import G_PER_KG, S_PER_H
from nbcarbon.deciding.place import of_your_own
from nbcarbon.hardware.embodied import find, manufactured
from tests.figures.priced import KG_PER_T, gpu_kwh, of_kwh, tonnes

GPU_HOURS = 1_082_990
GPUS_PER_SERVER = 8
FRANCE_G_PER_KWH = 57
IDLE_KWH = 256_646
WORLD_G_PER_KWH = 475


def test_the_run_was_as_long_as_its_gpu_hours_say() -> None:
    hours = 118 * 24 + 5 + 41 / 60

    assert 384 * hours == pytest.approx(GPU_HOURS, rel=0.01)


def test_dynamic_energy_and_emissions() -> None:
    dynamic_kwh = gpu_kwh("A100 SXM4 80GB", hours=GPU_HOURS)

    assert dynamic_kwh == pytest.approx(433_196)
    assert tonnes(dynamic_kwh, FRANCE_G_PER_KWH) == pytest.approx(24.69, abs=0.005)
    assert tonnes(dynamic_kwh, FRANCE_G_PER_KWH, pue=1.2) == pytest.approx(29.63, abs=0.005)


def test_the_same_in_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    main(["estimate", "--gpu", "A100 SXM4 80GB", "--hours", str(GPU_HOURS), "--utilisation", "1",
          "--intensity", str(FRANCE_G_PER_KWH), "--json"])  # fmt: skip
    found = json.loads(capsys.readouterr().out)

    assert found["energy_kwh"]["value"] == pytest.approx(433_196)
    assert found["emissions_g"]["value"] / G_PER_KG / KG_PER_T == pytest.approx(24.69, abs=0.005)


def test_idle_emissions() -> None:
    assert tonnes(IDLE_KWH, FRANCE_G_PER_KWH) == pytest.approx(14.63, abs=0.005)


def test_embodied_emissions_of_servers_and_gpus() -> None:
    server, gpu = manufactured(find("hpe-dl345")), manufactured(find("a100"), personal=False)
    an_hour_kg = [each.emissions(S_PER_H).emissions_g / G_PER_KG for each in (server, gpu)]
    servers = embodied([server], GPU_HOURS / GPUS_PER_SERVER * S_PER_H).emissions_g
    gpus = embodied([gpu], GPU_HOURS * S_PER_H).emissions_g

    assert an_hour_kg == [pytest.approx(0.05596, abs=5e-6), pytest.approx(0.003358, abs=5e-7)]
    assert servers / G_PER_KG / KG_PER_T == pytest.approx(7.575, abs=5e-4)
    assert gpus / G_PER_KG / KG_PER_T == pytest.approx(3.636, abs=1e-3)
    assert (servers + gpus) / G_PER_KG / KG_PER_T == pytest.approx(11.21, abs=0.005)


def test_all_three_together_are_fifty_tonnes() -> None:
    server = manufactured(find("hpe-dl345"), count=1 / GPUS_PER_SERVER)
    made = embodied([server, manufactured(find("a100"), personal=False)], GPU_HOURS * S_PER_H)
    dynamic, idle = of_kwh(gpu_kwh("A100 SXM4 80GB", hours=GPU_HOURS)), of_kwh(IDLE_KWH)
    whole = Lifecycle(
        energy=dynamic + idle,
        idle=idle,
        dynamic=dynamic,
        embodied=made,
        time_s=GPU_HOURS * S_PER_H,
        pue=1.0,
        intensity=of_your_own(FRANCE_G_PER_KWH),
    )

    assert whole.emissions.emissions_g / G_PER_KG / KG_PER_T == pytest.approx(50.5, abs=0.05)
    assert whole.idle_fraction == pytest.approx(0.372, abs=0.001)


def test_the_same_training_on_the_worlds_average_of_then() -> None:
    found = tonnes(gpu_kwh("A100 SXM4 80GB", hours=GPU_HOURS), WORLD_G_PER_KWH)

    assert found == pytest.approx(205.8, abs=0.05)
