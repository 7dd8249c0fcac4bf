"""Executes every cell of a notebook in a real kernel that measures itself, and tells of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbcarbon.core import escape
from nbcarbon.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Progress:
    """One finished cell: its number among the code cells, how many there are, how it ended."""

    position: int
    of: int
    first_line: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A notebook that was executed, whole or up to the cell that failed."""

    notebook: Any
    error: str = ""


def run_notebook(
    path: Path,
    *,
    environ: Mapping[str, str],
    allow_errors: bool,
    started: Callable[[int, int, str], None],
    finished: Callable[[Progress], None],
) -> Ran:
    """Run every cell of a notebook, in its own folder, with the kernel it asks for.

    Calls `started` and `finished` around each code cell. A cell that fails stops the run unless it
    is tagged `raises-exception` or `allow_errors` is set; what was run is returned all the same.

    Raises RunError where the notebook cannot be read or no kernel can be started.
    """
    nbformat, nbclient, kernelspec, no_such_kernel = _libraries()
    try:
        notebook = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise RunError(f"There is no notebook {path}.", hint="Check the path.") from None
    except Exception as error:  # noqa: BLE001 (whatever nbformat makes of a broken file)
        raise RunError(
            f"{path} is not a notebook ({type(error).__name__}).",
            hint="Open and save it in Jupyter.",
        ) from None
    name = notebook.metadata.get("kernelspec", {}).get("name", "python3")
    try:
        spec = kernelspec.KernelSpecManager().get_kernel_spec(name)
    except no_such_kernel:
        raise RunError(
            f"{path} asks for the kernel {name!r}, which is not installed here.",
            hint="Install it, or choose another kernel in Jupyter and save the notebook.",
        ) from None
    _refuse_kernel_without_nbcarbon(name, spec)

    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]

    def on_start(cell: Any, cell_index: int) -> None:
        if cell_index in code:
            started(code.index(cell_index) + 1, len(code), _first_line(cell))

    def on_executed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        if cell_index in code:
            outcome = execute_reply["content"].get("status", "error")
            finished(Progress(code.index(cell_index) + 1, len(code), _first_line(cell), outcome))

    client = nbclient.NotebookClient(
        notebook,
        timeout=None,
        kernel_name=name,
        allow_errors=allow_errors,
        extra_arguments=["--IPKernelApp.extra_extensions=nbcarbon", "--log-level=ERROR"],
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_start=on_start,
        on_cell_executed=on_executed,
        record_timing=True,
    )
    return Ran(notebook, _execute(client, environ, nbclient.exceptions))


def _execute(client: Any, environ: Mapping[str, str], exceptions: Any) -> str:
    """Run it all. Returns one line on what stopped it, empty where nothing did."""
    try:
        client.execute(env=dict(environ))
    except (KeyboardInterrupt, Exception) as error:
        # On Ctrl-C the client shuts its kernel down, and then trips over that in one way or another.
        if isinstance(error, KeyboardInterrupt) or _was_interrupted(client):
            return "interrupted"
        if isinstance(error, exceptions.CellExecutionError):
            return f"{error.ename}: {error.evalue}".strip()
        if isinstance(error, exceptions.DeadKernelError):
            return "the kernel died"
        raise
    return ""


def _was_interrupted(client: Any) -> bool:
    """Whether the client's own handler of signals has run: it keeps what it started then."""
    return getattr(client, "_async_cleanup_kernel_future", None) is not None


def _first_line(cell: Any) -> str:
    lines = [line for line in cell.source.splitlines() if line.strip()]
    return escape.terminal(lines[0].strip()) if lines else ""


def _refuse_kernel_without_nbcarbon(name: str, spec: Any) -> None:
    """One sentence now is better than a kernel that dies of an unknown extension."""
    import subprocess
    import sys

    language = getattr(spec, "language", "python")
    if language != "python":
        raise RunError(
            f"The kernel {name!r} runs {language}, which nbcarbon cannot measure.",
            hint="It measures Python kernels.",
        )
    if "-m" not in spec.argv:
        return  # not started as a module: whatever it is, it says for itself what it lacks
    command = spec.argv[: spec.argv.index("-m")]
    major, minor = sys.version_info[:2]
    if command in (["python"], [f"python{major}"], [f"python{major}.{minor}"]):
        command = [sys.executable]  # as Jupyter does it: the one that we run on
    found = subprocess.run(  # noqa: S603 (the interpreter of a kernel the user has installed)
        [*command, "-P", "-c", "import nbcarbon"], capture_output=True, check=False, timeout=60
    )
    if found.returncode:
        raise RunError(
            f"The kernel {name!r} has no nbcarbon.",
            hint=f"Run: {' '.join(command)} -m pip install nbcarbon",
        )


def _libraries() -> tuple[Any, Any, Any, Any]:
    try:
        import nbclient
        import nbclient.exceptions
        import nbformat
        from jupyter_client import kernelspec
    except ImportError:
        raise RunError(
            "Running notebooks needs nbclient and ipykernel.",
            hint="Run: pip install 'nbcarbon[run]'",
        ) from None
    return nbformat, nbclient, kernelspec, kernelspec.NoSuchKernel
