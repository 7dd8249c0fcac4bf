"""The notebooks that teach: each runs to its end without a GPU, and what its text claims is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(300)]

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", LESSONS, ids=[each.stem for each in LESSONS])
def test_a_notebook_begins_with_words_and_keeps_no_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    code = [each for each in notebook.cells if each.cell_type == "code"]
    assert all(each.outputs == [] and each.execution_count is None for each in code)
    words = sum(len(each.source.split()) for each in notebook.cells if each.cell_type == "markdown")
    assert words > 100


def run(name: str, folder: Path) -> tuple[str, dict[str, str]]:
    """What `nbcarbon run` printed, and each cell's text by its first line."""
    output = folder / "out.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "nbcarbon", "run", str(FOLDER / f"{name}.ipynb"),
         "--zone", "FR", "--output", str(output), "--summary", str(folder / "out.json")],
        capture_output=True, text=True, timeout=280, env=dict(os.environ), cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    executed = nbformat.read(output, as_version=4)
    shown = {
        each.source.splitlines()[0]: "\n".join(map(_text, each.outputs)).replace("\u00a0", " ")
        for each in executed.cells
        if each.cell_type == "code"
    }
    return done.stdout, shown


def _text(output: Any) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def test_accuracy_against_energy(tmp_path: Path) -> None:
    printed, shown = run("accuracy", tmp_path)
    rows = {line.split()[1]: line for line in shown["%carbon compare"].splitlines()[1:7]}
    assert set(rows) == {"tree", "bayes", "logistic", "vectors", "forest", "network"}
    scores = {name: float(line.split()[2]) for name, line in rows.items()}
    assert max(scores, key=lambda name: scores[name]) == "vectors"
    assert rows["vectors"].endswith("on the front")
    assert all(0.75 < each < 1 for each in scores.values())
    assert "tag training: 7 cells" in shown["%carbon report"]
    assert re.search(r"forest × \d+ ", shown["%carbon report"])
    assert "each of" in shown["%%carbon tree --min-time 1s"]
    # A line of progress is of the whole cell, not of one of the runs in it.
    lines = [line for line in printed.splitlines() if "--min-time 1s" in line]
    assert len(lines) == 6
    assert all(re.search(r" [1-9][0-9.]* s   about", line) for line in lines)


def test_inference_per_1000_queries(tmp_path: Path) -> None:
    _, shown = run("inference", tmp_path)
    table = [line[2:32].strip() for line in shown["%carbon queries"].splitlines()]
    assert table.index("batch") < table.index("single") < table.index("image classification")
    assert "image generation" in table
    assert "each of " in shown["%%carbon single --queries 100 --min-time 2s"]
    (said,) = shown["%carbon amortize --per-query batch --training train"].strip().splitlines()
    assert int(said.partition(" queries ")[0].replace(" ", "")) > 100
