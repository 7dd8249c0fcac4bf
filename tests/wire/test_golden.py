"""The golden messages are what the kernel's code says today."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wire.examples import examples
from tests.wire.golden_files import FOLDER, as_text

EXAMPLES = examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_is_the_golden_one(name: str) -> None:
    golden = (FOLDER / f"{name}.json").read_text(encoding="utf-8")

    assert as_text(EXAMPLES[name]) == golden, "if this is meant: python -m tests.wire"


def test_there_is_a_golden_message_for_each_example_and_no_other() -> None:
    assert {each.stem for each in FOLDER.glob("*.json")} == set(EXAMPLES)


@pytest.mark.parametrize("name", [each for each in EXAMPLES if each not in ("card", "joules")])
def test_every_message_says_its_type_and_version(name: str) -> None:
    message: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))

    assert message["v"] == 1
    assert name.split("_")[0] == message["type"]
