"""The charts' figures and the library that draws them, from a cache or from a helper process.

Importing Bokeh would cost a kernel half a second and 30 MB. So a process of its own builds the
figures and packs BokehJS, once for each version of either; a kernel reads one file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbcarbon import chart_process
from nbcarbon.errors import LedgerError, PanelError
from nbcarbon.files import private_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAGIC: Final = b"nbcarbon charts 1\n"
_PACKAGE: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Prepared:
    """`figures_json` has both figures for `embed_item`; `bokehjs` is the script, zlib-deflated."""

    version: str
    figures_json: str
    bokehjs: bytes


def prepare(cache: Path, environ: Mapping[str, str]) -> Prepared:
    """What the panel's page needs to draw its charts. Takes most of a second the first time.

    Raises PanelError where Bokeh is missing or the helper fails. Any number of kernels may do this
    at once: each writes the same file, whole or not at all.
    """
    key = key_of(_installed_version())
    try:
        path = private_folder(cache) / f"charts-{key}"
        return _read(path, key) or _build(path, key, environ)
    except (LedgerError, _Unwritable):
        pass  # a home that cannot be written to, or that others can: done again for each kernel
    from tempfile import TemporaryDirectory

    try:
        with TemporaryDirectory(prefix="nbcarbon-") as folder:
            return _build(Path(folder, "charts"), key, environ)
    except (OSError, _Unwritable) as error:
        raise PanelError(
            "The charts need a folder to be built in, and no temporary one can be written to.",
            hint="Set TMPDIR to one that can.",
        ) from error


def key_of(version: str) -> str:
    """What names a cached file: the same Bokeh, the same figures."""
    source = (_PACKAGE / "charts.py").read_bytes()
    return f"{version}-{hashlib.sha256(_MAGIC + source).hexdigest()[:16]}"


def pack(prepared: Prepared, key: str) -> bytes:
    """As one file: what it is, a checksum of the rest, then each part behind its length."""
    parts = (key.encode(), prepared.version.encode(), prepared.figures_json.encode())
    body = b"".join(
        len(part).to_bytes(4, "big") + part for part in (*parts, bytes(prepared.bokehjs))
    )
    return _MAGIC + hashlib.sha256(body).digest() + body


def unpack(data: bytes, key: str) -> Prepared | None:
    """The same again; None where the file is damaged, cut off or another one."""
    start = len(_MAGIC) + hashlib.sha256().digest_size
    body = data[start:]
    if data[:start] != _MAGIC + hashlib.sha256(body).digest():
        return None
    parts = []
    at = 0
    while at < len(body):
        end = at + 4 + int.from_bytes(body[at : at + 4], "big")
        parts.append(body[at + 4 : end])
        at = end
    if len(parts) != 4 or parts[0] != key.encode():
        return None
    return Prepared(parts[1].decode(), parts[2].decode(), parts[3])


class _Unwritable(Exception):
    """The helper could not write where it was told to."""


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bokeh")
    except PackageNotFoundError as error:
        raise _bokeh_missing() from error


def _bokeh_missing() -> PanelError:
    return PanelError(
        "The charts need Bokeh, which is not installed here.", hint="Run: pip install 'bokeh>=3.4'"
    )


def _read(path: Path, key: str) -> Prepared | None:
    try:
        return unpack(path.read_bytes(), key)
    except OSError:
        return None


def _build(path: Path, key: str, environ: Mapping[str, str]) -> Prepared:
    _, said = chart_process.run("_charts.py", str(path), environ=environ)
    found = _read(path, key)
    if found is not None:
        return found
    if "No module named 'bokeh'" in said:
        raise _bokeh_missing()
    if "ExportError" in said:
        raise _Unwritable(said)
    raise PanelError(
        f"The charts could not be built ({said or 'the helper process wrote nothing'}).",
        hint="Try: pip install --force-reinstall bokeh",
    )
