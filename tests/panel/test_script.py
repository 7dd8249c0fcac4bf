"""The page's modules as one script: the same program, or an error that says which line is to blame."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nbcarbon.errors import PanelError
from nbcarbon.panel import script

PAGE = Path(script.__file__).parent / "page"
MODULES = sorted(PAGE.glob("*.js"))
HINT = "Write: import"

INDEX = 'import { a } from "./a.js";\n\nexport default () => a();\n'
A = (
    'import { B, c } from "./b.js";\n'
    'import { d } from "./d.js";\n'
    "\n"
    "export function a() {\n"
    "  return B + c + d;\n"
    "}\n"
)
B = 'import { d } from "./d.js";\n\nexport const B = d;\nexport let c = 2;\nconst unseen = 3;\n'
D = '/** @import { B } from "./b.js" */\nexport const d = 1; // an import (or export) in words\n'
PROGRAM = {"index.js": INDEX, "a.js": A, "b.js": B, "d.js": D}


def node(*arguments: str) -> str:
    """What node says to this; it must be there, as `make test` sees to."""
    program = shutil.which("node")
    assert program is not None, "node is missing: see CONTRIBUTING.md"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(changed: dict[str, str]) -> str:
    with pytest.raises(PanelError) as caught:
        script.join({**PROGRAM, **changed})
    return str(caught.value)


def test_each_module_stands_behind_those_it_imports_and_only_once() -> None:
    joined = script.join(PROGRAM)

    at = [
        joined.index(line) for line in ("const d =", "const B =", "function a(", "export default")
    ]
    assert at == sorted(at)
    assert joined.count("const d =") == 1
    assert not re.search(r"^import", joined, re.MULTILINE)
    assert joined.count("\nexport ") == 1
    # What is said in a comment stays.
    assert "// an import (or export) in words" in joined


def test_the_joined_program_does_what_the_modules_do(tmp_path: Path) -> None:
    for name, text in PROGRAM.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (tmp_path / "joined.js").write_text(script.join(PROGRAM), encoding="utf-8")
    call = f"for (const name of ['index', 'joined']) console.log((await import('{tmp_path}/' + name + '.js')).default());"

    assert node("--input-type=module", "--eval", call).split() == ["4", "4"]


@pytest.mark.parametrize(
    "line",
    [
        'import { B as other } from "./b.js";',
        'import * as b from "./b.js";',
        'import b from "./b.js";',
        'import "./b.js";',
        "import {",
        'import { B } from "./b.js"; // why',
        "import { B } from './b.js';",
        'import { B } from "elsewhere";',
        'const b = await import("./b.js");',
        "const here = import.meta.url;",
        'export { B } from "./b.js";',
        "export { a };",
        "export default a;",
        "const [one, two] = [1, 2];",
        "export const { one } = {};",
    ],
)
def test_any_other_way_to_import_export_or_declare_is_refused(line: str) -> None:
    said = refused({"a.js": f"{A}{line}\n"})

    assert f"a.js has a line that cannot be joined with other modules: {line}" in said
    assert HINT in said


def test_two_modules_may_not_declare_the_same_name() -> None:
    assert "d.js and b.js both declare unseen" in refused({"d.js": f"{D}let unseen;\n"})


def test_what_is_imported_must_be_there_and_exported() -> None:
    assert refused({"a.js": A.replace("d.js", "e.js")}).startswith("There is no module e.js")
    assert "b.js does not export unseen, which a.js imports" in refused(
        {"a.js": A.replace("{ B, c }", "{ B, unseen }")}
    )


def test_a_circle_a_leftover_and_a_missing_default_are_refused() -> None:
    circle = refused({"d.js": 'import { c } from "./b.js";\nexport const d = 1;\n'})
    assert "b.js → d.js → b.js" in circle
    assert "Nothing imports left.js" in refused({"left.js": "export const left = 1;\n"})
    assert "index.js exports nothing by default" in refused(
        {"index.js": 'import { a } from "./a.js";\n'}
    )


def test_the_panel_is_one_script_with_one_export() -> None:
    joined = script.panel_script()

    assert not re.search(r"^import|[^{]\bimport\(", joined, re.MULTILINE)
    assert re.findall(r"^export \w+", joined, re.MULTILINE) == ["export default"]
    for path in MODULES:
        purpose = path.read_text(encoding="utf-8").splitlines()[1]
        assert purpose.startswith("// "), path.name
        assert joined.count(purpose) == 1, path.name
    assert script.panel_script() is joined


def test_node_takes_the_panel_as_modules_and_as_one_script(tmp_path: Path) -> None:
    """Nothing happens at import, so no page is needed for it."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    for path in MODULES:
        shutil.copy(path, tmp_path / "modules")
    (tmp_path / "joined.js").write_text(script.panel_script(), encoding="utf-8")
    folder = tmp_path.as_posix()
    call = (
        f"for (const name of ['modules/index.js', 'joined.js']) {{"
        f" const made = (await import('{folder}/' + name)).default;"
        " console.log(typeof made); }"
    )

    assert node("--input-type=module", "--eval", call).split() == ["function", "function"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0] == "// @ts-check"
    assert len(lines) <= 200
