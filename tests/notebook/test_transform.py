"""The `%%carbon` line, without a shell: what the cell becomes."""

from __future__ import annotations

import ast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from nbcarbon.notebook.transform import Transformer, options_of


def transformed(cell: str) -> str:
    """A cell after all of IPython's transforms, ours among them."""
    manager = TransformerManager()
    others = manager.cleanup_transforms[1:]
    manager.cleanup_transforms.append(Transformer(lambda: others))
    return manager.transform_cell(cell)


def mark(options: str = "") -> str:
    return f"get_ipython().run_line_magic('carbon', '%% {options}')\n"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%carbon\nx = 1", mark() + "x = 1\n"),
        ("%%carbon train\nx = 1\ny", mark("train") + "x = 1\ny\n"),
        ("%%carbon  two words --no-sync\nx", mark("two words --no-sync") + "x\n"),
        ("\n\n%%carbon a\nx", mark("a") + "x\n"),
        ("%%carbon a\r\nx = 1\r\ny\r\n", mark("a") + "x = 1\r\ny\r\n"),
        ("%%carbon a\n\n\nx", mark("a") + "\n\nx\n"),
        ("%%carbon a\n  x = 1\n  y = 2", mark("a") + "x = 1\ny = 2\n"),
        ("%%carbon a\n>>> x = 1\n>>> y", mark("a") + "x = 1\ny\n"),
        ("%%carbon a", mark("a")),
        ("%%carbon a\n# nothing", mark("a") + "# nothing\n"),
        ("%%carbon a\n!ls", mark("a") + "get_ipython().system('ls')\n"),
        (
            "%%carbon a\n%%time\nx",
            mark("a") + "get_ipython().run_cell_magic('time', '', 'x\\n')\n",
        ),
        (
            "%%carbon a\n\n%%bash -s\necho",
            mark("a") + "\nget_ipython().run_cell_magic('bash', '-s', 'echo\\n')\n",
        ),
        (
            "%%carbon a\nfrom __future__ import annotations\nx",
            "\nfrom __future__ import annotations; " + mark("a") + "x\n",
        ),
        (
            "%%carbon a\n# why\nfrom __future__ import (\n  division,  # (\n)\nx",
            "\n# why\nfrom __future__ import (\n  division,  # (\n); " + mark("a") + "x\n",
        ),
        (
            "%%carbon a\nfrom __future__ import division \\\n  , generators;  # now\nx",
            "\nfrom __future__ import division \\\n  , generators; "
            + mark("a")[:-1]
            + "  # now\nx\n",
        ),
        # A body that is to run again and again is the cell magic's
        (
            "%%carbon a --repeat 3\nx",
            "get_ipython().run_cell_magic('carbon', 'a --repeat 3', 'x\\n')\n",
        ),
        (
            "%%carbon --min-time=2s\nx",
            "get_ipython().run_cell_magic('carbon', '--min-time=2s', 'x\\n')\n",
        ),
        # Not ours
        (
            "%%time\n%%carbon a\nx",
            "get_ipython().run_cell_magic('time', '', '%%carbon a\\nx\\n')\n",
        ),
        ("%%carbons\nx", "get_ipython().run_cell_magic('carbons', '', 'x\\n')\n"),
        ("x\n%%carbon a", "x\nget_ipython().run_line_magic('%carbon', 'a')\n"),
        ("%carbon status", "get_ipython().run_line_magic('carbon', 'status')\n"),
        ("%%carbon?", "get_ipython().run_line_magic('pinfo', '%%carbon')\n"),
        ("", "\n"),
    ],
)
def test_what_a_cell_becomes(cell: str, expected: str) -> None:
    assert transformed(cell) == expected


@given(
    st.text(max_size=30).filter(
        lambda text: not set(text) & set("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\\?")
    )
)
def test_line_numbers_do_not_move_whatever_the_options(options: str) -> None:
    assume("--repeat" not in options)
    assume("--min-time" not in options)
    body = "a = 1\n\nif a:\n    b = 2\nb\n"
    found = transformed(f"%%carbon {options}\n{body}")

    assert found.splitlines()[1:] == body.splitlines()
    ast.parse(found)


def test_typing_a_cell_waits_for_its_end() -> None:
    manager = TransformerManager()
    manager.cleanup_transforms.append(Transformer(lambda: ()))

    assert manager.check_complete("%%carbon a")[0] == "incomplete"
    assert manager.check_complete("%%carbon a\nx = 1\n\n")[0] == "complete"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%carbon train\nx", "train"),
        ("\n  %%carbon  a b \nx", "a b"),
        ("%%time\n%%carbon train\nx", "train"),
        ("%%time\n\n%%carbon\nx", ""),
        ("x\n%%carbon train", None),
        ("%%carbons\nx", None),
        ("", None),
    ],
)
def test_options_are_found_among_the_first_magics(cell: str, expected: str | None) -> None:
    assert options_of(cell) == expected
