"""The charts' cache: read without Bokeh, built by a helper, never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING

import psutil
import pytest

from nbcarbon import chart_process
from nbcarbon.panel.prepare import PanelError, Prepared, key_of, pack, prepare, unpack

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

VERSION = version("bokeh")
MADE_UP = Prepared(VERSION, '{"power": {}}', b"packed")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the helper filled, once for all of these tests."""
    folder = tmp_path_factory.mktemp("cache") / "nbcarbon"
    prepare(folder, os.environ)
    return folder


def only_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def cached(folder: Path, prepared: Prepared = MADE_UP) -> Path:
    folder.mkdir(0o700, parents=True)
    path = folder / f"charts-{key_of(VERSION)}"
    path.write_bytes(pack(prepared, key_of(VERSION)))
    return path


def test_the_helper_builds_the_figures_and_packs_the_library(built: Path) -> None:
    found = prepare(built, os.environ)

    assert found.version == VERSION
    figures = json.loads(found.figures_json)
    assert figures["power"]["doc"]["version"] == VERSION
    assert figures["emissions"]["root_id"]
    script = zlib.decompress(found.bokehjs)
    assert VERSION.encode() in script
    assert len(found.bokehjs) < len(script) / 3


def test_the_cache_is_private(built: Path) -> None:
    assert built.stat().st_mode & 0o777 == 0o700
    assert only_file(built).name == f"charts-{key_of(VERSION)}"


def test_a_cached_file_is_read_without_bokeh(built: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from nbcarbon.panel.prepare import prepare; "
        "prepare(Path(sys.argv[1]), os.environ); "
        "print(sorted({'bokeh', 'numpy', 'subprocess'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(built)], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_what_is_cached_is_believed(tmp_path: Path) -> None:
    cached(tmp_path / "cache")

    assert prepare(tmp_path / "cache", {}) == MADE_UP


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:40],
        lambda data: data[:-9] + b"x" + data[-8:],
        lambda data: b"something else",
    ],
)
def test_damage_is_noticed(damage: object) -> None:
    data = damage(pack(MADE_UP, "key"))  # type: ignore[operator]

    assert unpack(pack(MADE_UP, "key"), "key") == MADE_UP
    assert unpack(data, "key") is None
    assert unpack(pack(MADE_UP, "key"), "another") is None


def test_a_damaged_file_is_built_again(tmp_path: Path) -> None:
    path = cached(tmp_path / "cache")
    path.write_bytes(path.read_bytes()[:-3])

    found = prepare(tmp_path / "cache", os.environ)

    assert found.figures_json != MADE_UP.figures_json
    assert unpack(path.read_bytes(), key_of(VERSION)) == found


def test_several_kernels_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(lambda _: prepare(tmp_path / "cache", os.environ), range(3)))

    assert len({each.bokehjs for each in found}) == 1
    assert len({json.loads(each.figures_json)["power"]["root_id"] for each in found}) == 1
    only_file(tmp_path / "cache")


def test_old_versions_are_removed(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(0o700)
    for number in range(6):
        old = cache / f"charts-3.{number}"
        old.write_bytes(b"old")
        os.utime(old, (number, number))

    prepare(cache, os.environ)

    left = {each.name for each in cache.iterdir()}
    assert left == {f"charts-{key_of(VERSION)}", "charts-3.3", "charts-3.4", "charts-3.5"}


def test_without_a_folder_to_write_to_a_temporary_one_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    found = prepare(tmp_path / "file" / "cache", os.environ)

    assert found.version == VERSION
    assert list(temporary.iterdir()) == []


def test_a_folder_that_others_may_write_to_is_not_believed(tmp_path: Path) -> None:
    cached(tmp_path / "cache")
    (tmp_path / "cache").chmod(0o777)

    assert prepare(tmp_path / "cache", os.environ) != MADE_UP


def test_missing_bokeh_is_one_sentence_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        from importlib.metadata import PackageNotFoundError

        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)

    with pytest.raises(PanelError) as caught:
        prepare(tmp_path / "cache", os.environ)

    expected = "The charts need Bokeh, which is not installed here. Run: pip install 'bokeh>=3.4'"
    assert str(caught.value) == expected


def test_bokeh_that_only_the_helper_misses_is_told_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "python"
    # An interpreter that sees no installed package, as where PYTHONPATH held Bokeh.
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(bare))

    with pytest.raises(PanelError, match="not installed here"):
        prepare(tmp_path / "cache", os.environ)


@pytest.mark.parametrize(
    ("script", "said"),
    [("exit 3", "wrote nothing"), ("echo boom >&2; exit 1", "boom"), ("sleep 30", "longer than")],
)
def test_a_helper_that_fails_is_an_error_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    helper = tmp_path / "python"
    helper.write_text(f"#!/bin/sh\n{script.replace('sleep', 'exec sleep')}\n")
    helper.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(helper))
    monkeypatch.setattr(chart_process, "TIMEOUT_S", 0.2)

    before = set(psutil.Process().children())

    with pytest.raises(PanelError, match=said):
        prepare(tmp_path / "cache", os.environ)

    assert set(psutil.Process().children()) <= before  # others' may be there already


def test_the_helper_is_told_nothing_of_the_kernels_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    helper = tmp_path / "python"
    helper.write_text(f'#!/bin/sh\nenv > "{told}"\n')
    helper.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(helper))
    environ = {"PATH": os.environ["PATH"], "API_TOKEN": "secret", "PYTHONPATH": "/somewhere"}

    with pytest.raises(PanelError):
        prepare(tmp_path / "cache", environ)

    assert "secret" not in told.read_text()
    assert "PYTHONPATH" not in told.read_text()
