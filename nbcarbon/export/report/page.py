"""A page of HTML that asks nobody for anything: what it may run is told by hash, what it may fetch is nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import escape
from nbcarbon.export.report.drawn import DARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUMMARY_ID: Final = "nbcarbon-summary"
_FOLDER: Final = Path(__file__).parent


def page(
    *,
    title: str,
    body: Iterable[str],
    rules: str,
    charts: Mapping[str, Any],
    script: str,
    summary: Mapping[str, Any] | None,
) -> bytes:
    """The whole page. `body` is HTML, everything of others' in it escaped, `rules` more CSS; `charts` are Bokeh's documents by
    name and `script` BokehJS; `summary` is what the page was made of, for programs that read it back.
    """
    lines = list(body)
    nonce = _nonce(lines)
    boot = _read("boot.js")
    scripts = [_script(boot, nonce=nonce), _script(script)] if charts else []
    light = escape.script_json(charts)
    data = {"charts-light": light, "charts-dark": _darkened(light)} if charts else {}
    if summary is not None:
        data[SUMMARY_ID] = escape.script_json(summary)
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(nonce, [boot, script] if charts else [])}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape.html(title)}</title>",
        f'<style nonce="{nonce}">{_read("report.css")}{rules}</style>',
        "</head>",
        "<body>",
        *lines,
        *(
            f'<script type="application/json" id="{name}">{text}</script>'
            for name, text in data.items()
        ),
        *scripts,
        "</body>",
        "</html>",
    ]
    return "\n".join([*parts, ""]).encode("utf-8")


def element(name: str, *inside: str, **attributes: str) -> str:
    """One element around HTML. Attributes are escaped; a name that Python keeps for itself ends in `_`."""
    shown = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{escape.html(value)}"'
        for key, value in attributes.items()
        if value
    )
    return f"<{name}{shown}>{''.join(inside)}</{name}>"


def text(name: str, words: str, **attributes: str) -> str:
    """One element around text that anybody may have written."""
    return element(name, escape.html(words), **attributes)


def _policy(nonce: str, scripts: Iterable[str]) -> str:
    """Nothing but these scripts, styles with the nonce and pictures within the page."""
    hashes = " ".join(f"'sha256-{_hash(each)}'" for each in scripts) or "'none'"
    return escape.html(
        f"default-src 'none'; script-src {hashes}; style-src 'nonce-{nonce}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _nonce(lines: Iterable[str]) -> str:
    """Another one for each content, and the same page for the same one."""
    digest = hashlib.sha256("\n".join(lines).encode("utf-8")).digest()
    return b64encode(digest[:18]).decode("ascii")


def _script(source: str, **data: str) -> str:
    """A script as it is: what would end its element early is no script of ours."""
    if "</script" in source.lower():
        raise ValueError("a script that holds its own end tag cannot stand in a page")
    attributes = "".join(f' data-{name}="{escape.html(value)}"' for name, value in data.items())
    return f"<script{attributes}>{source}</script>"


def _darkened(charts: str) -> str:
    for light, dark in DARK.items():
        charts = charts.replace(light, dark)
    return charts


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
