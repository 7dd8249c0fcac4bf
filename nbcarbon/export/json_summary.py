"""The summary as a JSON file, and back. ASCII only, so that no reader can mistake a character."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from nbcarbon.core.summary import SCHEMA, SCHEMA_VERSION
from nbcarbon.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME: Final = "JSON"
AS: Final = "json"
ENDINGS: Final = (".json",)


_NO_CELLS: Final = '\n  "cells": []'
"""Where the cells belong. No name can look like this: in a string there is no line end."""
_NO_POWER: Final = '\n  "power": []'
"""Where power belongs: hundreds of numbers, which are no lines to read."""


def render(summary: Mapping[str, Any]) -> bytes:
    """A summary as JSON, each cell on a line. Raises ValueError on NaN, which no summary holds."""
    return b"".join(pieces(summary))


def pieces(summary: Mapping[str, Any]) -> Iterator[bytes]:
    """The same in pieces: of 100,000 cells only one at a time is in memory."""
    frame = json.dumps(_emptied(summary), indent=2, allow_nan=False)
    if "power" in summary:
        power = json.dumps(summary["power"], allow_nan=False)
        frame = frame.replace(_NO_POWER, _NO_POWER.replace("[]", power))
    before, _, after = frame.partition(_NO_CELLS)
    yield f'{before}\n  "cells": ['.encode("ascii")
    between = "\n    "
    for cell in summary["cells"]:
        yield (between + json.dumps(cell, allow_nan=False)).encode("ascii")
        between = ",\n    "
    end = "\n  ]" if summary["cells"] else "]"
    yield f"{end}{after}\n".encode("ascii")


def _emptied(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is written on lines of its own."""
    return {key: [] if key in ("cells", "power") else value for key, value in summary.items()}


def load(data: bytes) -> dict[str, Any]:
    """The summary in a file's bytes, as it was before `render`.

    Raises ExportError where the bytes are no summary or one of a later version.
    """
    try:
        found = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ExportError(
            "This is not JSON.", hint="Name a file that nbcarbon exported as JSON."
        ) from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ExportError(
            "This JSON is not a summary of nbcarbon.",
            hint="Name a file that nbcarbon exported as JSON.",
        )
    version = found.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ExportError(
            f"This summary has version {version!r}, and only {SCHEMA_VERSION} can be read.",
            hint="Read it with the version of nbcarbon that wrote it.",
        )
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
