"""What draws up the charts, as a file: `python -P .../nbcarbon/_charts.py FOLDER OUT`.

FOLDER is the folder that holds the package, OUT the file to write: the figures and BokehJS, packed as
panel/prepare.py reads them. A process of its own, because a kernel should not pay for Bokeh's import.
"""

from __future__ import annotations

import sys
import threading
import typing  # noqa: F401 (all that the package itself needs, so that nobody's typing.py is found below)
import zlib
from contextlib import suppress
from pathlib import Path

COMPRESSION = 6
KEEP_FILES = 4
"""Environments with other versions may share the folder; older files than these are nobody's."""


def use_package(folder: str) -> None:
    """As in _sampler.py: this very package, and nothing else from its folder before what is installed."""
    sys.path.insert(0, folder)
    import nbcarbon  # noqa: F401

    del sys.path[0]
    sys.path.append(folder)


def write(out: Path) -> None:
    """Build both and put them in one file, whole or not at all."""
    from importlib.util import find_spec

    found = find_spec("bokeh")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'bokeh'", name="bokeh")
    script = Path(found.origin).parent / "server" / "static" / "js" / "bokeh.min.js"
    packed: list[bytes] = []
    # zlib lets go of the interpreter: it is done before Bokeh has been imported.
    worker = threading.Thread(
        target=lambda: packed.append(zlib.compress(script.read_bytes(), COMPRESSION))
    )
    worker.start()

    import json

    from nbcarbon import charts
    from nbcarbon.files import write_atomic
    from nbcarbon.panel.prepare import Prepared, key_of, pack

    documents = charts.documents()
    version = documents["power"]["doc"]["version"]
    worker.join()
    figures = json.dumps(documents, separators=(",", ":"))
    write_atomic(out, pack(Prepared(version, figures, packed[0]), key_of(version)), force=True)
    remove_old(out)


def remove_old(out: Path) -> None:
    """Leave the newest few of what earlier versions wrote."""
    with suppress(OSError):
        found = sorted(out.parent.glob("charts-*"), key=lambda each: each.stat().st_mtime)
        for each in found[:-KEEP_FILES]:
            each.unlink()


if __name__ == "__main__":
    use_package(sys.argv[1])
    write(Path(sys.argv[2]))
