"""Measuring from Python: a block, a function, the session. Works without IPython."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from nbcarbon import app
from nbcarbon.core.cell import Outcome
from nbcarbon.errors import NotMeasuring

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from nbcarbon.core.figures import Figures
    from nbcarbon.meter.meter import Run
    from nbcarbon.user_session import Session

REPORT_WAIT_S = 1.0

_Function = TypeVar("_Function", bound="Callable[..., Any]")


class Measurement:
    """A measured block. `report` holds its figures once it is over.

    Use `nbcarbon.measure`. Blocks nest, and one object may be entered again after it was left.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._runs: list[Run | None] = []
        self._finished: Run | None = None

    def __enter__(self) -> Self:
        meter = app.start(notebook=_script()).meter
        app.wait_for_first_sampler()
        self._runs.append(meter.open(key=None, source=self.name, name=self.name, front_end=False))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run = self._runs.pop()
        current = app.current()
        if current is not None:
            current.meter.close(run, _outcome(kind))
        self._finished = run

    def __call__(self, function: _Function) -> _Function:
        """As a decorator: every call is one measured block; the last one's figures are `report`."""

        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        measured.measurement = self  # type: ignore[attr-defined]
        return measured  # type: ignore[return-value]

    def note(
        self,
        *,
        score: float | None = None,
        unit: str = "",
        queries: int | None = None,
        tokens: int | None = None,
    ) -> None:
        """Say of this block, while it runs or after, what `nbcarbon.note` says of a cell."""
        from nbcarbon.core import notes

        values = notes.said(score=score, unit=unit, queries=queries, tokens=tokens)
        run = next((each for each in reversed(self._runs) if each is not None), self._finished)
        current = app.current()
        if current is not None and run is not None:
            _note(current, values, run.index)

    @property
    def report(self) -> Figures:
        """The figures of the last finished run of this block.

        Waits up to a second for the sampler, then returns what is known: a coverage of 0 means
        that nothing is. Raises NotMeasuring before the block is over or while measuring is off.
        """
        current = app.current()
        if self._finished is None or current is None:
            raise NotMeasuring(
                f"There is no report of {self.name!r}.",
                hint="It is there once the block is over, while measuring is on.",
            )
        return current.meter.report(self._finished, wait_s=REPORT_WAIT_S)


def measure(name: str = "block") -> Measurement:
    """Measure a block of code or a function.

    with nbcarbon.measure("train") as m: ...

    The first one in a process starts the sampler and waits up to 0.3 s for it.
    """
    from nbcarbon.core.escape import label

    return Measurement(label(name))


def session() -> Session:
    """The session of this process.

    Raises NotMeasuring where none was started.
    """
    from nbcarbon.user_session import Session

    current = app.current()
    if current is None:
        raise _nothing_measured()
    meter = current.meter
    return Session(lambda: meter.session)


def note(
    *,
    score: float | None = None,
    unit: str = "",
    queries: int | None = None,
    tokens: int | None = None,
    cell: str | int | None = None,
) -> None:
    """Say of the cell or block that runs now what only its code knows, for `%carbon compare` and for
    figures per query or token::

        nbcarbon.note(score=model.score(x, y), unit="accuracy", queries=len(x))

    Said again, the last word counts. `queries` and `tokens` are of one time the body runs, where it is run
    again and again. `cell` is the name or number of another cell, which may be over. Raises SettingError
    for a value that cannot be and for a cell nobody knows, NotMeasuring where nothing was started. While
    measuring is off it does nothing.
    """
    from nbcarbon.core import notes

    values = notes.said(score=score, unit=unit, queries=queries, tokens=tokens)
    current = app.current()
    if current is None:
        raise _nothing_measured()
    if cell is not None:
        _note(current, values, current.runs_called([str(cell)])[-1][1])
        return
    run = current.meter.running()
    if run is not None:
        _note(current, values, run.index)
    elif current.meter.measuring:
        raise NotMeasuring(
            "No cell or block runs here.", hint="Say which one: nbcarbon.note(..., cell='train')."
        )


def _note(current: app.App, values: dict[str, str], index: int) -> None:
    for name, value in values.items():
        current.meter.note(name, value, index, index)


def _nothing_measured() -> NotMeasuring:
    return NotMeasuring(
        "Nothing is being measured.",
        hint="Start with %load_ext nbcarbon, or with nbcarbon.measure() in a script.",
    )


def _outcome(kind: type[BaseException] | None) -> Outcome:
    if kind is None:
        return Outcome.OK
    return Outcome.INTERRUPTED if issubclass(kind, KeyboardInterrupt) else Outcome.ERROR


def _script() -> str:
    main = sys.modules.get("__main__")
    return getattr(main, "__file__", None) or ""
