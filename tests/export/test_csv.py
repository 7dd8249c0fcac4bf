"""CSV: by Python's reader what it was, by a spreadsheet never a formula, by CodeCarbon's columns its totals."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from nbcarbon.export import cell_csv, codecarbon
from tests.export.summaries import made
from tests.payloads import PAYLOADS

csv.field_size_limit(10_000_000)


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode("utf-8"), newline="")))


def test_a_row_for_each_cell_and_device() -> None:
    found = read(cell_csv.render(made()))
    pairs = [(row["cell_name"], row["device_id"]) for row in found]
    assert pairs == [
        ("train", "cpu:0"),
        ("train", "gpu:0"),
        ("train", "mem"),
        ("short", "gpu:0"),
        ("blind", "cpu:0"),
        ("wide", "mem"),
    ]
    cpu = found[0]
    assert float(cpu["energy_j"]) == pytest.approx(0.1093 * 3600)
    assert float(cpu["emissions_g"]) == pytest.approx(0.1093e-3 * 31)
    assert (cpu["provenance"], cpu["method"], cpu["counted"]) == ("measured", "RAPL", "true")
    assert (cpu["zone"], cpu["g_per_kwh"], cpu["pue"]) == ("FR", "31", "1.0")
    assert sum(float(row["energy_j"]) for row in found[:3]) == pytest.approx(
        float(cpu["cell_energy_j"])
    )
    assert found[3]["below_resolution"] == "true"
    assert float(found[4]["coverage_fraction"]) == 0


def test_a_cell_without_devices_has_one_row() -> None:
    summary = made()
    summary["cells"][0]["devices"] = []
    first = read(cell_csv.render(summary))[0]
    assert (first["cell_name"], first["device_id"], first["energy_j"]) == ("train", "", "")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_of_a_table_is_a_formula(payload: str) -> None:
    for render in (cell_csv.render, codecarbon.render):
        for row in read(render(made(payload))):
            assert None not in row
            for name, value in row.items():
                numeric = name.endswith(("_j", "_g", "_s", "_fraction"))
                assert numeric or not value.lstrip(" \u00a0").startswith(
                    ("=", "+", "-", "@", "\t", "\r", "\n")
                )


def test_codecarbons_row_has_its_columns_and_our_totals() -> None:
    (row,) = read(codecarbon.render(made()))
    assert len(row) == 38
    assert list(row)[:7] == [
        "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions",
        "emissions_rate",
    ]  # fmt: skip
    kwh = {name: float(row[f"{name}_energy"]) for name in ("cpu", "gpu", "ram")}
    assert kwh == pytest.approx({"cpu": 0.004, "gpu": 0.0072, "ram": 0.0012})
    assert (
        float(row["energy_consumed"]) == pytest.approx(0.0124) == pytest.approx(sum(kwh.values()))
    )
    assert float(row["emissions"]) == pytest.approx(0.0124 * 31 / 1000)
    assert float(row["emissions_rate"]) == pytest.approx(0.0124 * 31 / 1000 / 2520)
    assert float(row["gpu_power"]) == pytest.approx(25920 / 2520)
    assert (row["country_name"], row["country_iso_code"], row["region"]) == ("France", "FRA", "")
    assert (row["cpu_model"], row["gpu_model"], row["gpu_count"]) == (
        "CPU package 0",
        "GPU 0 A100",
        "1",
    )
    assert (row["tracking_mode"], row["pue"], row["os"]) == ("machine", "1.0", "")


def test_codecarbons_energies_stand_behind_pue() -> None:
    summary = made()
    summary["settings"]["pue"] = 1.5
    (row,) = read(codecarbon.render(summary))
    assert float(row["energy_consumed"]) == pytest.approx(0.0124 * 1.5)
    assert float(row["cpu_energy"]) == pytest.approx(0.004 * 1.5)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (None, ("unknown", "ZZZ", "")),
        ("US-CAL-CISO", ("United States", "USA", "California")),
        ("XK", ("Kosovo", "XKX", "")),
    ],
)
def test_codecarbons_country(zone: str | None, expected: tuple[str, str, str]) -> None:
    summary: dict[str, Any] = made()
    summary["zone"] |= {"id": zone, "name": "California"}
    (row,) = read(codecarbon.render(summary))
    assert (row["country_name"], row["country_iso_code"], row["region"]) == expected


def test_without_a_gpu_its_energy_is_0_and_without_sums_nothing_is() -> None:
    summary = made()
    summary["devices"] = [each for each in summary["devices"] if each["kind"] != "gpu"]
    (row,) = read(codecarbon.render(summary))
    assert (row["gpu_energy"], row["gpu_count"], row["gpu_model"]) == ("0.0", "", "")
    for each in summary["devices"]:
        each["energy_j"] = None
    (row,) = read(codecarbon.render(summary))
    assert (row["cpu_energy"], row["ram_energy"], row["gpu_energy"]) == ("", "", "0.0")


def test_every_zone_but_the_unknown_has_a_country() -> None:
    from nbcarbon.export.countries import country_of
    from nbcarbon.grid.zones import load_zones

    missing = [each for each in load_zones().ids() if country_of(each) is None]
    assert missing == []
