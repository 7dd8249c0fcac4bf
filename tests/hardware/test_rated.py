"""Rated power by the names that tables, drivers and people use, and by no guess."""

from __future__ import annotations

import re

import pytest

from nbcarbon.errors import SettingError
from nbcarbon.hardware import rated
from nbcarbon.hardware.cpu import TABLES
from tests.payloads import PAYLOADS


def table() -> list[list[str]]:
    lines = (TABLES / "gpu_tdp.csv").read_text(encoding="utf-8").splitlines()
    return [line.split(",") for line in lines if line and not line.startswith("#")][1:]


def test_every_row_is_found_by_its_own_name_alone() -> None:
    rows = table()
    assert len(rows) > 100
    for vendor, name, rated_w, *_ in rows:
        for text in (name, f"{vendor} {name}", name.lower()):
            found = rated.gpu(text)
            assert (found.name, found.rated_w) == (name, float(rated_w)), text


@pytest.mark.parametrize(
    ("driver", "name", "rated_w"),
    [  # as nvidia-smi and rocm-smi write them
        ("NVIDIA A100-SXM4-80GB", "A100 SXM4 80GB", 400),
        ("A100-SXM4-40GB", "A100 SXM4 40GB", 400),
        ("NVIDIA A100-PCIE-40GB", "A100 PCIe 40GB", 250),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe 80GB", 300),
        ("NVIDIA H100 80GB HBM3", "H100 SXM5", 700),
        ("NVIDIA H100 PCIe", "H100 PCIe", 350),
        ("NVIDIA H100 NVL", "H100 NVL", 400),
        ("NVIDIA GH200 480GB", "GH200 Grace Hopper", 1000),
        ("Tesla V100-SXM2-32GB", "V100 SXM2", 300),
        ("Tesla V100-PCIE-16GB", "V100 PCIe", 250),
        ("Tesla P100-PCIE-16GB", "P100 PCIe", 250),
        ("Tesla T4", "T4", 70),
        ("Tesla K80", "K80", 300),
        ("NVIDIA A10G", "A10G", 150),
        ("NVIDIA L4", "L4", 72),
        ("NVIDIA GeForce RTX 4090", "GeForce RTX 4090", 450),
        ("NVIDIA GeForce RTX 3080 Ti", "GeForce RTX 3080 Ti", 350),
        ("NVIDIA TITAN RTX", "TITAN RTX", 280),
        ("NVIDIA RTX A6000", "RTX A6000", 300),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada", 300),
        ("Quadro RTX 6000", "Quadro RTX 6000", 260),
        ("AMD Instinct MI300X", "Instinct MI300X", 750),
        ("AMD Instinct MI250X / MI250", "Instinct MI250X", 560),
    ],
)
def test_drivers_names(driver: str, name: str, rated_w: float) -> None:
    found = rated.gpu(driver)

    assert (found.name, found.rated_w) == (name, rated_w)
    assert (found.low_w, found.high_w) == (rated_w, rated_w)


@pytest.mark.parametrize(
    ("short", "rated_w", "low_w", "high_w"),
    [
        ("A100", 400, 250, 400),
        ("a100", 400, 250, 400),
        ("A100 40GB", 400, 250, 400),
        ("H100", 700, 350, 700),
        ("V100", 300, 250, 350),
        ("P100", 250, 250, 250),
        ("rtx4090", 450, 450, 450),
        ("RTX 3090", 350, 350, 350),
        ("MI300X", 750, 750, 750),
        ("TPU v3", 220, 220, 220),
    ],
)
def test_short_names_span_the_variants_they_may_mean(
    short: str, rated_w: float, low_w: float, high_w: float
) -> None:
    found = rated.gpu(short)

    assert (found.rated_w, found.low_w, found.high_w) == (rated_w, low_w, high_w)
    assert ("taken of several" in found.source) == (low_w < high_w)


@pytest.mark.parametrize(
    ("unknown", "near"),
    [
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "GeForce RTX 4090 (450 W)"),
        ("a100x", "A100 SXM4 80GB (400 W)"),
        ("3090ti", "GeForce RTX 3090 Ti (450 W)"),
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", "A100 SXM4 80GB (400 W)"),
        ("banana", "--gpu 300W"),
        ("", "needs a name"),
        ("NVIDIA GPU", "needs a name"),
    ],
)
def test_what_is_not_in_the_table_is_an_error_with_near_names(unknown: str, near: str) -> None:
    with pytest.raises(SettingError, match=re.escape(near)):
        rated.gpu(unknown)


@pytest.mark.parametrize(
    ("name", "shown", "rated_w"),
    [
        ("AMD EPYC 7742 64-Core Processor", "EPYC 7742", 225),
        ("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "Xeon Gold 6248", 150),
        ("i7-9700K", "Core i7-9700k", 95),
        ("ryzen 9 5950x", "Ryzen 9 5950x", 105),
        ("150 W", "a CPU of 150 W", 150),
    ],
)
def test_cpus(name: str, shown: str, rated_w: float) -> None:
    found = rated.cpu(name)

    assert (found.name, found.rated_w, found.low_w) == (shown, rated_w, rated_w)


def test_generations_of_one_cpu_widen_the_range() -> None:
    found = rated.cpu("E5-2686")

    assert (found.rated_w, found.high_w) == (120, 145)


@pytest.mark.parametrize(("unknown", "near"), [("EPYC 9999", "EPYC 99"), ("Xeon", "--cpu 300W")])
def test_unknown_cpus(unknown: str, near: str) -> None:
    with pytest.raises(SettingError, match=re.escape(near)):
        rated.cpu(unknown)


@pytest.mark.parametrize("text", ["300W", "300 w", "300.0 Watts"])
def test_watts_need_no_table(text: str) -> None:
    assert rated.gpu(text).rated_w == 300


@pytest.mark.parametrize("text", ["0W", "1e9W", "999999999W"])
def test_watts_that_are_none(text: str) -> None:
    with pytest.raises(SettingError):
        rated.gpu(text)


def test_odd_names_are_refused_in_one_sentence() -> None:
    for text in [*PAYLOADS, "x" * 100_000, "\x00", "( )", "🦊"]:
        for find in (rated.gpu, rated.cpu):
            with pytest.raises(SettingError) as caught:
                find(text)
            assert len(str(caught.value)) < 500
