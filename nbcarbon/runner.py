"""`nbcarbon run`: execute a notebook in a real kernel with every cell measured, and show the cost.

The kernel loads nbcarbon by an argument of its command line, so a notebook needs no change and a
later `%load_ext` in it is harmless. The runner learns what each cell cost from the ledger alone:
the same file that survives when the kernel does not.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbcarbon import app, recorded
from nbcarbon.core import escape
from nbcarbon.core.cell import Role
from nbcarbon.errors import RunError
from nbcarbon.notebook.card import MIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nbcarbon.core.figures import Figures
    from nbcarbon.core.session import Session

FIGURES_WAIT_S = 2.0
"""How long the line of a finished cell waits for its figures; the table has them in any case."""

FAILED, DONE = 1, 0


def run(
    notebook: Path,
    *,
    output: Path | None,
    summaries: Sequence[Path] | None,
    zone: str | None,
    allow_errors: bool,
    with_host: bool,
    say: Callable[[str], None],
    running: Callable[[str], None],
    ascii: bool,
) -> int:
    """Run a notebook, say what each cell cost while it runs, write it and its summaries.

    `running` gets a line on the cell that runs now, `say` everything that stays.

    Returns 0, or 1 where a cell failed or the kernel died: everything is written all the same.
    Raises RunError or ExportError where that is not possible at all.
    """
    from nbcarbon.core import humanize
    from nbcarbon.export import renderer
    from nbcarbon.notebook.card import report_text

    stem = notebook.with_suffix("")
    output = output or stem.with_suffix(".executed.ipynb")
    summaries = summaries or [stem.with_suffix(".carbon.json"), stem.with_suffix(".carbon.md")]
    for path in summaries:
        renderer(path)  # a suffix nobody knows is better heard of now than after an hour
    environ = dict(os.environ)
    if zone is not None:
        environ["NBCARBON_ZONE"] = app.checked_zone(zone)
    ledger = recorded.new_ledger_path(environ)
    environ[app.LEDGER_VARIABLE] = str(ledger)
    followed = recorded.FollowedSession(ledger)

    def finished(progress: Progress) -> None:
        say(_line(progress, _figures(followed, progress.position), ascii=ascii))

    def started(position: int, of: int, first_line: str) -> None:
        running(f"[{position}/{of}] {first_line[:60]} ...")

    began_s = time.monotonic()
    ran = run_notebook(
        notebook, environ=environ, allow_errors=allow_errors, started=started, finished=finished
    )
    wait_until(lambda: followed.update().ended is not None)
    session = recorded.read_session(ledger)
    _fill_in(ran.notebook, session)
    _write_notebook(ran.notebook, output)
    say("")
    say(report_text(session.figures(), ascii=ascii))
    for notice in session.notices.values():
        say(humanize.plain(escape.terminal(notice), ascii=ascii))
    say("")
    if ran.error:
        say(
            f"Stopped: {escape.terminal(ran.error)[:500]} (after {humanize.duration(time.monotonic() - began_s)})"
        )
    for path in summaries:
        recorded.export_session(session, path, force=True, with_host=with_host)
    for path in (output, *summaries):
        say(f"Written: {path}")
    return FAILED if ran.error else DONE


def _line(progress: Progress, figures: Figures | None, *, ascii: bool) -> str:
    """One finished cell, in one line."""
    from nbcarbon.core import humanize
    from nbcarbon.notebook.card import brief

    start = f"[{progress.position}/{progress.of}] {progress.first_line[:40]:<40}"
    said = progress.outcome if figures is None else brief(figures)
    return humanize.plain(f"{start}   {said}", ascii=ascii)


def _figures(followed: recorded.FollowedSession, position: int) -> Figures | None:
    """The figures of the n-th cell, as soon as the ledger has them."""

    def cells() -> list[int]:
        reports = followed.update().cells.values()
        return sorted(each.run.index for each in reports if each.run.role is Role.CELL)

    if not wait_until(lambda: len(cells()) >= position):
        return None
    return followed.session.figures_of(cells()[position - 1])


def _fill_in(notebook: Any, session: Session) -> None:
    """Give every card its figures, those too that were still waiting for them when their cell ended."""
    from nbcarbon.notebook.card import bundle
    from nbcarbon.notebook.display import INDEX_KEY

    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            index = output.get("metadata", {}).get(INDEX_KEY)
            if index in session.cells and MIME not in output.get("data", {}):
                output["data"] = bundle(session.figures_of(index))


def _write_notebook(notebook: Any, path: Path) -> None:
    import nbformat

    from nbcarbon.files import write_atomic

    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    write_atomic(path, text.encode("utf-8"), force=True)


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


def wait_until(done: Callable[[], bool], timeout_s: float = FIGURES_WAIT_S) -> bool:
    """Ask again and again until it is done or the time is over."""
    deadline_s = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


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
