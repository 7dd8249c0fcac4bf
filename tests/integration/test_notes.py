"""What people say of cells, in a real kernel: tags, scores, queries; and that the ledger keeps it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.tags import by_tag
from nbcarbon.history import read_past
from tests.integration.kernels import Kernel, kernel, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120), pytest.mark.xdist_group("notes")]

WORK = "\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("notes")
    environ = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    with kernel(folder, environ=environ) as running:
        running.run("import time, nbcarbon")
        yield running


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_cells_are_tagged_before_and_after(shared: Kernel) -> None:
    assert "No cell has a tag" in shared.run("%carbon tag").text
    assert "are tagged training" in shared.run("%carbon tag training").text
    shared.run("%%carbon fit" + WORK.format(0.05))
    shared.run("%%capture" + WORK.format(0.05))
    shared.run("%carbon tag --off")
    shared.run("%%carbon check" + WORK.format(0.05))
    reply = shared.run("%carbon tag 'model checks' check")
    assert "tag model checks: 1 cell" in plain(reply.text)
    assert "tag training: 3 cells" in plain(reply.text)  # the one that says --off is the last
    assert "No cell '999'" in shared.run("%carbon tag x 999").text
    report = shared.run("%carbon report").displays[0]["data"]
    assert "tag training: 3 cells" in plain(report["text/plain"])
    assert "#model checks" in report["text/html"]
    sums = {each.tag: each for each in by_tag(shared.session().figures())}
    assert sums["training"].cell_count == 3
    assert sums["training"].energy.energy_j > sums["model checks"].energy.energy_j


def test_past_cells_are_named_by_their_numbers(shared: Kernel) -> None:
    number = shared.run("0").results[0]["execution_count"]
    shared.run("%%carbon named\n1")
    shared.run("2")
    reply = shared.run(f"%carbon tag late {number + 1}-{number + 2}")
    assert "tag late: 2 cells" in plain(reply.text)
    tagged = [each.name for each in shared.session().figures().cells if each.notes.tag == "late"]
    assert tagged == ["named", f"cell {number + 2}"]
    shared.run(f"%carbon tag --off {number + 1}-{number + 2}")


def test_a_query_stands_beside_published_tasks(shared: Kernel) -> None:
    (card,) = shared.run_to_card(
        "%%carbon answers --queries 1000 --tokens 20" + WORK.format(0.1)
    ).cards
    assert "each of 1 000 queries: " in plain(card)
    assert "published for 1 000 queries: text classification 2 Wh" in plain(card)
    assert "1 000 tokens: " in plain(card)
    (card,) = shared.run_to_card(
        "%%carbon batches --repeat 5\nnbcarbon.note(queries=7)" + WORK.format(0.02)
    ).cards
    assert "each of 35 queries: " in plain(card)


def test_scores_are_said_before_in_or_after_the_cell(shared: Kernel) -> None:
    assert "No measured cell has a score" in shared.run("%carbon compare").text
    shared.run("%%carbon small --score 0.8 --unit accuracy" + WORK.format(0.05))
    shared.run("%%carbon medium" + WORK.format(0.1) + "\nnbcarbon.note(score=0.7, unit='accuracy')")
    shared.run("%%carbon large" + WORK.format(0.2))
    shared.run("nbcarbon.note(score=0.9, unit='accuracy', cell='large')")
    data = shared.run("%carbon compare").displays[0]["data"]
    rows = [line.split() for line in data["text/plain"].splitlines()[1:4]]
    assert [(row[1], row[2], row[-1]) for row in rows] == [
        ("small", "0.8", "front"), ("medium", "0.7", "ms"), ("large", "0.9", "front"),
    ]  # fmt: skip
    assert "<svg" in data["text/html"]
    assert "<script" not in data["text/html"]
    lower = shared.run("%carbon compare accuracy --lower").displays[0]["data"]["text/plain"]
    assert [line.endswith("front") for line in lower.splitlines()[1:4]] == [True, True, False]


def test_a_block_is_scored_too(shared: Kernel) -> None:
    shared.run(
        "with nbcarbon.measure('block') as m:\n"
        "    m.note(tokens=5)\n"
        "    nbcarbon.note(queries=3)\n"
        "m.note(score=1, unit='points')"
    )
    assert wait_for(lambda: any(each.name == "block" for each in shared.cells(0)))
    cells = shared.cells(0)
    (block,) = [each for each in cells if each.name == "block"]
    assert block.parent_index is not None
    notes = block.notes
    assert (notes.score, notes.score_unit, notes.query_count, notes.token_count) == (
        1.0, "points", 3, 5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("nbcarbon.note(score='good')", "A score cannot be 'good'."),
        ("nbcarbon.note(queries=0)", "queries cannot be '0'."),
        ("nbcarbon.note(score=1, cell='nobody')", "No cell 'nobody' has been measured."),
    ],
)
def test_what_cannot_be_said_is_one_sentence(shared: Kernel, code: str, said: str) -> None:
    reply = shared.run(code)
    assert reply.ename == "SettingError"
    assert said in reply.evalue


def test_a_summary_says_it_all(shared: Kernel, tmp_path: Path) -> None:
    shared.run(f"%carbon export {tmp_path / 'x.json'}")
    found = json.loads((tmp_path / "x.json").read_text())
    cells = {each["name"]: each for each in found["cells"] if each["parent_index"] is None}
    assert cells["fit"]["tag"] == "training"
    assert cells["small"]["score"] == 0.8
    assert cells["answers"]["per_query"]["count"] == 1000
    assert cells["answers"]["per_query"]["energy_j"] * 1000 == pytest.approx(
        cells["answers"]["energy_j"]
    )
    assert cells["batches"]["run_count"] == 5
    assert [each["tag"] for each in found["tags"]] == ["training", "model checks", None]
    assert set(read_past(shared.ledger).tags) == {"training", "model checks", ""}
    # And so does the ledger, to whoever reads it without the kernel.
    notes = {each.name: each.notes for each in shared.session().figures().cells}
    assert notes["large"].score == 0.9


def test_advice_has_a_figure_each_time(shared: Kernel) -> None:
    for _ in range(3):
        shared.run("again = 1" + WORK.format(0.3), cell_id="the-same-cell")
    lines = plain(shared.run("%carbon advice").text).splitlines()
    assert lines[0].startswith("What would have saved most")
    assert any(": 3 runs, " in line for line in lines)
    assert any(" instead of 31 g/kWh here" in line for line in lines)
    numbered = [line for line in lines if line[:2] in ("1.", "2.", "3.")]
    said = [line for line in lines if "less, " in line and "% of this session: " in line]
    assert 1 <= len(numbered) == len(said)
