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
    ],
)
def test_a_command(line: str, expected: Command) -> None:
    assert command(line) == expected


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
