"""Compile a stand-in that is written in C. One compiler call per process and source."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")


def compile_c(source: Path, target: Path, *arguments: str) -> Path:
    """Compile one file. Raises RuntimeError where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError(
            "No C compiler: the stand-in hardware is built with gcc. "
            "Run tests/system_packages.sh, or install gcc and libc6-dev."
        )
    command = [compiler, *FLAGS, "-o", str(target), str(source), *arguments, "-lm"]
    subprocess.run(command, check=True)
    return target


@functools.cache
def program(source: Path) -> Path:
    """The program of a source, compiled once in this process and deleted at its end."""
    folder = Path(tempfile.mkdtemp(prefix="nbcarbon-stand-in-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return compile_c(source, folder / source.stem)
