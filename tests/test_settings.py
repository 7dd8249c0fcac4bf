"""Settings from wherever they come: defaults, a file, the environment, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.errors import SettingError
from nbcarbon.settings import Settings, config_path, load, parse

if TYPE_CHECKING:
    from pathlib import Path


def test_defaults_where_nothing_is_said() -> None:
    assert load({}).settings == Settings()
    assert load({}).problems == ()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "NBCARBON_PUE": "1.4", "NBCARBON_SYNC_GPU": "off"}
    path = config_path(environ)
    path.parent.mkdir()
    path.write_text('zone = "FR"\npue = 1.1\nkeep_days = 30\n')
    found = load(environ)
    assert found.problems == ()
    assert found.settings == Settings(zone="FR", pue=1.4, sync_gpu=False, keep_days=30)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("pue", "nan", "Use a number from 1 to 5."),
        ("pue", "-1", "Use a number from 1 to 5."),
        ("pue", "1e400", "Use a number from 1 to 5."),
        ("pue", "x" * 10_000, "Use a number from 1 to 5."),
        ("interval_s", "0.01", "Use a number from 0.1 to 60."),
        ("interval_s", "inf", "Use a number from 0.1 to 60."),
        ("attribution", "me", "Use auto, machine, share."),
        ("sync_gpu", "maybe", "Use on or off."),
        ("keep_days", "1.5", "Use a number from 1 to 36500."),
        ("nonsense", "1", "Settings: zone, pue"),
    ],
)
def test_a_value_that_will_not_do_is_a_sentence(name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse(name, value)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("zone = ", "is not valid TOML"),
        ("\x00\xff", "settings are ignored"),
        ("pue = 9", "key 'pue': pue cannot be '9'."),
        ("colour = 1", "There is no setting 'colour'."),
    ],
)
def test_a_bad_file_names_file_and_key_and_changes_nothing(
    tmp_path: Path, text: str, sentence: str
) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    path = config_path(environ)
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    found = load(environ)
    assert found.settings == Settings()
    (problem,) = found.problems
    assert str(path) in problem
    assert sentence in problem


def test_a_region_is_a_zone(tmp_path: Path) -> None:
    assert load({"NBCARBON_REGION": "FR"}).settings.zone == "FR"
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    path = config_path(environ)
    path.parent.mkdir()
    path.write_text('region = "DE"\n')
    assert load(environ).settings.zone == "DE"


def test_a_variable_of_somebody_else_is_not_ours() -> None:
    assert load({"NBCARBON_LEDGER": "/x", "NBCARBON_STAND_IN_NVML": "y", "PUE": "3"}).problems == ()
    assert "NBCARBON_PUE" in load({"NBCARBON_PUE": "x"}).problems[0]


@given(st.text(), st.sampled_from(sorted(Settings.__dataclass_fields__)))
def test_no_text_crashes(value: str, name: str) -> None:
    found = load({f"NBCARBON_{name.upper()}": value})
    assert isinstance(found.settings, Settings)
