"""The paragraph of a paper: what has to be disclosed is in it, in LaTeX and Markdown, and names stay text."""

from __future__ import annotations

import re

import pytest

from nbcarbon.export import paper_latex, paper_markdown
from nbcarbon.export.paragraph import hardware
from tests.export.summaries import made
from tests.payloads import PAYLOADS

PLAIN = str.maketrans("\u00a0\u202f", "  ")

SAID = (
    "The computations ran in France on: CPU package, GPU A100, memory 64 GB. "
    "In 42 min they used 12.4 Wh (11.2 – 13.6 Wh) of electricity, 90 % of it measured by hardware sensors "
    "(RAPL, energy counter), the rest modelled, with nbcarbon 0.1.0 \\[1\\] for the whole machine. "
    "With a carbon intensity of 31 (27.4 – 35.1) gCO₂e/kWh (France; average, lifecycle, consumption, 2025) "
    "\\[2\\] and a PUE of 1, this corresponds to 0.38 gCO₂e (0.33 – 0.45 gCO₂e). "
    "Intervals are 95 % ones. Not included: the manufacture of the hardware, losses of power supplies, and "
    "fans, boards and disks, cooling."
)


def test_it_discloses_what_has_to_be() -> None:
    paragraph, _, cited = paper_markdown.render(made()).decode().translate(PLAIN).partition("\n\n")
    assert paragraph == SAID
    assert "1. The nbcarbon authors. nbcarbon" in cited
    assert "2. Electricity Maps" in cited


def test_latex_says_the_same() -> None:
    text = paper_latex.render(made()).decode()
    assert r"12.4~Wh (11.2--13.6~Wh) of electricity, 90~\% of it measured" in text
    assert r"0.38~gCO\textsubscript{2}e (0.33--0.45~gCO\textsubscript{2}e)" in text
    cited = set(re.findall(r"\\cite\{(\w+)\}", text))
    entries = set(re.findall(r"^% @\w+\{(\w+),$", text, re.MULTILINE))
    assert cited == entries == {"nbcarbon", "gridintensity"}


def test_an_unknown_zone_a_building_and_a_meter_are_said() -> None:
    summary = made(zone="")
    summary["settings"]["pue"] = 1.2
    summary["intensity"]["fallback"] = True
    summary["calibration"] = {"date": "2026-02-01", "calibrated_fraction": 1.0}
    text = paper_markdown.render(summary).decode().translate(PLAIN)
    assert "The computations ran on:" in text
    assert "the world’s average, as the grid is not known" in text
    assert "PUE of 1.2" in text
    assert "calibrated against a wall meter on 2026" in text.replace("\\", "")
    assert "power supplies" not in text
    assert "cooling" not in text


def test_devices_of_one_name_are_counted() -> None:
    summary = made()
    summary["devices"] = [
        {**summary["devices"][1], "id": f"gpu:{each}", "name": f"GPU {each} NVIDIA H100"}
        for each in range(8)
    ]
    assert hardware(summary).translate(PLAIN) == "8 × GPU NVIDIA H100"


def is_balanced(text: str) -> bool:
    depth = 0
    for each in re.sub(r"\\[\\{}$&#_%]", "", text):
        depth += {"{": 1, "}": -1}.get(each, 0)
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_is_no_command(payload: str) -> None:
    summary = made()
    for part in (summary["zone"], *summary["devices"]):
        part["name"] = payload
    summary["intensity"]["source"] = payload
    text = paper_latex.render(summary).decode()
    commands = set(re.findall(r"\\[a-zA-Z]+", text))
    assert commands <= {
        "\\cite", "\\textsubscript", "\\textmu", "\\times", "\\pm", "\\textbackslash", "\\textasciitilde",
        "\\textasciicircum", "\\textless", "\\textgreater", "\\textbar", "\\symbol",
    }  # fmt: skip
    lines = text.splitlines()
    assert all(is_balanced(line) for line in lines if not line.startswith("%"))
    assert is_balanced("\n".join(line for line in lines if line.startswith("%")))
    in_text = "\n".join(line for line in lines if not line.startswith("%"))
    assert re.search(r"(?<!\\)%", in_text) is None
    assert "<script" not in paper_markdown.render(summary).decode().lower()
