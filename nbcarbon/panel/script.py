"""The page's modules as one script: anywidget takes one, and a clone without npm has the panel too.

The modules in `page/` are real ones, which a browser, node and an editor take as they are. One behind
another, each after those it imports, they are the same program once their imports are gone, and their
exports but the one of `index.js`. So that this needs no parser, they keep to a few habits, which are
checked: what is imported or declared begins its line, and an import is one line of plain names. The
script is one scope, so no two modules may declare the same name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbcarbon.errors import PanelError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRY: Final = "index.js"
_FOLDER: Final = Path(__file__).parent / "page"
_DEFAULT: Final = "export default "
_IMPORT: Final = re.compile(r'import \{ (\w+(?:, \w+)*) \} from "\./(\w+\.js)";')
_DECLARED: Final = re.compile(r"(export )?(?:(?:async )?function\*? |class |const |let |var )(\w+)")
# Any other import or export, and a declaration of more than one name.
_OTHER: Final = re.compile(r"(?:import|export)\b|(?:const|let|var) [\[{]")
_DYNAMIC: Final = re.compile(r"(?<![{\w])import(?:\(|\.meta)")  # `{import(…)}` is a type


@cache
def panel_script() -> str:
    """The panel's page. Read and joined once per process."""
    return join({path.name: path.read_text(encoding="utf-8") for path in _FOLDER.glob("*.js")})


def join(texts: Mapping[str, str]) -> str:
    """The modules of these file names as one script, which exports what `index.js` does by default.

    Raises PanelError where taking lines and words away is not enough to make one.
    """
    modules = {name: _read(name, text) for name, text in texts.items()}
    ordered: list[str] = []
    _visit(ENTRY, modules, ordered, ())
    unused = sorted(modules.keys() - set(ordered))
    if unused:
        raise PanelError(f"Nothing imports {', '.join(unused)}.", hint="Import it, or delete it.")
    _check_names(ordered, modules)
    if _DEFAULT not in modules[ENTRY].body:
        raise PanelError(f"{ENTRY} exports nothing by default.", hint=f"Write: {_DEFAULT}…")
    return "\n".join(modules[name].body for name in ordered)


@dataclass(frozen=True, slots=True)
class _Module:
    """`imports` are names by file, `declared` says of each name whether it is exported."""

    imports: dict[str, list[str]]
    declared: dict[str, bool]
    body: str


def _read(name: str, text: str) -> _Module:
    imports: dict[str, list[str]] = {}
    declared: dict[str, bool] = {}
    body = []
    for line in text.splitlines():
        if found := _IMPORT.fullmatch(line):
            imports.setdefault(found[2], []).extend(found[1].split(", "))
            continue
        found = _DECLARED.match(line)
        is_default = name == ENTRY and line.startswith(_DEFAULT)
        if _DYNAMIC.search(line) or (_OTHER.match(line) and not found and not is_default):
            raise PanelError(
                f"{name} has a line that cannot be joined with other modules: {line}",
                hint='Write: import { a, b } from "./module.js"; and declare one name at a time.',
            )
        if found:
            declared[found[2]] = found[1] is not None
            line = line.removeprefix("export ")
        body.append(line)
    return _Module(imports, declared, "\n".join([*body, ""]))


def _visit(
    name: str, modules: Mapping[str, _Module], ordered: list[str], importers: tuple[str, ...]
) -> None:
    """Add a module behind those it imports, as a browser would run them."""
    if name in ordered:
        return
    if name in importers:
        circle = " → ".join((*importers[importers.index(name) :], name))
        raise PanelError(
            f"Modules import each other: {circle}.", hint="Move what both need to a third."
        )
    if name not in modules:
        raise PanelError(
            f"There is no module {name}"
            + (f", which {importers[-1]} imports." if importers else ".")
        )
    for imported, names in modules[name].imports.items():
        _visit(imported, modules, ordered, (*importers, name))
        for each in names:
            if not modules[imported].declared.get(each):
                raise PanelError(f"{imported} does not export {each}, which {name} imports.")
    ordered.append(name)


def _check_names(ordered: list[str], modules: Mapping[str, _Module]) -> None:
    declared_by: dict[str, str] = {}
    for module in ordered:
        for name in modules[module].declared:
            if name in declared_by:
                raise PanelError(
                    f"{declared_by[name]} and {module} both declare {name}.",
                    hint="In one script they would be the same: rename one.",
                )
            declared_by[name] = module
