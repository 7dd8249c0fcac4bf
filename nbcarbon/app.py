"""The composition root: the only place that names concrete adapters together.

Two compositions: what a kernel holds (`App`) and what a sampler process runs (`serve`). Every
import of an adapter stands in the function that needs it, so a kernel never pays for the sampler's.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcarbon import __version__, settings
from nbcarbon.core.events import SessionStarted
from nbcarbon.errors import NotMeasuring, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbcarbon.channel import End, Outbox
    from nbcarbon.core.events import Event
    from nbcarbon.core.figures import Figures
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.session import Session
    from nbcarbon.meter.link import Link, SamplerHandle
    from nbcarbon.meter.meter import Meter
    from nbcarbon.ports import Discovery, SensorBackend
    from nbcarbon.sampler.loop import Ledger, Loop, Past
    from nbcarbon.settings import Settings

LEDGER_VARIABLE = "NBCARBON_LEDGER"
"""A path for the next session's ledger, taken and removed by the first session that starts."""

FIRST_WAIT_S = 0.3
UNLOAD_WAIT_S = 1.0


# The kernel's side


class App:
    """One live session in this process, with what it was started with."""

    def __init__(self, meter: Meter, problems: tuple[str, ...]) -> None:
        self.meter = meter
        self.problems = problems


_current: App | None = None
"""The one live object. The facade and the extension read it; nothing else may."""

_starting = threading.Lock()


def current() -> App | None:
    """The session of this process, None where there is none (or a forked parent's)."""
    return _current


def start(*, notebook: str = "", options: Mapping[str, str] | None = None) -> App:
    """The session of this process, started if there is none. Waits for nothing.

    `options` are settings by name that override the environment's. Raises SettingError for one
    that cannot be used.
    """
    global _current  # noqa: PLW0603 (the one live object)
    with _starting:
        if _current is None:
            _current = _start(notebook, options or {})
        return _current


def stop(*, wait_s: float = UNLOAD_WAIT_S) -> None:
    """End the session of this process, if there is one."""
    global _current  # noqa: PLW0603 (the one live object)
    with _starting:
        app, _current = _current, None
    if app is not None:
        app.meter.end(wait_s=wait_s)


def _start(notebook: str, options: Mapping[str, str]) -> App:
    import atexit

    from nbcarbon.meter.clock import SystemClock
    from nbcarbon.meter.edges import EdgeCounters
    from nbcarbon.meter.meter import Meter

    loaded = settings.load()
    chosen = loaded.settings
    for name, value in options.items():
        chosen = replace(chosen, **{name: settings.parse(name, value)})
    clock = SystemClock()
    started = SessionStarted(
        id=os.urandom(8).hex(),
        started_at=clock.now(),
        start_s=clock.monotonic_s(),
        host=os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""),
        python=sys.version.partition(" ")[0],
        nbcarbon=__version__,
        notebook=Path(notebook).name,
        boot_id=_boot_id(),
        settings=_as_text(chosen),
    )
    ledger = os.environ.pop(LEDGER_VARIABLE, "")

    def build_link(meter: Meter, outbox: Outbox) -> Link:
        from nbcarbon.meter.link import Link

        return Link(
            start=lambda: _start_sampler(ledger),
            outbox=outbox,
            hello=meter.hello,
            received=meter.received,
            failed=meter.failed,
            clock=clock,
        )

    meter = Meter(started, clock=clock, edges=EdgeCounters(), build_link=build_link)
    problems = loaded.problems
    try:
        meter.link.open()
    except (OSError, RunError) as error:
        meter.disable(f"paused: no sampler can be started ({error})")
    app = App(meter, problems)
    atexit.register(_at_exit, app)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=meter.after_fork)
    return app


def _at_exit(app: App) -> None:
    # The sampler ends by itself once the channel closes; an exit is never delayed for it.
    app.meter.end(wait_s=0.0)


def _start_sampler(ledger: str) -> SamplerHandle:
    """A sampler process, or a thread of this one where no process can be started."""
    from nbcarbon.meter.spawn import start_sampler

    environ = {**os.environ, LEDGER_VARIABLE: ledger} if ledger else os.environ
    try:
        return start_sampler(environ)
    except OSError:
        return SamplerThread(environ)


class SamplerThread:
    """The same loop on a thread of the kernel, for sandboxes that allow no process.

    It goes blind whenever a cell holds the interpreter's lock, so every figure says `thread`.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        import socket

        from nbcarbon.channel import PacketEnd, StreamEnd

        self.end: End
        theirs: End
        if hasattr(socket, "AF_UNIX") and sys.platform == "linux":
            self.end, other = PacketEnd.pair()
            theirs = PacketEnd(other)
        else:
            to_us, from_them = os.pipe()
            to_them, from_us = os.pipe()
            self.end, theirs = StreamEnd(to_us, from_us), StreamEnd(to_them, from_them)
        loop = build_loop(
            theirs,
            kernel_pid=os.getpid(),
            environ=environ,
            mode="thread",
            parent_alive=lambda: True,
        )
        self._loop = loop
        self._thread = threading.Thread(target=loop.run, name="nbcarbon-sampler", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def kill(self) -> None:
        self._loop.stop("stopped")


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _as_text(chosen: Settings) -> tuple[tuple[str, str], ...]:
    """Settings as the ledger keeps them, without the folders of this user."""
    kept = ("zone", "pue", "attribution", "interval_s")
    return tuple((name, str(getattr(chosen, name))) for name in kept)


# The sampler's side


def serve(*, kernel_pid: int, channel: str) -> None:
    """Be the sampler of one kernel until its session is over."""
    import signal
    import socket

    from nbcarbon.channel import PacketEnd, StreamEnd

    end: End
    if channel == "stdio":
        end = StreamEnd(os.dup(0), os.dup(1))
    else:
        end = PacketEnd(socket.socket(fileno=int(channel)))
    loop = build_loop(
        end,
        kernel_pid=kernel_pid,
        environ=os.environ,
        mode="process",
        parent_alive=lambda: os.getppid() == kernel_pid or os.name == "nt",
    )
    for name in ("SIGINT", "SIGHUP", "SIGPIPE"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: loop.stop("terminated"))
    loop.run()


def build_loop(
    end: End,
    *,
    kernel_pid: int,
    environ: Mapping[str, str],
    mode: str,
    parent_alive: Callable[[], bool],
) -> Loop:
    """The sampler with everything it is made of."""
    from nbcarbon.meter.clock import SystemClock
    from nbcarbon.sampler.account import Account
    from nbcarbon.sampler.loop import Loop
    from nbcarbon.sampler.roster import Driver, Roster
    from nbcarbon.sampler.usage import usage_reader

    chosen = settings.load(environ).settings
    clock = SystemClock()
    visible = dict(environ)
    driver = Driver(driver_backends(clock, visible), end.wake)
    roster = Roster(
        clock,
        lambda: discover_in_place(chosen, clock),
        driver=driver,
        stand_in=lambda: stand_in_cpu(chosen, clock),
    )

    def look_at(value: str) -> None:
        visible["CUDA_VISIBLE_DEVICES"] = value

    return Loop(
        clock=clock,
        end=end,
        account=Account(),
        roster=roster,
        usage=usage_reader(kernel_pid, container_s=container_cpu()),
        open_ledger=lambda started: open_ledger(started, chosen, environ),
        locate=lambda wanted: locate(wanted, environ),
        parent_alive=parent_alive,
        shortest_interval_s=chosen.interval_s,
        settle=lambda given: settle(given, environ),
        pid=os.getpid(),
        mode=mode,
        look_at=look_at,
    )
