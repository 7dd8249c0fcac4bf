"""What draws a report's charts: `python -P .../nbcarbon/_report_charts.py FOLDER`.

FOLDER is the folder that holds the package. What is wanted comes as JSON on the input, the charts go as JSON
to the output, with BokehJS. A process of its own, because a kernel should not pay for Bokeh's import.
"""

from __future__ import annotations

import json
import sys
import typing  # noqa: F401 (all that the package itself needs, so that nobody's typing.py is found below)
from pathlib import Path


def main(folder: str) -> None:
    """Draw what is asked for."""
    # As in _sampler.py: this very package, and nothing else from its folder before what is installed.
    sys.path.insert(0, folder)
    import nbcarbon  # noqa: F401

    del sys.path[0]
    sys.path.append(folder)
    from importlib.util import find_spec

    from nbcarbon import report_charts

    found = find_spec("bokeh")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'bokeh'", name="bokeh")
    script = Path(found.origin).parent / "server" / "static" / "js" / "bokeh.min.js"
    charts = report_charts.documents(json.load(sys.stdin))
    sys.stdout.write(json.dumps({"charts": charts, "script": script.read_text(encoding="utf-8")}))


if __name__ == "__main__":
    main(sys.argv[1])
