"""Drawing charts takes a process and a second: most tests look at what would be drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nbcarbon import chart_process

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPT = "/* where BokehJS would be */"


@pytest.fixture(autouse=True)
def drawn_by_nobody(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are what was asked for, word by word. Tests marked `process` have the real ones."""
    if request.node.get_closest_marker("process"):
        return

    def run(
        script: str, *arguments: str, environ: Mapping[str, str], given: bytes = b""
    ) -> tuple[bytes, str]:
        return json.dumps({"charts": json.loads(given), "script": SCRIPT}).encode(), ""

    monkeypatch.setattr(chart_process, "run", run)
