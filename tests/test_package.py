"""What is in the wheel, with JupyterLab's part and without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ".data/data/share/jupyter/labextensions/nbcarbon/"


def copy_of_the_sources(folder: Path) -> Path:
    """The files that git has or would take, as a clone holds them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout  # fmt: skip
    target = folder / "clone"
    for name in listed.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def build(source: Path, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--verbose",
            "--disable-pip-version-check", "--wheel-dir", str(folder), str(source),
        ],
        capture_output=True, text=True, timeout=120, env={**os.environ, **environ},
    )  # fmt: skip


def names_in(folder: Path) -> list[str]:
    (wheel,) = folder.glob("nbcarbon-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        return opened.namelist()


def test_a_wheel_carries_the_panel_and_jupyterlabs_part_once(tmp_path: Path) -> None:
    source = copy_of_the_sources(tmp_path)
    shutil.copytree(ROOT / "nbcarbon" / "labextension", source / "nbcarbon" / "labextension")
    done = build(source, tmp_path / "out", NBCARBON_LABEXT="require")
    assert done.returncode == 0, done.stderr
    names = names_in(tmp_path / "out")
    shared = [name.partition(SHARED)[2] for name in names if SHARED in name]

    assert {"install.json", "package.json"} <= set(shared)
    assert any(name.startswith("static/remoteEntry") for name in shared)
    assert any(name.startswith("schemas/") for name in shared)
    assert not [name for name in names if name.startswith(("nbcarbon/labextension/", "tests/"))]
    assert "nbcarbon/panel/page/index.js" in names
    assert "nbcarbon/charts.py" in names
    assert any(name.endswith("licenses/nbcarbon/grid/data/LICENSE-ODbL-1.0") for name in names)


@pytest.mark.parametrize("wish", ["", "require"])
def test_with_a_node_too_old_the_python_part_is_installed_with_one_plain_line(
    tmp_path: Path, wish: str
) -> None:
    source = copy_of_the_sources(tmp_path)
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.4\n")
        (tmp_path / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = build(source, tmp_path / "out", NBCARBON_LABEXT=wish, PATH=path)
    lines = (done.stdout + done.stderr).splitlines()
    said = [line.strip() for line in lines if "node v18.20.4 is too old" in line]

    assert "so JupyterLab's sidebar is left out; the rest works." in said[0]
    if wish:
        assert done.returncode != 0
    else:
        assert done.returncode == 0, done.stderr
        assert not [name for name in names_in(tmp_path / "out") if SHARED in name]
