"""The table of embodied figures: what a row is found by, and what BLOOM's account comes out at."""

from __future__ import annotations

import pytest

from nbcarbon.core.units import G_PER_KG
from nbcarbon.errors import SettingError
from nbcarbon.hardware import embodied

HOUR_S = 3600.0


def test_every_row_can_be_used_and_holds_its_figure() -> None:
    found = list(embodied.known())

    assert len({each.key for each in found}) == len(found) > 20
    for each in found:
        assert 0 < each.low_g <= each.emissions_g <= each.high_g
        assert each.item
        assert each.boundary
        assert each.source
        assert embodied.find(each.key.upper()) == embodied.find(each.item) == each
        assert embodied.manufactured(each).emissions(HOUR_S).low_g >= 0


def test_blooms_embodied_emissions() -> None:
    """1,082,990 GPU hours on nodes of eight A100, six years at 85 %: 7.57 t and 3.64 t, 11.2 t together
    (Luccioni, Viguier and Ligozat 2023, section 4.1)."""
    gpu_s = 1_082_990 * HOUR_S
    server = embodied.manufactured(embodied.find("hpe-dl345"))
    gpu = embodied.manufactured(embodied.find("a100"))
    server_kg = server.emissions(gpu_s / 8).emissions_g / G_PER_KG
    gpu_kg = gpu.emissions(gpu_s).emissions_g / G_PER_KG

    assert server.emissions(HOUR_S).emissions_g == pytest.approx(55.96, abs=0.01)
    assert gpu.emissions(HOUR_S).emissions_g == pytest.approx(3.358, abs=0.001)
    assert server_kg == pytest.approx(7_575, rel=1e-3)
    assert gpu_kg == pytest.approx(3_636, rel=1e-3)
    assert server_kg + gpu_kg == pytest.approx(11_210, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("NVIDIA A100-SXM4-40GB", "a100-sxm-40gb"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA A100-PCIE-40GB", "a100"),
        ("GPU 0 NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA B200", "b200"),
        ("NVIDIA GH200 480GB", "gpu"),
        ("Tesla T4", "gpu"),
        ("", "gpu"),
    ],
)
def test_a_gpu_is_found_by_the_name_its_driver_gives(name: str, key: str) -> None:
    assert embodied.gpu_row(name).key == key


def test_what_there_is_no_figure_for_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingError, match=r"no embodied figure for 'toaster'.*laptop-dell"):
        embodied.find("toaster")


def test_what_is_given_replaces_what_is_assumed_and_makes_it_surer() -> None:
    row = embodied.find("laptop")
    assumed = embodied.manufactured(row).emissions(HOUR_S)
    given = embodied.manufactured(row, lifetime_years=4, utilisation=0.2).emissions(HOUR_S)

    assert given.emissions_g == pytest.approx(assumed.emissions_g)
    assert assumed.low_g < given.low_g < given.high_g < assumed.high_g
    assert given.low_g / given.emissions_g == pytest.approx(62 / 236)
    half = embodied.manufactured(row, share_fraction=0.5).emissions(HOUR_S)
    assert half.emissions_g == pytest.approx(assumed.emissions_g / 2)
    in_a_server = embodied.manufactured(row, personal=False).emissions(HOUR_S)
    assert in_a_server.emissions_g < assumed.emissions_g
