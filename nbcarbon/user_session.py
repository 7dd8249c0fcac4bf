"""A session as its user holds it: figures, a summary, a table, a file. The one that runs, or one on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nbcarbon import recorded
from nbcarbon.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbcarbon.core.figures import SessionFigures
    from nbcarbon.core.session import Session as Folded


class Session:
    """`nbcarbon.session()` is that of this process, each time as it is by then; `Session.load` is one on disk.

    One that was loaded from an export has a summary and all that is made of it, but no `figures`.
    """

    def __init__(
        self, look: Callable[[], Folded] | None, kept: Mapping[str, Any] | None = None
    ) -> None:
        """`look` folds the session anew, `kept` is an exported summary in its place."""
        self._look = look
        self._kept = kept

    @classmethod
    def load(cls, path: str | Path = "latest") -> Self:
        """A recorded session by `latest`, id or ledger, or an exported one by its file.

        Raises LedgerError where there is no such session, ExportError where the file does not hold one.
        """
        given = Path(path).expanduser()
        if given.is_file() and not recorded.is_ledger(given):
            from nbcarbon.export import load

            return cls(None, load(given))
        found = recorded.recorded_session(str(path), os.environ)
        return cls(lambda: found)

    def figures(self) -> SessionFigures:
        """Everything, priced as of now. Raises ExportError where only a summary is left of it."""
        if self._look is None:
            raise ExportError(
                "An export holds a session's sums, and no figures to show as a table.",
                hint="Use summary(), write it in another format, or load its ledger.",
            )
        return self._look().figures()

    def summary(self, *, with_host: bool = False) -> dict[str, Any]:
        """The keys of docs/summary.md, as plain values."""
        if self._look is None:
            return dict(self._kept or {})
        return recorded.summary_of(self._look(), with_host=with_host)

    def to_frame(self, library: str = "") -> Any:
        """The cells as a data frame, a row for each cell and device: by pandas or polars, whichever is there.

        Raises ExportError where neither is.
        """
        from nbcarbon.export.frame import frame

        return frame(self.summary(), library)

    def export(
        self,
        path: str | Path,
        *,
        as_: str = "",
        force: bool = False,
        with_host: bool = False,
        **told: str,
    ) -> Path:
        """Write a file, in the format `as_` or by its ending. Returns where. Raises ExportError."""
        given = Path(path)
        if self._look is None:
            return recorded.export_summary(self._kept or {}, given, force=force, as_=as_, told=told)
        return recorded.export_session(
            self._look(), given, force=force, with_host=with_host, as_=as_, told=told
        )
