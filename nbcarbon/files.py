"""Files of ours on the user's disk: whole or not at all, and private where they are nobody's business."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcarbon.errors import ExportError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PRIVATE_FOLDER = 0o700
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def write_atomic(
    path: Path, data: bytes | Iterable[bytes], *, force: bool = False, private: bool = False
) -> None:
    """Put bytes in a file, or pieces of them, whole or not at all. A link is replaced, never written through.

    A `private` file is for this user alone.

    Raises ExportError where the file is there already (unless `force`), is no plain file, or cannot
    be written.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise _cannot_write(path, error) from error
    if found is not None:
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
            raise ExportError(f"{path} is not a file.", hint="Choose another name.")
        if not force:
            raise ExportError(
                f"{path} exists already.", hint="Choose another name, or replace it with --force."
            )
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        # 0o666 and not 0o600: what the user exports is theirs to share, by their own umask.
        mode = 0o600 if private else 0o666
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with open(fd, "wb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink()


def _cannot_write(path: Path, error: OSError) -> ExportError:
    return ExportError(
        f"{path} cannot be written ({error.strerror or error}).",
        hint="Choose a folder you may write to.",
    )


def private_folder(path: Path) -> Path:
    """Make a folder, and each missing one above it, for this user alone.

    Raises LedgerError where it cannot be made, or is one that others may write to.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        try:
            each.mkdir(PRIVATE_FOLDER)
        except FileExistsError:
            continue  # somebody else's session made it just now: it is checked below
        except OSError as error:
            raise LedgerError(
                f"{each} cannot be made ({error.strerror or error}).",
                hint="Choose another folder with NBCARBON_STATE_DIR.",
            ) from error
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise LedgerError(f"{path} is not a folder.", hint="Remove it: sessions are kept there.")
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            raise LedgerError(
                f"{path} belongs to another user.",
                hint="Choose another folder with NBCARBON_STATE_DIR.",
            )
        if found.st_mode & _OTHERS_MAY_WRITE:
            raise LedgerError(
                f"{path} may be written to by others.", hint=f"Make it yours: chmod 700 {path}"
            )
    return path
