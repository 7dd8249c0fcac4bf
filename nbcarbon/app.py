"""The composition root: the only place that names concrete adapters together.

Two compositions: what a kernel holds (`App`) and what a sampler process runs (`serve`). Every
import of an adapter stands in the function that needs it, so a kernel never pays for the sampler's.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcarbon import settings
from nbcarbon.core.said import SessionStarted
from nbcarbon.errors import RunError, SettingError
from nbcarbon.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nbcarbon.channel import End, Outbox
    from nbcarbon.core.device import Device
    from nbcarbon.core.events import HardwareLearned
    from nbcarbon.core.figures import Figures, SessionFigures
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.session import Session
    from nbcarbon.meter.link import Link, SamplerHandle
    from nbcarbon.meter.meter import Meter
    from nbcarbon.panel.view_model import WhatIf
    from nbcarbon.ports import Clock, Discovery, SensorBackend
    from nbcarbon.sampler.loop import Ledger, Loop, Past
    from nbcarbon.settings import Settings

LEDGER_VARIABLE = "NBCARBON_LEDGER"
"""A path for the next session's ledger, taken and removed by the first session that starts."""

GARBAGE_THRESHOLD = 20_000
"""Objects a sampler makes before it looks for cycles, of which it makes next to none."""

GOES_ON = ("zone", "pue", "attribution", "hardware")
"""What the user set for a session holds for the one after a reset."""

FIRST_WAIT_S = 0.3
SETTLE_WAIT_S = 0.3
UNLOAD_WAIT_S = 1.0


# The kernel's side


class App:
    """One live session in this process: what the magics and the facade talk to.

    Runs and settings are the meter's; this adds what needs adapters the meter may not know: zones,
    exports, the doctor.
    """

    def __init__(self, meter: Meter, problems: tuple[str, ...], chosen: Settings) -> None:
        self.meter = meter
        self.problems = problems
        self.settings = chosen
        self.extension: Any = None
        self.waited = False

    def change(self, name: str, value: str) -> None:
        """Set something for this session and wait a moment until it is so."""
        self.meter.change(name, value)
        self.settle()

    def options(self) -> dict[str, str]:
        """What the user has set for this session, for another one to go on with."""
        now = self.meter.look(lambda session: dict(session.settings))
        return {name: now[name] for name in GOES_ON if name in now}

    def settle(self) -> None:
        """Wait a moment until the sampler has taken in everything said so far."""
        self.meter.wait_settled(SETTLE_WAIT_S)

    def disable(self, reason: str) -> None:
        """Stop measuring for good, and say why when asked."""
        self.meter.disable(reason)

    def session_figures(self) -> SessionFigures:
        return self.meter.look(lambda session: session.figures())

    def remarks(self) -> list[str]:
        """What the user should know of this session, one line each."""
        said = [
            *self.meter.look(lambda session: list(session.notices.values())),
            self.meter.problem,
        ]
        return [f"! {text}" for text in said if text]

    def status(self) -> str:
        """One line: measuring or why not, the sum so far, the zone."""
        from nbcarbon.core import humanize
        from nbcarbon.core.live import live

        now = self.meter.look(live)
        state = self.meter.problem or ("measuring" if self.meter.measuring else "off")
        parts = [
            state,
            *(
                [humanize.power(now.power_w)]
                if now.power_w is not None and self.meter.measuring
                else []
            ),
            humanize.energy(now.energy.energy_j),
            humanize.mass(now.emissions.emissions_g),
            self.zone_text(),
        ]
        return " · ".join(parts)

    def explain(self, wanted: str) -> tuple[str, ...]:
        """Why a cell's figures are as unsure as they are; of the newest finished one where none is named.

        `wanted` is a cell's name or number. Raises SettingError where there is none such.
        """
        from nbcarbon.core.cell import Role
        from nbcarbon.core.explain import explain

        def view(session: Session) -> tuple[str, ...]:
            for index in reversed(list(session.cells)):
                report = session.cells[index]
                run = report.run
                if run.role is Role.CELL and wanted in (
                    "",
                    run.name,
                    run.name.removeprefix("cell "),
                ):
                    return explain(session.figures_of(index), report, session.devices)
            raise SettingError(
                f"No cell {wanted[:40]!r} has been measured."
                if wanted
                else "No cell has ended yet.",
                hint="%carbon report lists them.",
            )

        return self.meter.look(view)

    def runs_called(self, words: Sequence[str]) -> list[tuple[int, int]]:
        """First and last index of the cells that each of these names, numbers or ranges stands for.

        Raises SettingError for a word that stands for none.
        """
        from nbcarbon.core.naming import Named, spans

        self.settle()
        numbers = self.extension.hooks.numbers if self.extension is not None else {}
        cells = self.session_figures().cells
        runs = [Named(each.index, each.name) for each in cells if each.parent_index is None]
        return spans(words, runs, numbers)

    def advice(self) -> list[str]:
        """The largest savings this session shows, in lines."""
        from nbcarbon.core.advice import advice, words
        from nbcarbon.grid.everywhere import mainstream_regions

        self.settle()
        places = mainstream_regions()
        found, figures = self.meter.look(
            lambda session: (advice(session, places), session.figures())
        )
        if not found:
            return ["This session shows nothing that would have saved a hundredth of it or more."]
        return [
            "What would have saved most, one by one. They overlap: do not add them up.",
            *(
                line
                for number, each in enumerate(found, 1)
                for line in words(each, number, figures.emissions.emissions_g)
            ),
        ]

    def noted(self, *names: str) -> list[Figures]:
        """The finished cells of which the user said something of these kinds (`notes`), oldest first."""
        self.settle()

        def view(session: Session) -> list[Figures]:
            indexes = {each for name in names for each in session.notes.runs_with(name)}
            return [session.figures_of(each) for each in sorted(indexes) if each in session.cells]

        return self.meter.look(view)

    def zone_text(self) -> str:
        """The zone, its intensity, and how it was found."""
        session = self.meter.session
        return describe_zone(session.zone, session.intensity)

    def hardware_lines(self) -> list[str]:
        """What the embodied part is of, and what else could be said of this machine."""
        from nbcarbon.core.lifecycle_words import hardware_lines

        found = self.meter.look(lambda session: hardware_lines(session.ground()))
        known = ", ".join(self.hardware_choices())
        return [*found, f"Figures are known for {known}; or give kilograms: 1500kg."]

    def hardware_choices(self) -> list[str]:
        """Every machine there is a figure for."""
        from nbcarbon.hardware.embodied import keys

        return keys(machines=True)

    def zone_choices(self) -> tuple[str, ...]:
        """Every zone there is a figure for."""
        from nbcarbon.grid.zones import load_zones

        return load_zones().ids()

    def choices(self) -> dict[str, Any]:
        """What a page can choose from: zones by name, export formats."""
        from nbcarbon.export import formats
        from nbcarbon.grid.zones import load_zones
        from nbcarbon.panel.view_model import choices

        zones = load_zones()
        named = sorted((zones.name(each), each) for each in zones.ids())
        return choices([(zone, name) for name, zone in named], formats())

    def what_if(self, text: str) -> WhatIf:
        """Another zone to compare with. Raises UnknownZoneError."""
        from nbcarbon.panel.view_model import WhatIf

        zone, intensity, _ = locate(checked_zone(text), {})
        return WhatIf(zone, intensity)

    def export_name(self, suffix: str) -> str:
        """A name for a summary that nobody named: of this notebook and this moment."""
        stem = Path(self.meter.started.notebook).stem or "session"
        return f"{stem}-carbon-{datetime.now().astimezone():%Y%m%d-%H%M%S}{suffix}"

    def export(
        self,
        path: str,
        *,
        force: bool = False,
        with_host: bool = False,
        as_: str = "",
        told: Mapping[str, str] | None = None,
    ) -> str:
        """Write the session to a file, in the format `as_` or by its ending. Returns where.

        `told` are a format's options by name. Raises ExportError.
        """
        from nbcarbon.recorded import export_session

        session = self.meter.session
        return str(
            export_session(
                session, Path(path), force=force, with_host=with_host, as_=as_, told=told
            )
        )


def describe_zone(zone: Zone, intensity: Intensity) -> str:
    """A zone in words: `France, 31 g/kWh (2025, lifecycle; set by you)`."""
    name = zone.name if zone.id else "zone unknown, world average"
    return (
        f"{name}, {intensity.g_per_kwh:.0f} g/kWh ({intensity.year}, {intensity.scope}; {zone.how})"
    )


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
    global _current
    with _starting:
        if _current is None:
            _current = _start(notebook, options or {})
        return _current


def stop(*, wait_s: float = UNLOAD_WAIT_S) -> None:
    """End the session of this process, if there is one."""
    global _current
    with _starting:
        app, _current = _current, None
    if app is not None:
        app.meter.end(wait_s=wait_s)


def wait_for_first_sampler() -> None:
    """Give a new sampler a moment, once a process: a script's first block is worth it.

    A notebook never waits: its sampler started with `%load_ext`.
    """
    app = _current
    if app is not None and app.extension is None and not app.waited:
        app.waited = True
        app.meter.wait_ready(FIRST_WAIT_S)


def _start(notebook: str, options: Mapping[str, str]) -> App:
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
        settings=as_text(chosen),
    )
    ledger = os.environ.pop(LEDGER_VARIABLE, "")

    def build_link(meter: Meter, outbox: Outbox) -> Link:
        from nbcarbon.meter.link import Link

        return Link(
            start=lambda: _start_sampler(ledger),
            outbox=outbox,
            hello=meter.hello,
            received=meter.received,
            acknowledged=meter.acknowledged,
            failed=meter.failed,
            clock=clock,
        )

    meter = Meter(started, clock=clock, edges=EdgeCounters(), build_link=build_link)
    problems = loaded.problems
    try:
        meter.link.open()
    except (OSError, RunError) as error:
        meter.disable(f"paused: no sampler can be started ({error})")
    _watch_process()
    return App(meter, problems, chosen)


@cache
def _watch_process() -> None:
    """Hear of this process's exit and of its forks: once, however often sessions come and go."""
    import atexit

    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _at_exit() -> None:
    # The sampler ends by itself once the channel closes; an exit is never delayed for it.
    if _current is not None:
        _current.meter.end(wait_s=0.0)


def _after_fork() -> None:
    if _current is not None:
        _current.meter.after_fork()


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


def as_text(chosen: Settings) -> tuple[tuple[str, str], ...]:
    """Settings as the ledger keeps them, without the folders of this user."""
    kept = (
        *("zone", "pue", "attribution", "interval_s"),
        *("hardware", "hardware_share", "lifetime_years", "utilisation"),
        *("water_site_l_per_kwh", "water_grid_l_per_kwh"),
    )
    return tuple((name, str(getattr(chosen, name))) for name in kept)


# The sampler's side


def serve(*, kernel_pid: int, channel: str) -> None:
    """Be the sampler of one kernel until its session is over."""
    import gc
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
    # What is here stays: looking through it for garbage ten times a second is a tenth of our cost.
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
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
    from nbcarbon import machine
    from nbcarbon.meter.clock import SystemClock
    from nbcarbon.meter.meter import ALL_GPUS
    from nbcarbon.sampler.account import Account
    from nbcarbon.sampler.loop import Loop
    from nbcarbon.sampler.roster import Driver, Roster
    from nbcarbon.sampler.usage import usage_reader
    from nbcarbon.sensors import cgroup

    chosen = settings.load(environ).settings
    clock = SystemClock()
    visible = dict(environ)
    driver = Driver(driver_backends(chosen, clock, visible), end.wake, clock)
    roster = Roster(
        clock,
        lambda: discover_in_place(chosen, clock),
        driver=driver,
        stand_in=lambda: model_in_place(clock),
    )

    def look_at(value: str) -> None:
        if value == ALL_GPUS:
            visible.pop("CUDA_VISIBLE_DEVICES", None)
        else:
            visible["CUDA_VISIBLE_DEVICES"] = value

    return Loop(
        clock=clock,
        end=end,
        account=Account(),
        roster=roster,
        usage=usage_reader(kernel_pid, container_s=cgroup.container_cpu()),
        open_ledger=lambda started: open_ledger(started, chosen, environ, clock),
        locate=lambda wanted: locate(wanted, environ),
        parent_alive=parent_alive,
        shortest_interval_s=chosen.interval_s,
        settle=lambda given: settle(given, environ),
        pid=os.getpid(),
        mode=mode,
        look_at=look_at,
        calibrations=lambda: machine.calibrations(chosen, environ),
        baseline=lambda: machine.baseline(chosen, environ),
        hardware=hardware_of,
    )


def discover_in_place(chosen: Settings, clock: Clock) -> Discovery:
    """Every device whose counter is a file, or a model where there is none; or a recorded trace."""
    from nbcarbon.sensors.rapl import RaplBackend
    from nbcarbon.sensors.replay import ReplayBackend

    if chosen.replay:
        return ReplayBackend(Path(chosen.replay).expanduser(), clock).discover()
    return _with_models([RaplBackend(Path(chosen.powercap_root), clock)], clock)


def model_in_place(clock: Clock) -> Discovery:
    """The same where the CPU's counter turned out to be none."""
    return _with_models([], clock)


def _with_models(backends: list[SensorBackend], clock: Clock) -> Discovery:
    from nbcarbon.hardware.cpu import cpu_power, this_cpu
    from nbcarbon.sensors import modelled
    from nbcarbon.sensors.discover import discover
    from nbcarbon.sensors.memory import MemoryBackend

    power = cpu_power(this_cpu())
    within = modelled.DEVICE_ID if power.whole_server else None
    return discover(
        backends,
        cpu_fallback=modelled.ModelledCpuBackend(power, clock),
        memory=MemoryBackend(clock, within=within),
    )


def driver_backends(
    chosen: Settings, clock: Clock, environ: Mapping[str, str]
) -> list[SensorBackend]:
    """Whatever stands behind a driver, which may hang: asked on a thread of its own."""
    from nbcarbon.sensors.nvml import NvmlBackend

    return [] if chosen.replay else [NvmlBackend(clock, environ)]


def discover_everything(chosen: Settings, environ: Mapping[str, str]) -> list[Discovery]:
    """All devices, for an examination: waits for drivers."""
    from nbcarbon.meter.clock import SystemClock

    clock = SystemClock()
    backends = driver_backends(chosen, clock, environ)
    return [discover_in_place(chosen, clock), *(each.discover() for each in backends)]


def settle(given: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """What `auto` means on this machine, for settings other than the zone."""
    from nbcarbon.hardware.sharing import why_shared
    from nbcarbon.sensors.cgroup import read_limits

    if given.get("attribution") != "auto":
        return {}
    threads = read_limits().thread_count
    limited = threads is not None and threads < (os.cpu_count() or 1)
    return {"attribution": "share" if why_shared(environ, limited=limited) else "machine"}


def locate(
    wanted: str, environ: Mapping[str, str]
) -> tuple[Zone, Intensity, Iterable[tuple[str, str]]]:
    """The zone of this machine, its intensity, and notices as (key, sentence). No network."""
    from nbcarbon.grid.locate import locate

    return locate(wanted, environ)


def hardware_of(devices: Iterable[Device], given: Mapping[str, str]) -> HardwareLearned:
    """What making a machine with these devices emitted, by a session's settings. Raises nothing."""
    from nbcarbon.core.events import HardwareLearned
    from nbcarbon.hardware import chassis

    assumed = chassis.Assumed.of(given)
    found = chassis.this_chassis()
    try:
        return HardwareLearned(*chassis.hardware_of(found, devices, assumed))
    except SettingError:  # which the doctor says
        return HardwareLearned(*chassis.hardware_of(found, devices, chassis.Assumed()))


def checked_hardware(text: str) -> str:
    """What hardware can be set to. Raises SettingError."""
    from nbcarbon.hardware import chassis

    return chassis.checked(text)


def checked_zone(text: str) -> str:
    """The id of a zone, or `auto`. Raises UnknownZoneError."""
    from nbcarbon.grid.zones import load_zones

    return "auto" if text.strip().casefold() == "auto" else load_zones().resolve(text).id or ""


def checked_rule(text: str) -> str:
    """A rule of attribution. Raises SettingError."""
    if text not in ("machine", "share"):
        raise SettingError(f"attribution cannot be {text[:40]!r}.", hint="Use machine or share.")
    return text


def open_ledger(
    started: SessionStarted, chosen: Settings, environ: Mapping[str, str], clock: Clock
) -> tuple[Ledger, Past]:
    """The session's file, new or taken up from a sampler before this one. Raises nothing."""
    from nbcarbon.ledger.opening import open_session
    from nbcarbon.recorded import sessions_folder

    asked = environ.get(LEDGER_VARIABLE, "")
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    folders = [sessions_folder(chosen, environ)]
    if runtime:
        folders.append(Path(runtime) / "nbcarbon")
    return open_session(
        started,
        folders=folders,
        path=Path(asked) if asked else None,
        clock=clock,
        keep_days=chosen.keep_days,
    )
