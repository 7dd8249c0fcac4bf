"""nbcarbon: the energy and CO2e of every cell you run.

In a notebook or IPython::

    %load_ext nbcarbon

In a script::

    import nbcarbon

    with nbcarbon.measure("training") as m:
        train()
    print(m.report.energy_j, m.report.emissions_g)

Names are resolved when first used, so importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcarbon.version import __version__

if TYPE_CHECKING:
    from nbcarbon.core.figures import Figures, SessionFigures
    from nbcarbon.core.session import Session
    from nbcarbon.deciding.api import estimate
    from nbcarbon.errors import NbcarbonError
    from nbcarbon.measuring import Measurement, measure, note, session

__all__ = [
    "Figures",
    "Measurement",
    "NbcarbonError",
    "Session",
    "SessionFigures",
    "__version__",
    "estimate",
    "load_ipython_extension",
    "measure",
    "note",
    "session",
    "unload_ipython_extension",
]

_HOMES = {
    "Figures": "core.figures",
    "Measurement": "measuring",
    "NbcarbonError": "errors",
    "Session": "core.session",
    "SessionFigures": "core.figures",
    "estimate": "deciding.api",
    "measure": "measuring",
    "note": "measuring",
    "session": "measuring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext nbcarbon`: from now on every cell is measured."""
    from nbcarbon.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext nbcarbon`: nothing of it is left."""
    from nbcarbon.notebook.extension import unload

    unload(shell)
