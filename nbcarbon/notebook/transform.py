"""`%%carbon` as an input transformer: the line becomes a statement, the body stays the cell's own.

Because no cell magic runs the body, top-level `await`, tracebacks, the last value and other magics
are what they are without it. The statement stands where the line stood, so line numbers do not move;
what may wait or refuse does so there, as part of the cell. All of this is pure: it is called to try
out input too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MARK: Final = "%%"
"""What the statement says to the line magic in front of the options."""

_LINE: Final = "%%carbon"
_FUTURE: Final = ["from", "__future__", "import"]


def options_of(cell: str) -> str | None:
    """What follows `%%carbon` among the magics a cell begins with; None where there is none."""
    for line in cell.lstrip().splitlines():
        text = line.strip()
        options = _options(text)
        if options is not None:
            return options
        if text and not _is_magic(text):
            return None
    return None


def _options(line: str) -> str | None:
    """What a `%%carbon` line says behind that, None for any other line."""
    if not line.startswith(_LINE):
        return None
    rest = line[len(_LINE) :].rstrip()
    return rest.lstrip() if rest[:1] in ("", " ", "\t") else None


def _runs_again(options: str) -> bool:
    """Whether a `%%carbon` line wants its body run more than once."""
    words = options.split()
    return any(word.partition("=")[0] in ("--repeat", "--min-time") for word in words)


def _is_magic(line: str) -> bool:
    return line.startswith("%%") and line[2:3].isidentifier()


class Transformer:
    """Replaces a leading `%%carbon` line. It stands among IPython's cleanup transforms.

    `others` are the shell's own cleanups: the body gets them as it would have without the line.
    """

    # While input is typed IPython leaves such transforms out, and so waits for a whole cell as it
    # does with any other cell magic.
    has_side_effects = True

    def __init__(self, others: Callable[[], Iterable[Callable[[list[str]], list[str]]]]) -> None:
        self._others = others

    def __call__(self, lines: list[str]) -> list[str]:
        options = _options(lines[0]) if lines else None
        if options is None or _runs_again(options):
            return lines  # IPython's own cell magic: the body is run by us then
        statement = f"get_ipython().run_line_magic('carbon', {f'{MARK} {options}'!r})"
        body = lines[1:]
        blank = 0
        while blank < len(body) and not body[blank].strip():
            blank += 1
        spaces, body = body[:blank], body[blank:]
        for clean in self._others():
            if body:
                body = clean(body)
        if body and _options(body[0]) is not None:
            body = self(body)
        if body and _is_magic(body[0]):
            body = _called(body)
        future_end = _end_of_future_imports(body)
        if future_end is None:
            return [statement + "\n", *spaces, *body]
        # Nothing may stand before a __future__ import, so the statement goes behind it.
        code, comment = _without_comment(body[future_end])
        body[future_end] = f"{code.rstrip().rstrip(';')}; {statement}{comment}\n"
        return ["\n", *spaces, *body]


def _called(body: list[str]) -> list[str]:
    """A cell magic as the call it stands for: IPython itself does this on a first line only."""
    from IPython.core.inputtransformer2 import cell_magic

    called: list[str] = cell_magic(body)  # type: ignore[no-untyped-call]
    return called


def _end_of_future_imports(body: list[str]) -> int | None:
    """The line on which the last leading __future__ import ends, None where there is none."""
    end = None
    index = 0
    while index < len(body):
        text = body[index].strip()
        if text.split()[:3] == _FUTURE:
            code = _without_comment(text)[0]
            # Over several lines by brackets or by backslashes.
            while index + 1 < len(body) and (
                code.count("(") > code.count(")") or code.rstrip().endswith("\\")
            ):
                index += 1
                code += " " + _without_comment(body[index].strip())[0]
            end = index
        elif text and not text.startswith("#"):
            return end
        index += 1
    return end


def _without_comment(line: str) -> tuple[str, str]:
    """Code and comment of a line of imports, which holds no strings."""
    code, mark, comment = line.rstrip("\r\n").partition("#")
    return code, f"  {mark}{comment}" if mark else ""
