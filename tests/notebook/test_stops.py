"""Where the main thread may be interrupted: in a cell's own code, and nowhere else."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbcarbon.notebook.body import Body
from nbcarbon.notebook.stops import Stops, in_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell()
    made.autoawait = True
    yield made
    made.history_manager.end_session()


class Looks:
    """What `in_body` says of the frames it is called from."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.names = shell.user_ns
        self.found: dict[str, bool] = {}

    def __call__(self, name: str) -> None:
        self.found[name] = in_body(sys._getframe(1), self.names)


def test_only_in_the_cells_own_code(shell: InteractiveShell) -> None:
    look = Looks(shell)
    shell.user_ns["look"] = look
    for event in ("pre_run_cell", "post_execute", "post_run_cell"):
        shell.events.register(event, lambda *_, event=event: look(event))
    shell.run_cell(
        "def hook(*_): look('own hook')\n"
        "def f(): look('function')\n"
        "get_ipython().events.register('post_execute', hook)\n"
        "look('cell'); f()\n"
        "[look('comprehension') for _ in [1]]\n"
        "sorted([1, 2], key=lambda _: look('called back') or 0)"
    )
    shell.run_cell("get_ipython().run_cell('look(\"nested\")')")
    shell.run_cell("%%time\nlook('under a magic')")
    assert look.found == {
        "pre_run_cell": False,
        "cell": True,
        "function": True,
        "comprehension": True,
        "called back": True,
        "nested": True,
        "under a magic": True,
        "post_execute": False,
        "own hook": False,
        "post_run_cell": False,
    }


def test_while_a_cell_awaits_and_in_a_body_that_is_run_by_us(shell: InteractiveShell) -> None:
    look = Looks(shell)
    shell.user_ns["look"] = look
    # On a thread of its own: this one may be running somebody else's loop (a browser's, in this process).
    elsewhere(
        lambda: shell.run_cell(
            "import asyncio\n"
            "asyncio.get_running_loop().call_soon(look, 'awaits')\n"
            "await asyncio.sleep(0.01); look('goes on')"
        )
    )
    Body(shell, "look('again and again')", refusal="").run()
    assert look.found == {"awaits": True, "goes on": True, "again and again": True}


def test_not_in_code_of_ours(shell: InteractiveShell) -> None:
    look = Looks(shell)
    ours: dict[str, Any] = {"__name__": "nbcarbon.notebook.magics", "look": look}
    exec("def magic(): look('magic')", ours)
    shell.user_ns["magic"] = ours["magic"]
    shell.run_cell("magic()")
    assert look.found == {"magic": False}


class Armed:
    """Stops whose handler stands before one that counts, and a shell whose cells they may stop."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.stops = Stops(shell.user_ns)
        self.got: list[int] = []

    def count(self, number: int, frame: FrameType | None) -> None:
        self.got.append(number)

    def begin(self, index: int) -> None:
        self.stops.arm(index)
        self.stops.stand_in_front()

    def stop_in_a_cell(self, index: int) -> None:
        """Another thread stops a cell while one runs."""
        self.shell.user_ns["action"] = lambda: elsewhere(lambda: self.stops.stop(index))
        self.shell.run_cell("action()")


def elsewhere(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


@pytest.fixture
def armed(shell: InteractiveShell) -> Iterator[Armed]:
    before = signal.getsignal(signal.SIGINT)
    made = Armed(shell)
    signal.signal(signal.SIGINT, made.count)
    yield made
    made.stops.disarm()
    made.stops.stand_in_front()
    assert signal.getsignal(signal.SIGINT) == made.count
    signal.signal(signal.SIGINT, before)


def test_a_cell_is_stopped_once_and_a_persons_ctrl_c_always_goes_on(armed: Armed) -> None:
    armed.begin(7)
    for _ in range(3):
        armed.stop_in_a_cell(7)
    assert armed.got == [signal.SIGINT]
    assert armed.stops.has_stopped(7)
    signal.raise_signal(signal.SIGINT)
    assert len(armed.got) == 2
    armed.stops.disarm()
    armed.stop_in_a_cell(7)
    assert len(armed.got) == 2
    armed.stops.arm(8)
    armed.stop_in_a_cell(7)
    assert len(armed.got) == 2
    armed.stop_in_a_cell(8)
    assert len(armed.got) == 3


def test_what_comes_at_a_wrong_moment_may_be_sent_again(armed: Armed) -> None:
    armed.begin(1)
    elsewhere(lambda: armed.stops.stop(1))  # nothing of the cell runs
    assert armed.got == []
    assert not armed.stops.has_stopped(1)
    armed.stop_in_a_cell(1)
    assert armed.got == [signal.SIGINT]


def test_what_arrives_after_the_cell_is_forgotten(armed: Armed) -> None:
    armed.begin(1)
    armed.stops._sent = True  # sent, and not handled yet when the cell ends
    armed.stops.disarm()
    signal.raise_signal(signal.SIGINT)
    assert armed.got == []
    signal.raise_signal(signal.SIGINT)
    assert len(armed.got) == 1


def test_where_something_else_handles_interrupts_it_is_left_alone(armed: Armed) -> None:
    armed.stops.arm(1)
    assert armed.stops.stop(1) is False
    assert armed.got == []
    assert armed.stops.handler_for(signal.SIG_IGN) is signal.SIG_IGN


def test_a_handler_that_somebody_kept_still_passes_on(armed: Armed) -> None:
    armed.begin(1)
    kept = signal.getsignal(signal.SIGINT)
    assert callable(kept)
    signal.signal(signal.SIGINT, lambda number, frame: kept(number, frame))
    armed.stops.disarm()
    armed.stops.stand_in_front()
    armed.begin(2)
    signal.raise_signal(signal.SIGINT)
    assert len(armed.got) == 1
    armed.stop_in_a_cell(2)
    assert len(armed.got) == 2
    signal.signal(signal.SIGINT, armed.count)
