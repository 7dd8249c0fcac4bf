"""Where the golden messages are, and how they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"


def as_text(message: Any) -> str:
    return json.dumps(message, indent=1, ensure_ascii=False) + "\n"
