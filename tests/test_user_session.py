"""A session in its user's hands: from a ledger, from an export, as a table."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import nbcarbon
from nbcarbon.core.events import CellClosed, DevicesFound, IntensityLearned, SessionEnded
from nbcarbon.errors import ExportError, LedgerError
from nbcarbon.export.cell_table import COLUMNS
from nbcarbon.export.frame import frame
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.testing import FakeClock
from nbcarbon.user_session import Session
from tests.export.summaries import made
from tests.samples import CPU, FRANCE, FRENCH, GPU, STARTED, part, report

if TYPE_CHECKING:
    from pathlib import Path

LIBRARIES = ("pandas", "polars")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "20260301T120000Z-abcd.ledger"
    writer = LedgerWriter(path, FakeClock())
    cell = report("train", 12.3, part(CPU, 0.11, 0.09, 0.13), part(GPU, 0.22, 0.18, 0.26))
    for event in (
        STARTED,
        DevicesFound((CPU, GPU)),
        IntensityLearned(FRANCE, FRENCH),
        CellClosed(cell),
        SessionEnded(120.0),
    ):
        writer.append(event)
    writer.close()
    return path


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_has_a_row_for_each_cell_and_device(library: str) -> None:
    table = frame(made(), library)
    assert type(table).__module__.partition(".")[0] == library
    assert list(table.columns) == list(COLUMNS)
    assert list(table["cell_name"]) == ["train"] * 3 + ["short", "blind", "wide"]
    assert sum(table["energy_j"][:3]) == pytest.approx(0.409 * 3600)
    assert table["started_at"][0].isoformat() == "2026-03-01T12:00:01+00:00"
    assert bool(table["counted"][0]) is True
    assert int(table["cell_index"][5]) == 4


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_not_known_is_missing(library: str) -> None:
    summary = made()
    summary["cells"][0]["energy_j"] = None
    summary["cells"][0]["devices"] = []
    table = frame(summary, library)
    missing = table.iloc[0].isna() if library == "pandas" else None
    for name in ("cell_energy_j", "energy_j", "device_id", "counted", "parent_index"):
        assert missing[name] if missing is not None else table[name][0] is None


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_session_without_cells_is_an_empty_frame_with_all_columns(library: str) -> None:
    table = frame(made(cells=()), library)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 0


def test_the_library_that_is_in_use_is_taken() -> None:
    code = (
        "import json, sys; {0}; from nbcarbon.export.frame import frame; "
        "print(type(frame(json.load(sys.stdin))).__module__.partition('.')[0])"
    )
    import json

    for before, expected in (("pass", "pandas"), ("import polars", "polars")):
        done = subprocess.run(
            [sys.executable, "-c", code.format(before)],
            input=json.dumps(made()), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == expected


def test_without_either_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbcarbon.export.frame.find_spec", lambda name: None)
    with pytest.raises(ExportError, match="pip install pandas"):
        frame(made(), "polars")


def test_a_session_comes_from_its_ledger(ledger: Path) -> None:
    session = Session.load(ledger)
    assert nbcarbon.Session is Session
    assert [each.name for each in session.figures().cells] == ["train"]
    assert session.summary()["totals"]["emissions_g"] == pytest.approx(0.33e-3 * 31)
    assert session.summary()["session"]["host"] is None
    assert session.summary(with_host=True)["session"]["host"] == "machine"
    assert list(session.to_frame("polars")["device_id"]) == ["cpu:0", "gpu:0"]


@pytest.mark.process
@pytest.mark.parametrize("name", ["a.json", "a.html"])
def test_and_from_its_export_all_the_same(ledger: Path, tmp_path: Path, name: str) -> None:
    written = Session.load(ledger).export(tmp_path / name)
    again = Session.load(written)
    more = {"elsewhere", "advice"}  # which the report alone asks for
    found: dict[str, Any] = {
        key: value for key, value in again.summary().items() if key not in more
    }
    assert found == Session.load(str(ledger)).summary()
    assert again.to_frame("pandas").equals(Session.load(ledger).to_frame("pandas"))
    assert again.export(tmp_path / "b.csv").read_bytes() == (
        Session.load(ledger).export(tmp_path / "c.csv").read_bytes()
    )
    with pytest.raises(ExportError, match=r"Use summary\(\)"):
        again.figures()


def test_what_is_no_session_is_said(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="No session"):
        Session.load("latest")
    table = tmp_path / "a.csv"
    table.write_text("a,b\n")
    with pytest.raises(ExportError, match="a part of a session"):
        Session.load(table)
