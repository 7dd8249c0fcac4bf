"""A session of 100,000 cells: how long its report takes, and what it holds (G15). No real time passes.

It is measured in a process of its own, where nothing else has used memory before.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbcarbon.core.session import Session

CELLS = 100_000
EXPORTED = 10_000
FORMATS = (".json", ".md")
PHYSICAL = "touching each cell once"


def scale(folder: Path) -> Iterator[Row]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.scale", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout)
    yield Row("G15", "100,000 cells: memory of the session", 50, found["held_mb"], "MB")
    yield Row("G15", "100,000 cells: report, CPU", 2.0, found["report_s"], "s", physical=PHYSICAL)
    for suffix in FORMATS:
        what = f"10,000 cells: export as {suffix}, CPU"
        yield Row("G15", what, 2.0, found[suffix], "s", physical=PHYSICAL)


def main(folder: Path) -> None:
    from nbcarbon.notebook.card import report_text
    from nbcarbon.recorded import export_session

    session = _session(100)  # what is imported on the way is not the session's
    report_text(session.figures())
    gc.collect()
    before_mb = _resident_mb()
    session = _session(CELLS)
    gc.collect()
    found = {"held_mb": _resident_mb() - before_mb}
    began_s = time.process_time()
    report_text(session.figures())
    found["report_s"] = time.process_time() - began_s
    session = _session(EXPORTED)
    for suffix in FORMATS:
        began_s = time.process_time()
        export_session(session, folder / f"summary{suffix}", force=True, with_host=False)
        found[suffix] = time.process_time() - began_s
    print(json.dumps(found))


def _session(cells: int) -> Session:
    """Folded event by event, as a kernel does."""
    from nbcarbon.core.session import Session
    from tests.scale.sessions import Recorded, sixteen

    package, *_, gpu = sixteen()
    session = Session()
    for event in Recorded(cells, devices=(package, gpu)).events():
        session.apply(event)
    return session


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main(Path(sys.argv[1]))
