"""All sensors of a session: read together, each failing alone.

A counter that is a file answers in a microsecond and is read in place. Whatever stands behind a
driver may hang for a minute, so one thread asks all of those: while it waits, the rest goes on. That
thread also learns when their counters move, by readings that nobody else ever sees.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbcarbon.core.device import Provenance
from nbcarbon.core.ticks import BURST_STEP_S, Ticks
from nbcarbon.core.trace import CounterReading
from nbcarbon.errors import SensorDenied, SensorError, SensorLost, SensorUnsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from nbcarbon.core.device import Device
    from nbcarbon.core.trace import Reading
    from nbcarbon.ports import Clock, Discovery, Finding, Sensor, SensorBackend

NEVER_OPENED = "never opened"
"""Stands in for the ids of devices that were lost or denied before anybody could ask for them."""

RETRY_S = (5.0, 30.0, 300.0)
"""Pauses before a lost device is looked for again; the last one repeats."""


LONGEST_FOLLOW_S = 0.3
"""Ticks further from an edge than this are not waited for."""

LONGEST_CLEAR_S = 0.02
"""Longest pause for a moment that is clear of ticks."""

LEARNING_FRACTION = 0.5
"""Of a burst's step that may be spent on reading what learns."""

MOST_TRIES = 3
"""Readings that are tried until one is clear of ticks: a call may take long."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one sensor gave: a reading, or the reason why not."""

    device_id: str
    reading: Reading | None
    error: SensorError | None = None


def behind_driver(device: Device) -> bool:
    """Whether reading this device may hang."""
    return device.provenance is Provenance.MEASURED and device.counter_file is None


class Driver:
    """The thread that talks to drivers. `ask` starts a round, `collect` takes what is there.

    `follow` has devices read again after the next ticks of their counters, which tell how the energy
    around an edge divides. Between rounds the thread reads for `Ticks` alone.
    """

    def __init__(
        self,
        backends: Sequence[SensorBackend],
        wake: Callable[[], None],
        clock: Clock | None = None,
    ) -> None:
        self._backends = backends
        self._wake = wake
        self._clock = clock
        self._changed = threading.Condition()
        self._asked = 0
        self._done = 0
        self._results: deque[Result] = deque()
        self._found: deque[Discovery] = deque()
        self._sensors: dict[str, Sensor] = {}
        self._ticks: dict[str, Ticks] = {}
        self._call_s: dict[str, float] = {}
        self._learning: set[str] = set()
        self._followed: dict[str, list[float]] = {}
        self._fractions: dict[str, float] = {}
        self._pids: tuple[int, ...] = ()
        self._rediscover = True
        self._resting = False
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="nbcarbon-driver", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, *, pids: Collection[int] = (), wait_s: float = 0.0) -> bool:
        """Have every device read once more. True if that was done within `wait_s`."""
        if not self._sensors:
            return True
        with self._changed:
            if not self._sensors:
                return True
            self._asked += 1
            wanted, self._pids = self._asked, tuple(pids)
            self._changed.notify_all()
            if wait_s <= 0:
                return False
            return self._changed.wait_for(lambda: self._done >= wanted, wait_s)

    def follow(
        self,
        edge_s: float,
        *,
        device_ids: Collection[str] | None = None,
        ticks: Iterable[int] = (1, 2),
        wait_s: float = 0.0,
    ) -> bool:
        """Have devices read after these ticks from an edge on. True if that was done in time.

        Devices of which no ticks are known are left out, and so is what would take too long.
        """
        with self._changed:
            wanted = []
            for device_id in self._ticks if device_ids is None else device_ids:
                known = self._ticks.get(device_id)
                dues_s = [] if known is None else [known.settled_s(edge_s, each) for each in ticks]
                for due_s in dues_s:
                    if due_s is not None and due_s <= edge_s + LONGEST_FOLLOW_S:
                        self._followed.setdefault(device_id, []).append(due_s)
                        wanted.append((device_id, due_s))
            self._changed.notify_all()
            if wait_s <= 0:
                return not wanted

            def done() -> bool:
                return not any(due in self._followed.get(each, ()) for each, due in wanted)

            return self._changed.wait_for(done, wait_s)

    def rest(self, resting: bool) -> None:
        """Read nothing that was not asked for, or do so again."""
        with self._changed:
            self._resting = resting
            self._changed.notify_all()

    def collect(self) -> list[Result]:
        if not self._results:
            return []
        with self._changed:
            found = list(self._results)
            self._results.clear()
            return found

    def found(self) -> list[Discovery]:
        """What was discovered since the last call."""
        if not self._found:
            return []
        with self._changed:
            found = list(self._found)
            self._found.clear()
            return found

    def fractions(self) -> dict[str, float]:
        """Our part of each device's work in the last round that asked for it."""
        with self._changed:
            return dict(self._fractions)

    def lose(self, device_id: str) -> None:
        with self._changed:
            sensor = self._sensors.pop(device_id, None)
            self._ticks.pop(device_id, None)
            self._followed.pop(device_id, None)
            self._learning.discard(device_id)
        if sensor is not None:
            sensor.close()

    def look_again(self) -> None:
        """Discover anew: a device was lost, or the visible ones changed."""
        with self._changed:
            self._rediscover = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        # A hung driver call cannot be ended: the thread is a daemon and dies with the process.
        if self._thread.is_alive():
            self._thread.join(0.2)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._is_wanted, self._pause_s())
                if self._closed:
                    break
                rediscover, self._rediscover = self._rediscover, False
                wanted, pids = self._asked, self._pids
                asked = self._done < wanted
                sensors = dict(self._sensors)
            if rediscover:
                self._discover()
            elif asked:
                self._round(sensors, pids, wanted)
            else:
                self._read_due(sensors)
        for sensor in self._sensors.values():
            sensor.close()

    def _is_wanted(self) -> bool:
        return self._closed or self._rediscover or self._done < self._asked or self._is_due()

    def _is_due(self) -> bool:
        pause_s = self._pause_s()
        return pause_s is not None and pause_s <= 0

    def _pause_s(self) -> float | None:
        """Seconds to the next reading that nobody asks for, None if there is none to come."""
        if self._clock is None:
            return None
        now_s = self._clock.monotonic_s()
        dues_s = [due_s for each in self._followed.values() for due_s in each]
        if not self._resting:
            dues_s += [
                ticks.due_s
                for device_id, ticks in self._ticks.items()
                if self._may_learn(device_id, now_s)
            ]
        return min(dues_s) - now_s if dues_s else None

    def _may_learn(self, device_id: str, now_s: float) -> bool:
        """Whether a device's ticks may be looked at now, or have to wait for others' to be learnt.

        So many at once as can be read within a part of a burst's step: more would make all of them
        coarse, where a driver takes a millisecond for each. A check goes before a burst: what is known
        grows stale, what is not known does not.
        """
        if device_id in self._learning:
            return True
        if self._ticks[device_id].beat is None and any(
            each.beat is not None and each.due_s <= now_s and not each.learning
            for each in self._ticks.values()
        ):
            return False
        busy_s = sum(self._call_s[each] for each in self._learning) + self._call_s[device_id]
        return not self._learning or busy_s <= LEARNING_FRACTION * BURST_STEP_S

    def _round(self, sensors: dict[str, Sensor], pids: tuple[int, ...], wanted: int) -> None:
        """Every device once, and whose work it was.

        Those that are clear of ticks come first, so that others' pauses pass meanwhile.
        """
        now_s = 0.0 if self._clock is None else self._clock.monotonic_s()
        ticks = dict(self._ticks)

        def clear_s(device_id: str) -> float:
            return ticks[device_id].clear_s(now_s) if device_id in ticks else now_s

        results = [self._read(sensors[each]) for each in sorted(sensors, key=clear_s)]
        fractions = {}
        if pids:
            for device_id, sensor in sensors.items():
                fraction = sensor.own_fraction(pids)
                if fraction is not None:
                    fractions[device_id] = fraction
        with self._changed:
            self._results.extend(results)
            if pids:
                self._fractions = fractions
            self._done = wanted
            self._changed.notify_all()

    def _read_due(self, sensors: dict[str, Sensor]) -> None:
        """What is to be read after a tick, for the trace; and for the ticks alone."""
        now_s = 0.0 if self._clock is None else self._clock.monotonic_s()
        for device_id, sensor in sensors.items():
            due_s = [each for each in self._followed.get(device_id, ()) if each <= now_s]
            if due_s:
                result = self._read(sensor)
                with self._changed:
                    self._results.append(result)
                    left_s = [each for each in self._followed.get(device_id, ()) if each > now_s]
                    self._followed[device_id] = left_s
                    self._changed.notify_all()
            elif self._is_curious(device_id, now_s):
                self._call(sensor)  # looked at by the ticks, and forgotten

    def _is_curious(self, device_id: str, now_s: float) -> bool:
        ticks = self._ticks.get(device_id)
        return ticks is not None and ticks.due_s <= now_s and self._may_learn(device_id, now_s)

    def _read(self, sensor: Sensor) -> Result:
        """One reading, at a moment that is clear of ticks where those are known."""
        for _ in range(MOST_TRIES):
            ticks = self._ticks.get(sensor.device.id)
            if ticks is not None and self._clock is not None:
                now_s = self._clock.monotonic_s()
                pause_s = ticks.clear_s(now_s) - now_s
                if pause_s > 0:
                    time.sleep(min(pause_s, LONGEST_CLEAR_S))
            result = self._call(sensor)
            reading = result.reading
            unsure = isinstance(reading, CounterReading) and reading.as_of_s is None
            if not unsure or ticks is None or ticks.beat is None:
                break
        return result

    def _call(self, sensor: Sensor) -> Result:
        """Ask the driver, and let the ticks learn from what it says."""
        begun_s = 0.0 if self._clock is None else self._clock.monotonic_s()
        result = _read(sensor)
        device_id = sensor.device.id
        with self._changed:
            ticks = self._ticks.get(device_id)
            if result.reading is None:
                if ticks is not None:
                    ticks.miss(begun_s)
                self._learning.discard(device_id)
                return result
            if self._clock is None or not isinstance(result.reading, CounterReading):
                return result
            if ticks is None:
                ticks = self._ticks[device_id] = Ticks(result.reading.instant_s)
            self._call_s[device_id] = result.reading.instant_s - begun_s
            may_begin = self._may_learn(device_id, result.reading.instant_s)
            reading = ticks.observe(begun_s, result.reading, may_begin=may_begin)
            if ticks.learning:
                self._learning.add(device_id)
            else:
                self._learning.discard(device_id)
            return replace(result, reading=reading)

    def _discover(self) -> None:
        for backend in self._backends:
            discovery = backend.discover()
            with self._changed:
                for sensor in discovery.sensors:
                    self._sensors[sensor.device.id] = sensor
                self._found.append(discovery)
        self._wake()


class Roster:
    """The sensors of this session, those in place and those behind the driver thread."""

    def __init__(
        self,
        clock: Clock,
        discover: Callable[[], Discovery],
        *,
        driver: Driver,
        stand_in: Callable[[], Discovery],
    ) -> None:
        self._clock = clock
        self._discover = discover
        self._model = stand_in
        self.driver = driver
        self._sensors: dict[str, Sensor] = {}
        self._lost: dict[str, tuple[float, int]] = {}
        self.lost_at_s: dict[str, float] = {}

    def start(self) -> Discovery:
        """Discover what can be read in place, and set the driver thread to find the rest."""
        discovery = self._discover()
        self._take(discovery)
        self.driver.start()
        return discovery

    def _take(self, discovery: Discovery) -> None:
        for sensor in discovery.sensors:
            before = self._sensors.get(sensor.device.id)
            if before is not None:
                before.close()
            self._sensors[sensor.device.id] = sensor

    def read(self) -> list[Result]:
        """One reading of every sensor in place."""
        return [_read(sensor) for sensor in self._sensors.values()]

    def give_up(self, device_ids: Iterable[str]) -> None:
        """Never read these again."""
        for device_id in device_ids:
            sensor = self._sensors.pop(device_id, None)
            if sensor is not None:
                sensor.close()

    def stand_in(self) -> Discovery:
        """Model the CPU, whose counter turned out to be none, and what came with it."""
        discovery = self._model()
        self._take(discovery)
        return discovery

    def failed(self, result: Result) -> str | None:
        """Note a failure. Returns a sentence for the user where the device is gone."""
        if not isinstance(result.error, (SensorLost, SensorDenied, SensorUnsupported)):
            return None
        now_s = self._clock.monotonic_s()
        tries = self._lost.get(result.device_id, (0.0, 0))[1]
        pause_s = RETRY_S[min(tries, len(RETRY_S) - 1)]
        self._lost[result.device_id] = (now_s + pause_s, tries + 1)
        self.lost_at_s.setdefault(result.device_id, now_s)
        sensor = self._sensors.pop(result.device_id, None)
        if sensor is not None:
            sensor.close()
        self.driver.lose(result.device_id)
        return str(result.error) if tries == 0 else None

    def retry(self) -> Discovery | None:
        """Look for lost devices where their time has come; what is found in place, if anything."""
        now_s = self._clock.monotonic_s()
        due = {each for each, (at_s, _) in self._lost.items() if at_s <= now_s}
        if not due:
            return None
        for device_id in due:
            tries = self._lost[device_id][1]
            pause_s = RETRY_S[min(tries, len(RETRY_S) - 1)]
            self._lost[device_id] = (now_s + pause_s, tries + 1)
        self.driver.look_again()
        discovery = self._discover()
        back = tuple(each for each in discovery.sensors if each.device.id in due)
        for sensor in discovery.sensors:
            if sensor not in back:
                sensor.close()
        found = type(discovery)(back, ())
        self._take(found)
        return found

    def look_later(self, wanted: bool) -> None:
        """Look for devices anew where some were there and could not be opened, until all can be."""
        if not wanted:
            self._lost.pop(NEVER_OPENED, None)
        elif NEVER_OPENED not in self._lost:
            self._lost[NEVER_OPENED] = (self._clock.monotonic_s() + RETRY_S[0], 1)

    def returned(self, device_id: str) -> float | None:
        """A device is here (again). Seconds it was away, None where it was not lost."""
        self._lost.pop(device_id, None)
        lost_s = self.lost_at_s.pop(device_id, None)
        return None if lost_s is None else self._clock.monotonic_s() - lost_s

    def close(self) -> None:
        self.driver.close()
        for sensor in self._sensors.values():
            sensor.close()
        self._sensors.clear()


def findings_to_notify(findings: Collection[Finding]) -> list[tuple[str, str]]:
    """The findings worth a notice in the notebook, as (key, sentence).

    What is not there at all can rarely be mended in a minute: its remedies are the doctor's to tell.
    """
    return [
        (
            f"{each.backend}:{each.text}",
            each.text if each.status == "absent" else f"{each.text} {each.hint}".strip(),
        )
        for each in findings
        if each.notify
    ]


def _read(sensor: Sensor) -> Result:
    try:
        return Result(sensor.device.id, sensor.read())
    except SensorError as error:
        return Result(sensor.device.id, None, error)
