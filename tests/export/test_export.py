"""Summaries as files: out and in again, readable, and never markup of somebody else's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.notes import CellNotes
from nbcarbon.errors import ExportError
from nbcarbon.export import endings, export, json_summary, load, markdown
from tests.export.summaries import made
from tests.payloads import PAYLOADS
from tests.samples import short, train

if TYPE_CHECKING:
    from pathlib import Path


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    export(made(), path)
    assert load(path) == made()
    assert path.read_bytes().isascii()


def test_markdown_can_be_read_aloud(tmp_path: Path) -> None:
    path = tmp_path / "A.MD"
    export(made(with_host=True), path)
    text = path.read_text("utf-8").replace("\u00a0", " ")
    assert text.startswith("# Energy and CO₂e of a notebook session\n\nThis session used **")
    assert "| train | 12.3 s |" in text
    assert "not measured" in text
    assert "0 – 3 mWh" in text
    assert "machine" in text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_stays_in_its_cell_of_the_table(payload: str) -> None:
    text = markdown.render(made(payload)).decode("utf-8").replace("\u00a0", " ")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    table = [row for row in rows if " s |" in row or "min |" in row or " ms |" in row]
    assert len(table) == 4
    assert all(row.replace("\\\\", "").replace("\\|", "").count("|") == 6 for row in table)
    assert "<script" not in text.lower()
    assert json.loads(json_summary.render(made(payload)))["cells"][0]["devices"]


def test_an_unknown_ending_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        export(made(), tmp_path / "a.xyz")
    assert all(ending in str(caught.value) for ending in endings())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is not JSON."),
        ("[" * 100_000, "This is not JSON."),
        ('{"a": NaN}', "This is not JSON."),
        ("[]", "not a summary of nbcarbon"),
        ('{"schema": "nbcarbon.summary", "schema_version": 99}', "has version 99"),
    ],
)
def test_what_is_no_summary_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ExportError, match=sentence):
        load(path)
    with pytest.raises(ExportError, match="cannot be read"):
        load(tmp_path / "missing.json")


def test_queries_stand_among_published_tasks() -> None:
    notes = CellNotes(score=0.91, score_unit="a|b", query_count=40, token_count=4000)
    cells = [replace(train("<b>"), notes=notes), short()]
    found = made(cells=tuple(cells))
    text = markdown.render(found).decode("utf-8").replace("\u00a0", " ").replace("\u202f", ",")
    rows = text.partition("## Queries")[2].partition("\n\n##")[0].splitlines()
    names = [row.split(" | ")[0].strip("| ") for row in rows if row.startswith("| ")][2:]
    assert names.index("image classification") + 1 == names.index("**&lt;b&gt;**", 1)
    assert "| 40 queries | 10.2 mWh (9 – 11.5) | 10.2 Wh (9 – 11.5) |" in text
    assert "| &lt;b&gt; | 0.91 a\\|b | 0.41 Wh (0.36 – 0.46) |" in text
    assert "FAccT 2024" in text


def test_without_notes_there_are_no_such_sections() -> None:
    text = markdown.render(made()).decode("utf-8")
    assert not any(each in text for each in ("## Scores", "## Queries", "## Tags"))
