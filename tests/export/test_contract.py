"""What holds for every format: chosen by ending or word, atomic, never over an existing file, back where it can."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon import export as formats
from nbcarbon.errors import ExportError
from nbcarbon.export import FORMATS, check, endings, export, load
from tests.export.summaries import made
from tests.payloads import PAYLOADS

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN = str.maketrans("\u00a0\u202f", "  ")
EVERY = pytest.mark.parametrize(
    "chosen", FORMATS, ids=[each.__name__.rpartition(".")[2] for each in FORMATS]
)


def path_for(folder: Path, chosen: Any) -> Path:
    return folder / f"session{chosen.ENDINGS[0]}"


@EVERY
def test_its_ending_and_its_word_choose_it(tmp_path: Path, chosen: Any) -> None:
    by_ending, by_word = path_for(tmp_path, chosen), tmp_path / f"x{chosen.ENDINGS[0]}"
    export(made(), by_ending)
    export(made(), by_word, as_=chosen.AS)
    assert by_ending.read_bytes() == chosen.render(made()) == by_word.read_bytes()


def test_no_two_formats_answer_to_one_ending() -> None:
    assert len(set(endings())) == len(endings())
    assert all(each == each.lower() for each in endings())


@EVERY
def test_an_existing_file_stays_without_force(tmp_path: Path, chosen: Any) -> None:
    path = path_for(tmp_path, chosen)
    export(made("first"), path)
    before = path.read_bytes()
    with pytest.raises(ExportError, match="--force"):
        export(made("second"), path)
    assert path.read_bytes() == before
    export(made("second"), path, force=True)
    if not hasattr(chosen, "merge"):  # which keeps what else is there
        assert path.read_bytes() == chosen.render(made("second"))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@EVERY
def test_a_file_that_cannot_be_finished_is_no_file(
    tmp_path: Path, chosen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_for(tmp_path, chosen)
    export(made("first"), path)
    before = path.read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ExportError, match="No space left"):
        export(made("second"), path, force=True)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@EVERY
@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_was_written_comes_back(tmp_path: Path, chosen: Any, payload: str) -> None:
    path = path_for(tmp_path, chosen)
    export(made(payload), path)
    if hasattr(chosen, "load"):
        assert load(path) == made(payload)
    else:
        with pytest.raises(ExportError, match="not all of it"):
            load(path)


@EVERY
def test_pieces_are_the_whole(chosen: Any) -> None:
    if hasattr(chosen, "pieces"):
        assert b"".join(chosen.pieces(made())) == chosen.render(made())


@EVERY
def test_a_session_of_nothing_can_be_written_or_is_a_sentence(chosen: Any) -> None:
    empty = {**made(cells=()), "power": None, "devices": []}
    unknown = {key: None for key in empty["totals"] if key != "duration_s"}
    try:
        said = chosen.render({**empty, "totals": {**empty["totals"], **unknown}})
    except ExportError as error:
        said = error.hint
    assert said


@EVERY
def test_what_has_seen_nothing_yet_says_no_0(chosen: Any) -> None:
    """JSON apart, whose zeros have the ends of their intervals beside them."""
    empty = {**made(cells=()), "power": None}
    zeros = dict.fromkeys(empty["totals"], 0.0) | {"duration_s": 0.07}
    try:
        said = chosen.render({**empty, "totals": zeros}).decode("utf-8", "replace")
    except ExportError as error:
        said = error.hint
    assert not re.search(r"\b0 (g|Wh|kWh)\b|emissions: 0|\b0[~ ]*gCO", said.translate(PLAIN))


@EVERY
def test_a_summary_of_an_earlier_version_can_be_written(chosen: Any) -> None:
    """Keys that were added since are not there."""
    old = {key: value for key, value in made().items() if key not in ("power", "calibration")}
    old["devices"] = [
        {key: value for key, value in each.items() if key not in ("energy_j", "counted")}
        for each in old["devices"]
    ]
    assert chosen.render(old)


def test_what_is_wrong_is_said_at_once() -> None:
    for path, as_, told, sentence in (
        ("a.xyz", "", {}, "does not say what to write"),
        ("a.json", "yaml", {}, "There is no format 'yaml'. Use one of: html, json, markdown"),
        ("a.json", "", {"colour": "red"}, "JSON has no option --colour. It has no options."),
    ):
        with pytest.raises(ExportError) as caught:
            check(Path(path), as_, told)
        assert sentence in str(caught.value)


def test_the_longest_ending_wins_in_any_case(tmp_path: Path) -> None:
    export(made(), tmp_path / "A.CodeCarbon.CSV")
    assert (tmp_path / "A.CodeCarbon.CSV").read_text().startswith("timestamp,project_name,")


def test_options_are_those_of_the_formats() -> None:
    named = chain.from_iterable(getattr(each, "OPTIONS", {}) for each in FORMATS)
    assert set(formats.options()) == set(named)


def test_every_format_is_documented() -> None:
    text = Path(__file__).parents[2].joinpath("docs/export.md").read_text("utf-8")
    missing: Iterable[str] = [each.AS for each in FORMATS if f"`{each.AS}`" not in text]
    assert list(missing) == []
    assert [each for each in endings() if f"`{each}`" not in text] == []
