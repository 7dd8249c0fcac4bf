"""Puts JupyterLab's part into the package: builds it where it is missing, leaves it out where it cannot.

A release carries the built bundle, so installing one needs no Node. A clone does not carry it: there
it is built once, and where it cannot be, the Python part is installed all the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "labextension"
BUNDLE = "nbcarbon/labextension"
INSTALLED = "share/jupyter/labextensions/nbcarbon"
WISH = "NBCARBON_LABEXT"
"""`require` makes a package without JupyterLab's part an error (a release, a test), `skip` builds none."""
BUILDER = "jupyter-builder>=1.2"
NODE = "Node 20.19 or newer"


class LabExtensionHook(BuildHookInterface[Any]):
    """Asked by hatchling for wheels, editable installs and source distributions."""

    def dependencies(self) -> list[str]:
        """The builder, which a package with a bundle, or a machine without Node, has no use for."""
        wanted = not self._is_built() and os.environ.get(WISH) != "skip"
        return [BUILDER] if wanted and _missing_tool() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._is_built() and os.environ.get(WISH) != "skip":
            self._build()
        if self._is_built() and self.target_name == "wheel":
            build_data["shared_data"] |= {
                BUNDLE: INSTALLED,
                f"{SOURCE}/install.json": f"{INSTALLED}/install.json",
            }

    def _is_built(self) -> bool:
        """A build that was cut short has not written where its entry point is."""
        try:
            written = (Path(self.root) / BUNDLE / "package.json").read_text(encoding="utf-8")
            return bool(json.loads(written)["jupyterlab"]["_build"]["load"])
        except (OSError, ValueError, KeyError):
            return False

    def _build(self) -> None:
        problem, advice = (
            _missing_tool(),
            f"To have it, install {NODE} with npm, then nbcarbon again.",
        )
        if problem is None:
            self.app.display_info("nbcarbon: building JupyterLab's part, once; it takes a minute")
            problem, advice = _build_bundle(Path(self.root) / SOURCE), "`pip install -v` shows why."
        if problem is None and not self._is_built():
            problem = "the build of its bundle wrote none"
        if problem is None:
            return
        line = f"nbcarbon: {problem}, so JupyterLab's sidebar is left out; the rest works. {advice}"
        if os.environ.get(WISH) == "require":
            raise SystemExit(f"{line} ({WISH}=require asks for it.)")
        self.app.display_warning(line)


def _search_path() -> str:
    """Where to look for tools: a virtual environment that is not activated may hold them too."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])


def _plain_environment() -> dict[str, str]:
    """For npm and node, which PyPI has as Python scripts that the build's own PYTHONPATH would break."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept | {"PATH": _search_path()}


def _missing_tool() -> str | None:
    """What keeps this machine from building, if anything does."""
    if shutil.which("npm", path=_search_path()) is None:
        return "no npm found"
    try:
        version, _ = _node()
    except (OSError, ValueError, subprocess.SubprocessError):
        return "no node found that starts"
    found = re.match(r"v(\d+)\.(\d+)", version)
    if found is None or not _is_recent(int(found[1]), int(found[2])):
        return f"node {version} is too old"
    return None


def _node() -> tuple[str, Path]:
    """The version of node, and where the program itself is."""
    node = shutil.which("node", path=_search_path())
    if node is None:
        raise FileNotFoundError("node")
    said = _run(
        [node, "--print", "process.version + '\\n' + process.execPath"], _plain_environment()
    )
    version, program = said.stdout.split("\n", 1)
    return version, Path(program.strip())


def _is_recent(major: int, minor: int) -> bool:
    """What JupyterLab's builder asks of Node."""
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _build_bundle(folder: Path) -> str | None:
    """Install what the lock file names, compile, and bundle. What went wrong, or None."""
    npm = shutil.which("npm", path=_search_path())
    builder = shutil.which("jupyter-builder", path=_search_path())
    if npm is None or builder is None:
        return "no npm or no jupyter-builder found"
    # `ci` follows the lock to the letter, but begins by deleting what is there.
    install = ["install", "--no-save"] if (folder / "node_modules").is_dir() else ["ci"]
    # The builder is Python, so it keeps PYTHONPATH, and it starts node: the program, not a script.
    path = os.pathsep.join([str(_node()[1].parent), _search_path()])
    steps = (
        ([npm, *install], _plain_environment()),
        ([npm, "run", "build:lib"], _plain_environment()),
        ([builder, "build", "."], os.environ | {"PATH": path}),
    )
    for command, environment in steps:
        try:
            _run(command, environment, folder)
        except subprocess.CalledProcessError as failed:
            sys.stderr.write(failed.stdout[-4000:])
            return f"{Path(command[0]).name} {' '.join(command[1:])} failed"
    return None


def _run(
    command: list[str], environment: dict[str, str], folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (the node, npm and builder on the user's own path)
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
