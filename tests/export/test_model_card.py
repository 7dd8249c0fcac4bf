"""A model card keeps every byte that is not ours, and says grams."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.errors import ExportError
from nbcarbon.export import export, model_card
from tests.export.summaries import made
from tests.payloads import PAYLOADS

if TYPE_CHECKING:
    from pathlib import Path

CARD = """---
license: mit   # a comment
tags:
- energy
- "quoted: text"

model-index:
  - name: mine
    results: []
---

# My model

co2_eq_emissions: in the text it is no metadata

---
a rule
"""
ENTRY = {
    "emissions": 0.3844,
    "source": "nbcarbon 0.1.0, 90 % measured, 95 % interval 0.33 – 0.45 gCO₂e",
    "geographical_location": "France",
    "hardware_used": "CPU package, GPU A100, memory 64 GB",
}


def metadata(card: bytes) -> dict[str, Any]:
    """By a YAML reader, as the Hub finds it."""
    text = card.decode().lstrip("\ufeff")
    assert text.startswith("---")
    found: dict[str, Any] = yaml.safe_load(text.split("---")[1])
    return found


def merged(card: str, *, force: bool = False, **told: str) -> bytes:
    return model_card.merge(made(), card.encode(), force=force, **told)


def test_a_new_card_says_grams() -> None:
    card = model_card.render(made(), training_type="fine-tuning")
    assert metadata(card) == {"co2_eq_emissions": ENTRY | {"training_type": "fine-tuning"}}
    assert "## Environmental impact\n\nThe computations ran in France" in card.decode()


def test_what_is_not_known_is_left_out() -> None:
    found = metadata(model_card.render(made(zone="")))["co2_eq_emissions"]
    assert set(found) == {"emissions", "source", "hardware_used"}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_other_byte_of_a_card_stays(ending: str, mark: str) -> None:
    before = mark + CARD.replace("\n", ending)
    after = merged(before)
    assert metadata(after) == metadata(before.encode()) | {"co2_eq_emissions": ENTRY}
    head, block, rest = after.decode().partition(f"{ending}co2_eq_emissions:{ending}  emissions:")
    assert block
    _, _, tail = rest.partition(f"{ending}---{ending}")
    assert f"{head}{ending}---{ending}{tail}" == before


def test_our_key_is_replaced_where_it_stands_and_only_if_forced() -> None:
    old = (
        "co2_eq_emissions:\n  emissions: 1\n\n  source: |\n    somebody\n    else\n"
        "  hardware_used: x"
    )
    before = CARD.replace("model-index:", f"{old}\n\nmodel-index:")
    with pytest.raises(ExportError, match=r"has co2_eq_emissions already.*--force"):
        merged(before)
    after = merged(before, force=True).decode()
    assert metadata(after.encode())["co2_eq_emissions"] == ENTRY
    head, tail = before.split(old)
    assert after.startswith(head)
    assert after.endswith(tail)
    assert merged(after, force=True).decode() == after


@pytest.mark.parametrize("old", ["co2_eq_emissions: 12.3", '"co2_eq_emissions": {emissions: 1}'])
def test_other_ways_to_write_our_key(old: str) -> None:
    after = merged(f"---\n{old}\nlicense: mit\n---\nText", force=True)
    assert metadata(after) == {"co2_eq_emissions": ENTRY, "license": "mit"}
    assert after.endswith(b"\nlicense: mit\n---\nText")


def test_a_card_without_metadata_gets_some() -> None:
    for text in ("# My model\n", "", "text without end"):
        after = merged(text)
        assert metadata(after) == {"co2_eq_emissions": ENTRY}
        assert after.endswith(text.encode())


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("---\n{license: mit}\n---\n", "cannot be added to"),
        ("---\na: [\n---\n", "cannot be read"),
        ("---\n- a\n- b\n---\n", "cannot be read"),
        ("---\na: |\n  text\n...\n---\n", "cannot be"),
        ("---\nlicense: mit\n  co2_eq_emissions: 1\n---\n", "cannot be read"),
        ("---\nco2_eq_emissions:\n# note\n  emissions: 1\n---\n", "cannot be"),
    ],
)
def test_what_cannot_be_kept_is_left_alone(tmp_path: Path, card: str, said: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(card)
    with pytest.raises(ExportError, match=said):
        export(made(), path, as_="modelcard", force=True)
    assert path.read_text() == card


def test_a_card_of_another_encoding_is_left_alone() -> None:
    with pytest.raises(ExportError, match="not UTF-8"):
        model_card.merge(made(), "# Modèle".encode("latin-1"), force=True)


def test_the_training_type_is_one_of_two() -> None:
    with pytest.raises(ExportError, match="Use pre-training or fine-tuning"):
        model_card.render(made(), training_type="cooking")


def test_without_the_hubs_package_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ExportError, match=r"pip install 'nbcarbon\[card\]'"):
        model_card.render(made())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_is_a_yaml_string(payload: str) -> None:
    summary = made()
    summary["zone"]["name"] = payload
    for device in summary["devices"]:
        device["name"] = payload
    found = metadata_of_any(model_card.render(summary))
    assert set(found) == {"co2_eq_emissions"}
    assert isinstance(found["co2_eq_emissions"].get("geographical_location", ""), str)


def metadata_of_any(card: bytes) -> dict[str, Any]:
    """The same where a name may hold what ends metadata: by the package that the Hub's users have."""
    import huggingface_hub

    return dict(huggingface_hub.RepoCard(card.decode()).data.__dict__)


KEYS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8).filter(
    lambda text: text[0].isalpha() and not isinstance(yaml.safe_load(text), bool | None)
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(KEYS, VALUES, min_size=1, max_size=5),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)
def test_any_metadata_stays_as_it_was(data: dict[str, Any], body: str) -> None:
    text = f"---\n{yaml.safe_dump(data, sort_keys=False)}---\n{body}"
    before = metadata_of_any(text.encode())
    after = merged(text)
    assert metadata_of_any(after) == before | {"co2_eq_emissions": ENTRY}
    assert after.decode().endswith(body)
