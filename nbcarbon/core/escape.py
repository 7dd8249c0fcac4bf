"""One escape per sink. Everything a person, a driver or a network named goes through one of these.

A sink is where text meets a syntax: HTML, Markdown, LaTeX, YAML, CSV, a terminal, JSON in a script.
Each function here gives text that its sink's parser reads back as that text and as nothing else.
Text of our own needs none of them. There is deliberately no "safe" variant and no way to opt out.
"""

from __future__ import annotations

import json
from html import escape as _escape_html
from typing import Any, Final
from unicodedata import normalize

LONGEST_LABEL: Final = 200
REPLACEMENT: Final = "\ufffd"
ELLIPSIS: Final = "…"

_CONTROLS: Final = (*range(0x20), *range(0x7F, 0xA0))
_BIDI: Final = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_BREAKS: Final = (0x2028, 0x2029)
_SPACES: Final = (*range(0x09, 0x0E), 0x85, *_BREAKS)

_ONE_LINE: Final = dict.fromkeys((*_CONTROLS, *_BIDI, *_BREAKS), REPLACEMENT)
_SOME_LINES: Final = {
    code: text for code, text in _ONE_LINE.items() if code not in (0x09, 0x0A, *_BREAKS)
}
_UNLABELLED: Final[dict[int, str]] = {
    **dict.fromkeys((*_CONTROLS, *_BIDI), ""),
    **dict.fromkeys(_SPACES, " "),
}
_MARKDOWN: Final = {
    **{ord(each): "\\" + each for each in "\\`*_{}[]()!|~$@:^"},
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord("&"): "&amp;",
}
_LATEX: Final = {
    **{ord(each): "\\" + each for each in "{}$&#_%"},
    ord("\\"): r"\textbackslash{}",
    ord("~"): r"\textasciitilde{}",
    ord("^"): r"\textasciicircum{}",
    ord("<"): r"\textless{}",
    ord(">"): r"\textgreater{}",
    ord("|"): r"\textbar{}",
    ord('"'): r"\symbol{34}",
    ord("`"): r"\symbol{96}",
    ord("'"): "{'}",
    ord("-"): "{-}",
    ord(REPLACEMENT): "?",
}
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def label(text: str) -> str:
    """Clean a name where it comes in: at most 200 characters, one line, NFC, no control characters.

    Cleaning a clean label changes nothing. What it lets through still has to be escaped on its way
    out; this only keeps names short and printable.
    """
    head = text[: 10 * LONGEST_LABEL]
    kept = "".join(each for each in head.translate(_UNLABELLED) if not _is_surrogate(each))
    clean = normalize("NFC", kept).strip()
    if len(clean) <= LONGEST_LABEL:
        return clean
    return clean[: LONGEST_LABEL - 1].rstrip() + ELLIPSIS


def html(text: str) -> str:
    """Text for an HTML element or a quoted attribute."""
    return _escape_html(_whole(text).translate(_SOME_LINES), quote=True)


def markdown(text: str) -> str:
    """Text for one line of Markdown: a paragraph, a heading, a list item or a table's cell."""
    line = _flat(text).translate(_MARKDOWN).replace("w.", "w\\.").replace("W.", "W\\.")
    digits = len(line) - len(line.lstrip("0123456789"))
    if line[digits : digits + 1] in {".", ")"} and digits:
        return f"{line[:digits]}\\{line[digits:]}"  # 1. would start a list
    return f"\\{line}" if line[:1] in {"#", "-", "+", "="} else line


def latex(text: str) -> str:
    """Text for one line of LaTeX. What LaTeX cannot typeset becomes a question mark."""
    return _flat(text).translate(_LATEX)


def yaml(text: str) -> str:
    """A quoted YAML scalar in ASCII, which any YAML reader takes whatever it takes for printable."""
    return '"' + "".join(map(_yaml_character, _whole(text))) + '"'


def _yaml_character(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def csv(text: str) -> str:
    """The value of a text column: what a spreadsheet would take for a formula starts with `'`.

    Quotes and commas are the CSV writer's own business. Never for a column of numbers.
    """
    value = _whole(text).translate(_SOME_LINES)
    return f"'{value}" if value.lstrip(" \u00a0").startswith(_FORMULA_STARTS) else value


def table(text: str) -> str:
    """Text for a column of a typed table, such as Parquet's: anything that is Unicode."""
    return _whole(text)


def terminal(text: str) -> str:
    """Text for one line of a terminal: nothing in it can move the cursor or turn the line around."""
    return _whole(text).translate(_ONE_LINE)


def script_json(value: Any) -> str:
    """JSON that may stand inside a `<script>` element or an attribute. Raises ValueError on NaN."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _flat(text: str) -> str:
    """One line: line ends are spaces, other control characters show as replacements."""
    return " ".join(_whole(text).split()).translate(_ONE_LINE)


def _whole(text: str) -> str:
    """Text without halves of surrogate pairs, which no file or stream can hold."""
    if text.isascii() or not any(map(_is_surrogate, text)):
        return text
    return "".join(REPLACEMENT if _is_surrogate(each) else each for each in text)


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
