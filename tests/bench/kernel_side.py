"""What a user's kernel pays: loading, each cell, a tight loop (G1 to G5, G7)."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

from tests.bench.rows import Row
from tests.integration.kernels import kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOAD = """
import gc as _gc, json as _json, os as _os, sys as _sys, time as _time
def _rss(): return int(open("/proc/self/statm").read().split()[1]) * _os.sysconf("SC_PAGE_SIZE")
_gc.collect()
_modules, _memory, _cpu, _wall = set(_sys.modules), _rss(), _time.process_time(), _time.perf_counter()
get_ipython().run_line_magic("load_ext", "nbcarbon")
_found = {"cpu_ms": 1e3 * (_time.process_time() - _cpu), "wall_ms": 1e3 * (_time.perf_counter() - _wall),
          "mb": (_rss() - _memory) / 1e6, "modules": len(set(_sys.modules) - _modules)}
print(_json.dumps(_found))
"""

FIRST = """
import time as _time
_t = {}
def _begin(): _t.setdefault("begin", []).append(_time.perf_counter())
def _end(result): _t.setdefault("after", []).append(_time.perf_counter())
_events = get_ipython().events
_events.callbacks["pre_execute"].insert(0, _begin)
_events.register("post_run_cell", _end)
"""

HOOKS = """
import json as _json, time as _time
from nbcarbon import app as _app
_hooks = _app.current().extension.hooks
class _Info: pass
def _cell(shown):
    info, result = _Info(), _Info()
    info.raw_cell, info.cell_id, info.store_history = "x = 1", "id", True
    result.info, result.error_before_exec, result.error_in_exec = info, None, None
    result.success, result.execution_count = True, None
    start = _time.perf_counter()
    _hooks.pre_execute(); _hooks.pre_run_cell(info)
    middle = _time.perf_counter()
    if shown:
        get_ipython().run_line_magic("carbon", "%% shown")
    begun = _time.perf_counter()
    _hooks.post_execute(); _hooks.post_run_cell(result)
    end = _time.perf_counter()
    return 1e3 * (end - begun + begun - middle + middle - start)
def _many(count, shown, pause_s):
    found = []
    for _ in range(count):
        found.append(_cell(shown))
        _time.sleep(pause_s)
    return sorted(found)
_silent, _shown = _many(1000, False, 0.002), _many(100, True, 0.01)
"""

LOOP = """
import json as _json, time as _time, os as _os, signal as _signal
from nbcarbon import app as _app
_pid = _app.current().meter.link.handle.pid
def _run(signal):
    _os.kill(_pid, signal)
    start = _time.process_time()
    n = 0
    for i in range(1_500_000): n += i
    return _time.process_time() - start
_with, _without = [], []
for _ in range(100):  # with and without in turn, ABBA: a slow change of the machine's pace cancels
    _without.append(_run(_signal.SIGSTOP)); _with.append(_run(_signal.SIGCONT))
    _with.append(_run(_signal.SIGCONT)); _without.append(_run(_signal.SIGSTOP))
_os.kill(_pid, _signal.SIGCONT)
import statistics as _statistics
print(_json.dumps({"ratio": _statistics.median(_with) / _statistics.median(_without) - 1}))
"""


def _printed(reply: Any) -> dict[str, float]:
    found: dict[str, float] = json.loads(reply.text.strip().splitlines()[-1])
    return found


def load(folder: Path) -> Iterator[Row]:
    found = []
    for number in range(7):
        below = folder / str(number)
        below.mkdir()
        with kernel(below, load=False) as running:
            found.append(_printed(running.run(LOAD)))

    def median(key: str) -> float:
        return statistics.median(each[key] for each in found)

    yield Row("G1", "%load_ext: CPU in the kernel", 15, median("cpu_ms"), "ms", "cells.load_cpu")
    yield Row("G1", "%load_ext: memory in the kernel", 4, median("mb"), "MB")


def cells(folder: Path) -> Iterator[Row]:
    before_ms, after_ms = [], []
    for number in range(5):
        below = folder / str(number)
        below.mkdir()
        with kernel(below) as running:
            running.run("x = 1")
            running.run(FIRST)
            running.run("%%carbon first\n_t['body'] = _time.perf_counter()")
            found = running.run(
                "import json as _json\nprint(_json.dumps({'before': _t['body'] - _t['begin'][-2]}))"
            )
            before_ms.append(1e3 * _printed(found)["before"])
            stopped = running.run("print(_json.dumps({'after': _t['after'][1] - _t['body']}))")
            after_ms.append(1e3 * _printed(stopped)["after"])
    what = "first %%carbon: before the user's code"
    yield Row("G2", what, 50, statistics.median(before_ms), "ms", "cells.first_start", "0")
    what = "first %%carbon: after it, card included"
    yield Row("G4", what, 20, statistics.median(after_ms), "ms", "cells.first_stop", "0")
    below = folder / "hooks"
    below.mkdir()
    with kernel(below) as running:
        running.run("%%carbon warm\n1")
        running.run(HOOKS)
        found = _printed(
            running.run(
                "print(_json.dumps({'median': _silent[500], 'p99': _silent[990], 'card': _shown[50]}))"
            )
        )
    yield Row(
        "G3", "a silent cell, before and after: median", 0.5, found["median"], "ms", "cells.both"
    )
    yield Row("G3", "a silent cell, before and after: 99th of 100", 1.0, found["p99"], "ms")
    yield Row("G3", "a cell with its card: median", 3.0, found["card"], "ms", "cells.whole")


def slowdown(folder: Path) -> Iterator[Row]:
    with kernel(folder) as running:
        found = _printed(running.run(LOOP, cell_id="loop"))
    yield Row("G7", "a GIL-bound loop is slower by", 0.5, 100 * found["ratio"], "%")


def network(folder: Path) -> Iterator[Row]:
    """Sockets that the kernel's side opens to anywhere: without any, no network can slow it down."""
    with kernel(folder, load=False) as running:
        running.run(
            "import sys\n_seen = []\n"
            "sys.addaudithook(lambda event, arguments: _seen.append(event)"
            " if event in ('socket.connect', 'socket.getaddrinfo') else None)"
        )
        running.run("%load_ext nbcarbon")
        running.run("%%carbon\n1")
        running.run("%unload_ext nbcarbon")
        found = running.run("len(_seen)").results[0]["data"]["text/plain"]
    yield Row("G5", "connections opened from load to unload", 0, float(found), "")
