"""What others define: SCI, BoAmps, RO-Crate, Parquet. By their own words, and by their own readers where there are."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from io import BytesIO
from math import hypot
from typing import Any

import pyarrow.parquet
import pytest

from nbcarbon.core.notes import CellNotes
from nbcarbon.errors import ExportError
from nbcarbon.export import boamps, parquet, ro_crate, sci
from nbcarbon.export.cell_table import COLUMNS
from tests.export.summaries import made
from tests.payloads import PAYLOADS
from tests.samples import train


def read(data: bytes) -> dict[str, Any]:
    assert data.isascii()
    found: dict[str, Any] = json.loads(data)
    return found


def noted() -> dict[str, Any]:
    return made(cells=(replace(train(), notes=CellNotes(query_count=40, token_count=4000)),))


# SCI = (E × I + M) / R


def test_sci_is_what_its_equation_says() -> None:
    summary = made()
    summary["settings"]["pue"] = 1.5
    summary["totals"] |= {"emissions_g": 0.5766, "low_g": 0.5, "high_g": 0.65}  # 0.0124 × 1.5 × 31
    summary["lifecycle"] = {"embodied": {"emissions_g": 2.0, "low_g": 1.0, "high_g": 4.0}}
    found = read(sci.render(summary, unit="query", count="1000"))
    operational = found["E"]["kwh"] * found["I"]["g_per_kwh"]
    assert operational == pytest.approx(0.5766)
    expected = (operational + found["M"]["emissions_g"]) / found["R"]["count"]
    assert found["sci_g_per_unit"] == pytest.approx(expected)
    assert found["low_g_per_unit"] == pytest.approx(expected - hypot(1.0, 0.0766) / 1000)
    assert found["high_g_per_unit"] == pytest.approx(expected + hypot(2.0, 0.0734) / 1000)
    assert (found["unit"], found["complete"]) == ("query", True)
    assert found["specification"] == "ISO/IEC 21031:2024"


def test_without_embodied_emissions_it_is_not_complete() -> None:
    found = read(sci.render(made()))
    assert (found["complete"], found["M"]) == (False, None)
    assert (found["R"]["unit"], found["R"]["count"]) == ("session", 1)
    assert found["sci_g_per_unit"] == pytest.approx(0.3844)


def test_its_unit_is_what_cells_noted() -> None:
    found = read(sci.render(noted()))
    assert found["R"] == {"unit": "query", "count": 40}
    assert found["sci_g_per_unit"] == pytest.approx(0.3844 / 40)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"unit": "query"}, "--unit needs a number"),
        ({"count": "0"}, "--count cannot be '0'"),
        ({"count": "many"}, "--count cannot be 'many'"),
        ({"count": "inf"}, "--count cannot be 'inf'"),
        ({"count": "nan"}, "--count cannot be 'nan'"),
    ],
)
def test_a_unit_and_a_count_go_together(told: dict[str, str], said: str) -> None:
    with pytest.raises(ExportError, match=said):
        sci.render(made(), **told)


# BoAmps


TOLD = {
    "task_stage": "training",
    "task_family": "text classification",
    "algorithm": "bert-base",
    "data_type": "text",
}


def test_boamps_has_what_its_schema_asks_for() -> None:
    found = read(boamps.render(made(), **TOLD))
    assert {"task", "measures", "infrastructure"} <= found.keys()
    assert {"taskStage", "taskFamily", "algorithms", "dataset"} <= found["task"].keys()
    assert found["task"]["dataset"] == [{"dataUsage": "input", "dataType": "text"}]
    assert found["header"]["reportStatus"] == "final"
    assert found["header"]["reportDatetime"] == "2026-03-01 12:42:00"
    (measure,) = found["measures"]
    assert measure["powerConsumption"] == pytest.approx(0.0124)
    assert measure["measurementDuration"] == 2520
    assert (measure["cpuTrackingMode"], measure["gpuTrackingMode"]) == ("RAPL", "energy counter")
    assert found["infrastructure"]["components"] == [
        {"componentType": "cpu", "componentName": "CPU package 0", "nbComponent": 1},
        {"componentType": "gpu", "componentName": "GPU 0 A100", "nbComponent": 1},
        {"componentType": "ram", "componentName": "memory 64 GB", "nbComponent": 1},
    ]
    assert found["environment"] == {
        "country": "France", "location": "France", "powerSourceCarbonIntensity": 31,
    }  # fmt: skip
    assert found["quality"] == "high"  # 11.2 to 13.6 of 12.4 Wh are 10 %


def test_what_the_task_was_is_not_made_up() -> None:
    found = read(boamps.render(made(zone="")))
    assert found["task"] == {}
    assert found["header"]["reportStatus"] == "draft"
    assert "environment" not in found
    assert read(boamps.render(noted()))["task"] == {"nbRequest": 40}


def test_a_wide_interval_is_of_no_quality_and_bad_kinds_are_said() -> None:
    for high_j, expected in ((1.2, "medium"), (1.45, "low"), (1.6, None)):
        summary = made()
        energy_j = summary["totals"]["energy_j"]
        summary["totals"] |= {"low_j": energy_j, "high_j": energy_j * high_j}
        assert read(boamps.render(summary)).get("quality") == expected
    with pytest.raises(ExportError, match="--data-type cannot be 'poems'"):
        boamps.render(made(), data_type="poems")


# RO-Crate


def entities(data: bytes) -> dict[str, dict[str, Any]]:
    crate = read(data)
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    found = {each["@id"]: each for each in crate["@graph"]}
    assert len(found) == len(crate["@graph"])
    return found


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return [value["@id"]]
        return [each for inner in value.values() for each in references(inner)]
    return (
        [each for inner in value for each in references(inner)] if isinstance(value, list) else []
    )


def test_a_crate_has_its_two_roots_and_every_entity_is_there() -> None:
    found = entities(ro_crate.render(made(), license="https://spdx.org/licenses/CC0-1.0"))
    descriptor = found["ro-crate-metadata.json"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    root = found["./"]
    assert root["@type"] == "Dataset"
    assert root["datePublished"] == "2026-03-01"
    assert root["license"] == {"@id": "https://spdx.org/licenses/CC0-1.0"}
    named = [each for one in found.values() for each in references(list(one.values()))]
    assert set(named) <= found.keys() | {"https://w3id.org/ro/crate/1.1"}
    assert {each for each in found if each.startswith("#")} <= set(named)


def test_its_figures_have_ranges_and_units() -> None:
    found = entities(ro_crate.render(made()))
    energy = found["#energy"]
    assert (energy["value"], energy["unitCode"]) == (44640.0, "JOU")
    assert energy["minValue"] < energy["value"] < energy["maxValue"]
    assert found["#emissions"]["value"] == pytest.approx(0.3844)
    assert found["#energy-gpu:0"]["measurementTechnique"] == "measured, energy counter"
    assert found["#session"]["endTime"] == "2026-03-01T12:42:00+00:00"
    assert "31 g/kWh = 0.3844 g" in found["#session"]["description"]
    assert "license" not in found["./"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_stay_within_their_strings(payload: str) -> None:
    summary = made(payload)
    summary["session"]["notebook"] = payload
    for part in (summary["zone"], *summary["devices"]):
        part["name"] = payload
    found = entities(ro_crate.render(summary, license=payload))
    assert found["#zone-FR"]["name"] == payload
    assert read(boamps.render(summary, task_family=payload, algorithm=payload))["measures"]
    assert read(sci.render(summary, unit=payload, count="1"))["R"]["count"] == 1


# Parquet


def test_parquet_has_typed_columns() -> None:
    table = pyarrow.parquet.read_table(BytesIO(parquet.render(made())))
    assert table.column_names == list(COLUMNS)
    assert str(table.schema.field("started_at").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("cell_index").type) == "int64"
    assert str(table.schema.field("counted").type) == "bool"
    assert table["energy_j"][0].as_py() == pytest.approx(0.1093 * 3600)
    assert table["parent_index"][0].as_py() is None


def test_a_file_that_holds_no_summary_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExportError, match="not a Parquet file"):
        parquet.load(b"PAR1 or not")
    summary = made()
    summary["cells"] = [summary["cells"][1]] * 6000
    data = parquet.render(summary)
    assert pyarrow.parquet.read_table(BytesIO(data)).num_rows == 6000
    with pytest.raises(ExportError, match="holds no summary"):
        parquet.load(data)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"pip install 'nbcarbon\[parquet\]'"):
        parquet.render(made())
