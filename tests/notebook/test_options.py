"""Lines that people type, and lines that nobody should."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.errors import SettingError
from nbcarbon.notebook.options import (
    COMMANDS,
    CellOptions,
    Command,
    cell_options,
    command,
    export_words,
    help_text,
)
from tests.payloads import PAYLOADS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", CellOptions()),
        ("train", CellOptions("train")),
        ("my model", CellOptions("my model")),
        ("'my  model' --no-sync", CellOptions("my  model", sync=False)),
        ("--no-sync", CellOptions(sync=False)),
        ("a-b", CellOptions("a-b")),
    ],
)
def test_a_cells_options(line: str, expected: CellOptions) -> None:
    assert cell_options(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Command("status")),
        ("zone FR", Command("zone", ("FR",))),
        ("region New South Wales", Command("zone", ("New", "South", "Wales"))),
        ("export 'a b.json' --force", Command("export", ("a b.json",), frozenset({"--force"}))),
        (
            "export README.md --as modelcard --training-type=fine-tuning",
            Command(
                "export",
                ("README.md",),
                told=(("as", "modelcard"), ("training_type", "fine-tuning")),
            ),
        ),
    ],
)
def test_a_command(line: str, expected: Command) -> None:
    assert command(line) == expected


@pytest.mark.parametrize("line", ["export a.csv --as", "export --as --force a.csv", "export --as="])
def test_an_option_without_its_value_is_said(line: str) -> None:
    with pytest.raises(SettingError, match="--as needs a value"):
        command(line)


def test_an_export_is_completed() -> None:
    assert {"html", "modelcard", "sci"} <= set(export_words("--as"))
    assert {"--as", "--force", "--with-host", "--training-type"} <= set(export_words("a.csv"))


def test_help_names_every_command_and_stays_narrow() -> None:
    text = help_text()
    assert all(f"%carbon {name}" in text for name in COMMANDS)
    assert max(map(len, text.splitlines())) <= 100


def refuse_or_take(line: str) -> None:
    for parse in (command, cell_options):
        message = ""
        try:
            parse(line)
        except SettingError as error:
            message = str(error)
        assert len(message) < 300
        assert "\n" not in message
        assert "\x1b" not in message


def test_ten_thousand_lines_of_noise_are_sentences() -> None:
    rng = random.Random(20261124)
    words = [
        *COMMANDS,
        "--force",
        "--",
        "'",
        '"',
        "\\",
        "{1/0}",
        "$PATH",
        "../..",
        "~",
        "\x1b[2J",
        "é",
    ]
    for _ in range(10_000):
        count = rng.randrange(6)
        line = " ".join(
            rng.choice(words)
            if rng.random() < 0.7
            else "".join(rng.choices(string.printable, k=rng.randrange(20)))
            for _ in range(count)
        )
        refuse_or_take(line)


@given(st.text())
def test_any_text_is_a_sentence_or_taken(line: str) -> None:
    refuse_or_take(line)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_that_tries_something_is_cleaned(payload: str) -> None:
    refuse_or_take(payload)
    refuse_or_take("name " + payload)


@pytest.mark.parametrize(
    ("line", "repeat_count", "min_time_s"),
    [
        ("--repeat 10", 10, 0.0),
        ("train --repeat=3 --no-sync", 3, 0.0),
        ("--min-time 2s train", 1, 2.0),
        ("--min-time=500ms", 1, 0.5),
        ("--min-time 1min --repeat 4", 4, 60.0),
        ("--min-time 0.25", 1, 0.25),
    ],
)
def test_a_body_can_be_run_again(line: str, repeat_count: int, min_time_s: float) -> None:
    found = cell_options(line)

    assert (found.repeat_count, found.min_time_s) == (repeat_count, min_time_s)
    assert found.repeats
    assert found.name == ("train" if "train" in line else "")


@pytest.mark.parametrize(
    "line",
    [
        "--repeat", "--repeat 0", "--repeat -1", "--repeat many", "--repeat 1e3", "--repeat ²",
        "--repeat 99999999", "--min-time", "--min-time 0", "--min-time nan", "--min-time 1e400",
        "--min-time 2h", "--min-time -1s", "--min-time s", "--no-sync=1",
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_met_is_a_sentence(line: str) -> None:
    with pytest.raises(SettingError) as caught:
        cell_options(line)

    assert caught.value.hint


def test_one_run_is_no_repetition() -> None:
    assert not cell_options("--repeat 1").repeats


@pytest.mark.parametrize(
    ("line", "notes"),
    [
        ("small --score 0.91 --unit accuracy", {"score": "0.91", "score_unit": "accuracy"}),
        ("--score=-3 --unit='log loss'", {"score": "-3.0", "score_unit": "log loss"}),
        ("answer --queries 1000 --tokens=5", {"queries": "1000", "tokens": "5"}),
        ("dear --budget 10Wh", {"budget": "36000.0 J"}),
        ("dear --stop --budget '200 g'", {"budget": "200.0 g stop"}),
        ("plain --no-sync", {}),
    ],
)
def test_what_a_line_says_of_its_cell(line: str, notes: dict[str, str]) -> None:
    found = cell_options(line)
    assert dict(found.notes) == notes
    assert found.has_budget is ("budget" in notes)
    assert found.name in ("small", "answer", "dear", "plain", "")


@pytest.mark.parametrize(
    "line",
    [
        "--score", "--score high", "--score nan", "--unit", "--queries 0", "--queries 1.5", "--queries",
        "--tokens -1", "--tokens 1e20", "--budget", "--budget 3", "--budget 0Wh", "--stop",
        "--stop=1 --budget 1Wh", "--budget '1Wh stop stop'",
    ],
)  # fmt: skip
def test_what_a_cell_cannot_be_is_a_sentence(line: str) -> None:
    with pytest.raises(SettingError) as caught:
        cell_options(line)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_flags_belong_to_their_commands() -> None:
    assert command("budget 5Wh --stop").flags == {"--stop"}
    assert command("compare accuracy --lower").words == ("accuracy",)
    for line in ("status --stop", "tag x --lower", "compare --off", "advice --force"):
        with pytest.raises(SettingError):
            command(line)
