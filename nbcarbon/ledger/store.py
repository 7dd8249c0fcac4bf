"""Where sessions are kept, and which there are: one folder, one file each, named by when it began."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbcarbon.errors import LedgerError
from nbcarbon.ledger.compaction import beside
from nbcarbon.ledger.reader import is_live

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX: Final = ".ledger"
_NAME: Final = "%Y%m%dT%H%M%SZ"
_PATTERN: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]+")


def state_folder(environ: Mapping[str, str], chosen: str = "") -> Path:
    """The folder for sessions: as set, else where the system keeps a user's state. Made by nobody yet."""
    if chosen:
        return Path(chosen).expanduser()
    if os.name == "nt":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "nbcarbon"
    given = environ.get("XDG_STATE_HOME", "")
    # A relative path is invalid by the XDG specification and has to be ignored.
    home = Path(environ.get("HOME") or Path.home())
    return (Path(given) if given.startswith("/") else home / ".local" / "state") / "nbcarbon"


def session_path(folder: Path, started_at: datetime, session_id: str) -> Path:
    """The file of a session; the same for each sampler that serves it."""
    kept = "".join(each for each in session_id if each in "0123456789abcdef") or "0"
    return folder / f"{started_at.astimezone(UTC).strftime(_NAME)}-{kept}{SUFFIX}"


def sessions(folder: Path) -> list[Path]:
    """Every session in a folder, oldest first; none where there is no such folder."""
    try:
        found = [
            each
            for each in folder.iterdir()
            if each.suffix == SUFFIX and _PATTERN.fullmatch(each.stem)
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LedgerError(
            f"{folder} cannot be read ({error.strerror or error}).",
            hint="Choose another folder with NBCARBON_STATE_DIR.",
        ) from error
    return sorted(found)


def find(folder: Path, name: str) -> Path:
    """A session by `latest`, its id, its file's name or its path.

    Raises LedgerError where there is none, or more than one.
    """
    if os.sep in name or name.endswith(SUFFIX):
        path = Path(name).expanduser()
        return path if path.exists() or os.sep in name else folder / name
    found = sessions(folder)
    if name == "latest":
        if not found:
            raise LedgerError(
                "No session has been recorded yet.",
                hint="Run a notebook with `nbcarbon run`, or `%load_ext nbcarbon` in one.",
            )
        return found[-1]
    matching = [each for each in found if name and name in each.stem]
    if len(matching) != 1:
        how_many = "No session" if not matching else f"{len(matching)} sessions"
        raise LedgerError(
            f"{how_many} match {name[:40]!r}.",
            hint="`nbcarbon history` lists the sessions there are.",
        )
    return matching[0]


def began_at(path: Path) -> datetime:
    """When a session began, by its file's name."""
    return datetime.strptime(path.stem.partition("-")[0], _NAME).replace(tzinfo=UTC)


def live(folder: Path, *, but: Path | None = None) -> list[Path]:
    """Sessions that are being written now."""
    return [each for each in sessions(folder) if each != but and is_live(each)]


def delete(path: Path) -> bool:
    """Delete one session that nobody is writing. Whether it is gone."""
    if is_live(path):
        return False
    try:
        beside(path).unlink(missing_ok=True)
        path.unlink()
    except OSError:
        return False
    return True


def delete_before(folder: Path, moment: datetime) -> int:
    """Delete every session that began before a moment. Returns how many."""
    return sum(delete(each) for each in sessions(folder) if began_at(each) < moment)


def prune(folder: Path, *, now: datetime, keep_days: int) -> int:
    """Delete sessions older than this many days. Returns how many."""
    return delete_before(folder, now - timedelta(days=keep_days))
