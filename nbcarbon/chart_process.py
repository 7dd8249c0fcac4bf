"""Runs what imports Bokeh as a process of its own: a kernel should pay neither its time nor its memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S: Final = 30.0
_PACKAGE: Final = Path(__file__).resolve().parent
_KEEP: Final = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "TMP",
    "TEMP",
    "SYSTEMROOT",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
]
_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def run(
    script: str, *arguments: str, environ: Mapping[str, str], given: bytes = b""
) -> tuple[bytes, str]:
    """Run a script beside this file to its end, with bytes to read and arguments behind the package's folder.

    Returns what it wrote to its output, and what was wrong: the last line it complained with, or why it did
    not run; empty where it ended well.
    """
    import subprocess

    environment = {name: environ[name] for name in _KEEP if name in environ}
    # Threads that nothing here uses: on a large machine, starting them takes longer than the rest.
    environment.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter, our own file)
            [sys.executable, "-P", str(_PACKAGE / script), str(_PACKAGE.parent), *arguments],
            input=given,
            capture_output=True,
            env=environment,
            cwd=os.path.abspath(os.sep),
            start_new_session=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return b"", f"the helper process took longer than {TIMEOUT_S:.0f} s"
    except OSError as error:
        return b"", f"no process can be started: {error.strerror or error}"
    if not done.returncode:
        return done.stdout, ""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return b"", lines[-1][:200] if lines else "the helper process wrote nothing"
