"""The report: what it says, that it is whole, and that nobody's name is its markup. A browser opens it elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import html5lib
import pytest

from nbcarbon import chart_process
from nbcarbon.core.elsewhere import elsewhere
from nbcarbon.core.events import (
    BaselineLearned,
    BetweenMeasured,
    HardwareLearned,
    SessionEnded,
    SettingChanged,
)
from nbcarbon.core.notes import CellNotes
from nbcarbon.errors import ExportError
from nbcarbon.export import html_report
from nbcarbon.export.report.drawn import DARK, drawn
from nbcarbon.export.report.inputs import recomputed
from nbcarbon.export.report.story import story
from nbcarbon.grid.well_known import well_known
from nbcarbon.recorded import summary_of
from tests.core import test_lifecycle as life
from tests.export.summaries import made
from tests.payloads import PAYLOADS
from tests.samples import CPU, GPU, short, train

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PLAIN = str.maketrans("\u00a0\u202f", "  ")


def with_zones(summary: dict[str, Any]) -> dict[str, Any]:
    return {**summary, "elsewhere": elsewhere(summary, well_known())}


def parsed(summary: dict[str, Any]) -> Element:
    page = html_report.render(summary)
    found: Element = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    return found


def words(element: Element | None) -> str:
    assert element is not None
    return " ".join("".join(element.itertext()).translate(PLAIN).split())


def lead(summary: dict[str, Any]) -> str:
    return " ".join(story(summary)).translate(PLAIN)


# What it says


def test_the_first_paragraph_can_be_read_aloud() -> None:
    assert lead(made()) == (
        "This notebook session took 42 min and used 12.4 Wh of electricity (between 11.2 and 13.6 Wh). "
        "That is about two thirds of a phone charge (19 Wh, US EPA 2024). "
        "Making that electricity in France emitted as much greenhouse gas as 0.38 g of CO₂ "
        "(between 0.33 and 0.45 g). "
        "10 % of the energy was used while no code ran. "
        "90 % of the energy was measured by the machine’s sensors, the rest is estimated."
    )


def test_what_would_have_changed_it_most_is_told_with_its_figure() -> None:
    text = "The same work in Sweden: 21 g/kWh instead of 31 g/kWh here."
    first = {
        "kind": "zone",
        "text": text,
        "how": "by both averages",
        "energy_j": 0.0,
        "emissions_g": 0.124,
    }
    second = {**first, "kind": "again", "text": "train: 3 runs.", "emissions_g": 0.05}
    summary = {**made(), "advice": [first, second]}
    assert (
        "What would have changed it most, by up to 32 %: the same work in Sweden: 21 g/kWh instead of "
        "31 g/kWh here."
    ) in lead(summary)
    items = [words(each) for each in parsed(summary).findall(".//ol/li")]
    assert items == [
        f"{text} Up to 0.12 gCO₂e less, 32 %: by both averages.",
        "train: 3 runs. Up to 50 mgCO₂e less, 13 %: by both averages.",
    ]
    assert "changed it most" not in lead({**made(), "advice": []})
    assert "changed it most" not in lead(made())


def test_an_unknown_zone_is_said() -> None:
    text = lead(with_zones(made(zone="")))
    assert "Where the machine stands is not known. Made as the world’s electricity is" in text
    assert "France" not in text


def test_nothing_measured_is_no_zero() -> None:
    summary = made()
    for key in ("energy_j", "low_j", "high_j", "energy_kwh", "emissions_g", "low_g", "high_g"):
        summary["totals"][key] = None
    assert lead(summary).startswith(
        "This notebook session took 42 min. What it used was not measured."
    )


def test_idle_power_is_told_where_it_is_known() -> None:
    summary = {**made(), "lifecycle": {"idle": {"energy_j": 0.42 * 12.4 * 3600}}}
    assert "42 % of the energy was idle power" in lead(summary)


def test_the_life_cycle_is_told_with_all_that_was_assumed() -> None:
    summary = summary_of_a_life()
    text = lead(summary)
    assert "of the energy was idle power" in text
    assert "This time’s share of making the machine adds" in text
    page = parsed(summary)
    found = next(each for each in page.iter("table") if "embodied" in words(each))
    titles = [words(each) for each in found.iter("th")][:6]
    assert titles == ["part", "dynamic", "idle", "infrastructure", "embodied", "together"]
    inputs = words(page.find(".//dl"))
    assert "Idle power, measured on" in inputs
    assert "over 4 years" in inputs
    assert "not counted" not in inputs


def summary_of_a_life() -> dict[str, Any]:
    found = summary_of(
        life.session(
            SettingChanged("pue", "1.4"),
            BaselineLearned(life.BASELINE),
            HardwareLearned((life.LAPTOP, life.BOARD)),
            life.ran(1000, life.used(CPU, 30_000), life.used(GPU, 60_000)),
            BetweenMeasured(1100.0, 1200.0, (life.used(CPU, 1_000), life.used(GPU, 2_000))),
            SessionEnded(1200.0),
        )
    )
    made_plain: dict[str, Any] = json.loads(json.dumps(found))
    return made_plain


def test_scores_queries_and_tags_have_tables_where_there_are_any() -> None:
    notes = CellNotes(tag="training", score=0.91, score_unit="a|b", query_count=40)
    noted = made(cells=(replace(train("<b>"), notes=notes), short()))
    noted["tags"] = [
        {**noted["cells"][0], "tag": "training", "cell_count": 1, "cells_fraction": 0.9},
        {**noted["cells"][1], "tag": None, "cell_count": 1, "cells_fraction": 0.1},
    ]
    tables = {words(each.find(".//th")): words(each) for each in parsed(noted).iter("table")}
    assert "0.91 a|b" in tables["cell"] or "0.91 a|b" in words(parsed(noted).find("body"))
    assert "image classification" in tables["cell or task"]
    assert "training" in tables["tag"]
    pie = drawn(noted)["tags"]
    assert [each["name"] for each in pie] == ["training", "no tag"]
    assert pie[0]["text"].translate(PLAIN) == "90 % · 0.41 Wh"
    assert "tags" not in drawn(made())


def test_the_product_can_be_recomputed() -> None:
    text = recomputed(made())
    assert text == "energy × PUE × intensity: 0.0124 kWh × 1 × 31 g/kWh = 0.3844 g"
    *factors, product = map(float, re.findall(r"[\d.]+(?= |$)", text))
    assert product == pytest.approx(factors[0] * factors[1] * factors[2])


def test_every_input_is_stated() -> None:
    page = words(parsed(made()).find(".//dl"))
    for said in (
        "measured and modelled", "all that the machine used", "France (FR), time zone, confidence medium",
        "31 g/kWh (27.4 – 35.1), average, lifecycle, consumption, Electricity Maps, 2025",
        "PUE 1", "Embodiednot counted", "nbcarbon 0.1.0", "95 %", "not calibrated",
    ):  # fmt: skip
        assert said in page


def test_each_figure_says_how_it_is_known() -> None:
    tables = parsed(made()).findall(".//table")
    cells = {words(row[0]): words(row[-1]) for row in tables[0].iter("tr")}
    assert cells["train"] == "◐ 80 % measured"
    assert cells["wide"] == "interrupted, ○ modelled"
    assert cells["blind"] == ""
    devices = {words(row[0]): [words(each) for each in row[1:]] for row in tables[1].iter("tr")}
    assert devices["GPU 0 A100"] == ["7.2 Wh", "10.3 W", "● measured", "energy counter, ± 5 %"]
    assert devices["DRAM 0"][-1] == "RAPL, within another row, ± 10 %"


def test_parts_add_up_to_the_total() -> None:
    rows = parsed(made()).findall(".//table")[0].iter("tr")
    found = {words(row[0]): words(row[3]) for row in rows}
    assert found["between cells"].startswith("37.2 mg")  # 1.2 Wh of 31 g/kWh
    assert found["total"].startswith("0.38 g")


def test_of_very_many_cells_the_notable_are_shown_and_the_page_stays_short() -> None:
    summary = made()
    summary["cells"] = [{**summary["cells"][1], "key": f"k{each}"} for each in range(6000)]
    page = parsed(summary)
    assert len(page.findall(".//table")[0].findall(".//tr")) < 510
    assert "5 500 smaller and older cells are not shown" in words(page.find("body"))
    assert [each for each in page.iter("script") if each.get("id") == "nbcarbon-summary"] == []
    with pytest.raises(ExportError, match="holds no summary"):
        html_report.load(html_report.render(summary))


# What is drawn


def test_charts_show_the_summary_and_nothing_else() -> None:
    found = drawn(with_zones(made()))
    assert list(found) == ["power", "cells", "devices", "elsewhere"]
    assert [each["name"] for each in found["cells"]] == ["train", "wide", "short"]
    assert [each["text"].translate(PLAIN) for each in found["devices"]] == [
        "7.2 Wh · 58 %", "4 Wh · 32 %", "1.2 Wh · 10 %",
    ]  # fmt: skip
    assert found["power"]["history"]["t_ms"] == [0, 600_000, 900_000, 2_400_000, 2_520_000]
    bar = found["power"]["cells"][0]
    assert (bar["name"], bar["start_ms"]) == ("train", 1000)
    assert bar["end_ms"] == pytest.approx(13_300)
    places = [each["name"] for each in found["elsewhere"]]
    assert places[:3] == ["Sweden", "France (here)", "Québec"]
    assert places.count("France") == 0
    values = [each["value"] for each in found["elsewhere"]]
    assert values == sorted(values)
    assert values[1] == pytest.approx(0.3844)


def test_runs_of_one_cell_are_one_bar() -> None:
    found = drawn(made(cells=(train(), train(), short())))["cells"]
    assert [(each["name"], each["more"]) for each in found] == [("train", " × 2"), ("short", "")]
    assert found[0]["value"] == pytest.approx(2 * 0.409 * 3600)


def test_nothing_to_draw_is_no_chart() -> None:
    empty = {**made(cells=()), "power": None, "devices": []}
    page = html_report.render(empty).decode()
    assert "<figure" not in page
    assert "script-src &#x27;none&#x27;" in page


@pytest.mark.process
def test_bokeh_draws_them() -> None:
    page = html_report.render(with_zones(made("Tab\tand $$x$$"))).decode()
    data = re.search(r'id="charts-light">(.*?)</script>', page, re.DOTALL)
    dark = re.search(r'id="charts-dark">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert dark is not None
    charts = json.loads(data[1])
    assert list(charts) == ["power", "cells", "devices", "elsewhere"]
    assert all(each["root_id"] for each in charts.values())
    assert "$$x$$" in data[1]
    assert '"TeX"' not in data[1]
    assert [light for light in DARK if light in dark[1]] == []
    assert html_report.load(page.encode()) == with_zones(made("Tab\tand $$x$$"))


@pytest.mark.process
def test_whoever_exports_imports_no_bokeh() -> None:
    code = (
        "import json, sys; from nbcarbon.export import html_report; "
        "page = html_report.render(json.load(sys.stdin)); "
        "print(len(page) > 500_000, sorted({'bokeh', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(made()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True []"


@pytest.mark.process
def test_long_and_wide_names_are_cut_where_words_behind_bars_need_the_room() -> None:
    from nbcarbon.report_charts import LONGEST_NAME, bars_figure

    names = ["x" * 28, "x" * 29, "W" * 40, "界" * 40]
    bar = {"value": 1.0, "low": 0.5, "high": 2.0, "text": "1 Wh", "colour": "#000000"}
    figure = bars_figure([{**bar, "name": each} for each in names])
    shown = [each.text for each in figure.yaxis[0].major_label_overrides.values()]
    assert shown == ["x" * 28, "x" * 27 + "…", "W" * 16 + "…", "界" * 13 + "…"]
    assert LONGEST_NAME == 28


@pytest.mark.process
def test_a_helper_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_process, "TIMEOUT_S", 0.001)
    with pytest.raises(ExportError, match=r"cannot be drawn .*longer than"):
        html_report.render(made())


# What it may do


def policy(page: Element) -> dict[str, list[str]]:
    head = page.find("head")
    assert head is not None
    metas = [each for each in head if each.get("http-equiv")]
    assert list(head).index(metas[0]) <= 1  # before anything that could run
    parts = (part.split() for part in (metas[0].get("content") or "").split(";"))
    return {name: values for name, *values in parts}


def test_only_its_own_scripts_run_and_nothing_is_fetched() -> None:
    page = parsed(with_zones(made()))
    found = policy(page)
    assert found["default-src"] == found["base-uri"] == found["form-action"] == ["'none'"]
    assert all(not each.startswith("'unsafe") for values in found.values() for each in values)
    scripts = [each for each in page.iter("script") if each.get("type") is None]
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256((each.text or '').encode()).digest()).decode()}'"
        for each in scripts
    ]
    assert found["script-src"] == hashes
    (style,) = page.iter("style")
    assert found["style-src"] == [f"'nonce-{style.get('nonce')}'"]
    assert "url(" not in (style.text or "")
    assert "@import" not in (style.text or "")
    links = [
        (each.tag, name) for each in page.iter() for name in each.attrib if name in ("src", "href")
    ]
    assert links == []


def test_the_same_session_is_the_same_page() -> None:
    assert html_report.render(made()) == html_report.render(made())
    one, other = (re.search(rb'nonce="([^"]+)"', html_report.render(made(each))) for each in "ab")
    assert one is not None
    assert other is not None
    assert one[1] != other[1]


OURS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "b", "span", "ul", "li",
    "noscript", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "small", "dl", "dt",
    "dd", "footer", "script", "ol",
}  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_is_text_wherever_it_stands(payload: str) -> None:
    summary = with_zones(made(payload, with_host=True))
    for part in (summary["session"], summary["zone"], summary["intensity"]):
        part.update((key, payload) for key in ("notebook", "host", "name", "source") if key in part)
    for device in summary["devices"]:
        device["name"] = device["method"] = payload
    page = parsed(summary)
    assert {each.tag for each in page.iter()} <= OURS
    assert len(list(page.iter("script"))) == 5
    attributes = {name for each in page.iter() for name in each.attrib}
    assert attributes <= {
        "lang", "charset", "http-equiv", "content", "name", "class", "id", "role", "aria-label", "scope",
        "type", "nonce", "data-nonce",
    }  # fmt: skip
    assert html_report.load(html_report.render(summary)) == summary
