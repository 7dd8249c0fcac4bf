"""The life cycle in summaries: the same numbers as the session's, in JSON and in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbcarbon.core.events import (
    BaselineLearned,
    BetweenMeasured,
    HardwareLearned,
    SessionEnded,
    SettingChanged,
)
from nbcarbon.core.humanize import plain
from nbcarbon.export import lifecycle, markdown
from nbcarbon.recorded import summary_of
from tests.core.test_lifecycle import BASELINE, BOARD, LAPTOP, ran, session, used
from tests.samples import CPU, GPU

RAN = ran(1000, used(CPU, 30_000), used(GPU, 60_000))
BETWEEN = BetweenMeasured(1100.0, 1200.0, (used(CPU, 1_000), used(GPU, 2_000)))
KNOWN = (BaselineLearned(BASELINE), HardwareLearned((LAPTOP, BOARD)))


def made(*events: object) -> dict[str, Any]:
    found = summary_of(session(*events, SessionEnded(1200.0)))
    return json.loads(json.dumps(found, allow_nan=False))  # type: ignore[no-any-return]


def text_of(summary: dict[str, Any]) -> str:
    return plain(markdown.render(summary).decode("utf-8"))


def test_parts_in_json_add_up_to_the_total() -> None:
    found = made(SettingChanged("pue", "1.4"), *KNOWN, RAN, BETWEEN)["lifecycle"]
    kinds = ("dynamic", "idle", "infrastructure", "embodied", "operational", "total")
    for kind in kinds:
        each_g = [part[kind]["emissions_g"] for part in found["parts"].values()]
        assert found[kind]["emissions_g"] == pytest.approx(sum(each_g))
    assert sum(found[kind]["emissions_g"] for kind in kinds[:4]) == pytest.approx(
        found["total"]["emissions_g"]
    )
    assert found["idle"]["energy_j"] == pytest.approx(30 * 1000 + 30 * 100)


def test_every_assumption_is_in_json() -> None:
    """A share can be computed again from what the file says."""
    found = made(*KNOWN, RAN)["lifecycle"]
    share_g = sum(
        each["emissions_g"] * each["share_fraction"] * 1000
        / (each["lifetime_years"] * 365 * 86_400 * each["utilisation"])
        for each in found["hardware"]
    )  # fmt: skip

    assert found["embodied"]["emissions_g"] == pytest.approx(share_g)
    assert [each["power_w"] for each in found["baseline"]["devices"]] == [10.0, 20.0]
    assert found["baseline"]["date"] == "2026-11-25"
    assert [each["name"] for each in found["devices"]] == ["CPU package 0", "GPU 0 A100"]


def test_a_cell_has_its_own_split() -> None:
    (cell,) = made(*KNOWN, RAN)["cells"]

    assert cell["lifecycle"]["idle"]["energy_j"] == pytest.approx(30_000)
    assert cell["lifecycle"]["dynamic"]["energy_j"] == pytest.approx(60_000)
    assert [each["idle_j"] for each in cell["devices"]] == [
        pytest.approx(10_000),
        pytest.approx(20_000),
    ]


def test_what_is_not_known_is_null_and_said() -> None:
    summary = made(HardwareLearned((), ("this machine",)), RAN)
    found = summary["lifecycle"]
    text = text_of(summary)

    assert (found["idle"], found["dynamic"], found["embodied"], found["baseline"]) == (None,) * 4
    assert (found["hardware"], found["unknown_hardware"]) == ([], ["this machine"])
    assert found["water"] == {"site_l": None, "grid_l": None}
    assert "| part | operational | embodied | together |" in text
    assert "| total | 0.78 g (0.68 – 0.88) | not known | 0.78 gCO₂e (0.68 – 0.88) |" in text
    assert "Idle power of this machine was not measured" in text
    assert "Of this machine no manufacturing figure is known" in text


def test_where_some_hardware_is_not_known_it_is_at_least_so_much() -> None:
    summary = made(HardwareLearned((BOARD,), ("this machine",)), RAN)

    assert summary["lifecycle"]["embodied_whole"] is False
    assert "| total | 0.78 g (0.68 – 0.88) | at least 5.95 g (" in text_of(summary)


def test_a_page_shows_the_split_and_what_it_starts_from() -> None:
    text = text_of(
        made(
            SettingChanged("pue", "1.4"),
            SettingChanged("water_site_l_per_kwh", "0.2"),
            *KNOWN,
            RAN,
            BETWEEN,
        )
    )

    assert "| part | dynamic | idle | infrastructure | embodied | together |" in text
    assert "| cells | 0.52 g" in text
    assert "| between cells | 0 – 2.53 mg | 25.8 mg" in text
    assert "measured on 2026-11-25" in text
    assert "a laptop, about 236 kg" in text
    assert "Water on site" in text


def test_a_summary_of_an_earlier_version_has_no_such_section() -> None:
    summary = made(*KNOWN, RAN)
    del summary["lifecycle"]

    assert lifecycle.table(summary) == ((), [])
    assert lifecycle.remarks(summary) == []
    assert "Life cycle" not in text_of(summary)
