"""Measuring from the start of every shell and kernel: one small file in IPython's profile."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nbcarbon.errors import SettingError

STARTUP_NAME: Final = "50-nbcarbon.py"
STARTUP: Final = """\
# Written by `nbcarbon enable`, removed by `nbcarbon disable`.
try:
    get_ipython().extension_manager.load_extension("nbcarbon")
except ImportError:  # an environment without nbcarbon that shares this profile
    pass
"""
"""It leaves no name behind: a startup file runs in the user's own namespace."""


def startup_file(profile: str) -> Path:
    """Where a profile keeps it. Raises SettingError where the profile's name is none."""
    from IPython.paths import get_ipython_dir

    if not profile or not profile.replace("-", "_").isidentifier():
        raise SettingError(
            f"{profile[:40]!r} is no name of a profile.", hint="IPython's own is called default."
        )
    return Path(get_ipython_dir()) / f"profile_{profile}" / "startup" / STARTUP_NAME


def enable(profile: str) -> str:
    """Measure in every new shell and kernel of a profile. Returns a sentence that says so.

    Raises SettingError or ExportError where the file is somebody else's or cannot be written.
    """
    from nbcarbon.files import write_atomic

    path = startup_file(profile)
    if path.exists():
        _check_ours(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(
            f"{path.parent} cannot be made ({error.strerror}).", hint="Check IPYTHONDIR."
        ) from None
    write_atomic(path, STARTUP.encode("ascii"), force=True)
    return f"Every new IPython shell and kernel measures from now on ({path})."


def disable(profile: str) -> str:
    """Undo `enable`. Returns a sentence that says so."""
    path = startup_file(profile)
    if not path.exists():
        return "It was not enabled."
    _check_ours(path)
    path.unlink()
    return f"New IPython shells and kernels do not measure any more (removed {path})."


def _check_ours(path: Path) -> None:
    if not path.read_text(encoding="utf-8", errors="replace").startswith(STARTUP.splitlines()[0]):
        raise SettingError(
            f"{path} was not written by nbcarbon.", hint="Move it away, then try again."
        )
