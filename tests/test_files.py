"""Files on the user's disk: whole or not at all, never through a link, never over another."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from nbcarbon.errors import ExportError, LedgerError
from nbcarbon.files import private_folder, write_atomic

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_written_and_no_other_is_left(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with pytest.raises(ExportError, match="exists already"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    write_atomic(path, b"new", force=True)
    assert path.read_bytes() == b"new"


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    (tmp_path / "a.json").symlink_to(target)
    write_atomic(tmp_path / "a.json", b"new", force=True)
    assert target.read_bytes() == b"mine"
    assert not (tmp_path / "a.json").is_symlink()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(tmp_path: Path, make: object) -> None:
    make(tmp_path / "a.json")  # type: ignore[operator]
    with pytest.raises(ExportError, match="is not a file"):
        write_atomic(tmp_path / "a.json", b"new", force=True)


@pytest.mark.parametrize("name", ["missing/a.json", "x" * 300, "a.json/below", "nul\x00"])
def test_a_path_that_will_not_do_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.json").write_bytes(b"")
    with pytest.raises((ExportError, ValueError)) as caught:
        write_atomic(tmp_path / name, b"new", force=True)
    assert "\n" not in str(caught.value)


def test_what_is_exported_is_the_users_to_share(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "a.json", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o644


def test_a_private_folder_is_refused_where_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(LedgerError, match="is not a folder"):
        private_folder(tmp_path / "link")
    (tmp_path / "real").chmod(0o770)
    with pytest.raises(LedgerError, match="chmod 700"):
        private_folder(tmp_path / "real")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LedgerError, match=r"cannot be made|not a folder"):
        private_folder(tmp_path / "file" / "below")


@pytest.mark.parametrize("name", ["ünïcode", "new\nline", "-dash", ".hidden", "a b", "x" * 200])
def test_odd_names_are_names(tmp_path: Path, name: str) -> None:
    folder = private_folder(tmp_path / name / "state")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
