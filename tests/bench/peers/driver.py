"""Runs one tool and does what it is told, one JSON line at a time: `python -P driver.py TOOL [OPTIONS]`.

It runs in the tool's own environment, so it imports the standard library alone. A tool is a file
beside this one with a class `Tool`:

    load()               import what its documentation says to import
    start(), stop()      what a user calls before and after a cell; `start` makes what is missing
    figures()            one dict of joules by component for each cell so far
    sample(rate_hz)      read at a rate from now on, as far as the tool can
    again()              called every ten seconds of that, for a tool that slows down in long cells
    on(), off()          go on and pause with that, for loops that are timed with and without
    look()               what a user asks for now and then in a long session

Every answer has what was asked for or `error`, the exception in one line. Times are CLOCK_MONOTONIC.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
import tracemalloc
from pathlib import Path

BLOCK = bytes(1 << 20)


def hold(count):
    """A loop that never lets go of the interpreter's lock."""
    total = 0
    for each in range(count):
        total += each
    return total


def release(count):
    """A loop that works without the interpreter's lock."""
    for _ in range(count):
        hashlib.sha256(BLOCK)


LOOPS = {"held": (hold, 100_000), "released": (release, 10)}


class Driver:
    """The commands; each returns what its answer holds."""

    def __init__(self, tool):
        self.tool = tool

    def load(self):
        return timed(self.tool.load)

    def start(self):
        found = timed(self.tool.start)
        return found | {"at_s": time.monotonic()}

    def stop(self):
        at_s = time.monotonic()
        return timed(self.tool.stop) | {"at_s": at_s}

    def figures(self):
        began_s = time.monotonic()
        cells = self.tool.figures()
        return {"cells": cells, "wall_s": time.monotonic() - began_s}

    def version(self):
        return {
            "version": importlib.metadata.version(self.tool.distribution),
            "python": platform.python_version(),
        }

    def sample(self, rate_hz):
        self.tool.sample(rate_hz)

    def again(self):
        self.tool.again()

    def look(self):
        self.tool.look()

    def loop(self, kind, chunk_s, count):
        """CPU and wall seconds of a loop, `count` times off, on, on, off: a slow drift cancels."""
        work, size = LOOPS[kind]
        size = calibrated(work, size, chunk_s)
        found = []
        for _ in range(count):
            for switch in (self.tool.off, self.tool.on, self.tool.on, self.tool.off):
                switch()
                spent = timed(lambda: work(size))
                found.append((spent["cpu_s"], spent["wall_s"]))
        self.tool.on()  # a process that is stopped cannot end
        return {"spent": found}

    def trace(self):
        tracemalloc.start()

    def traced(self):
        gc.collect()
        return {"bytes": tracemalloc.get_traced_memory()[0]}


def timed(call):
    cpu_s, wall_s = time.process_time(), time.monotonic()
    call()
    return {"cpu_s": time.process_time() - cpu_s, "wall_s": time.monotonic() - wall_s}


def calibrated(work, size, chunk_s):
    """How much work takes about `chunk_s`."""
    work(size)
    spent_s = min(timed(lambda: work(size))["cpu_s"] for _ in range(5))
    return max(1, round(size * chunk_s / max(spent_s, 1e-6)))


def tool_named(name, options):
    """Loaded by its path: a file called codecarbon.py must not be what `import codecarbon` finds."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"peer_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Tool(**options)


def own_channel():
    """The line to the bench. Whatever a tool reads or prints, or hands to a child, goes elsewhere."""
    hear, say = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return hear, say


def main():
    hear, say = own_channel()
    driver = Driver(tool_named(sys.argv[1], json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}")))
    for line in hear:
        question = json.loads(line)
        do = question.pop("do")
        if do == "quit":
            break
        try:
            answer = getattr(driver, do)(**question) or {}
        except (Exception, SystemExit) as error:  # noqa: BLE001 # whatever a tool raises is its answer
            text = str(error).strip().splitlines()
            answer = {"error": f"{type(error).__name__}: {text[0] if text else ''}"}
        say.write(f"{json.dumps(answer)}\n")
        say.flush()


if __name__ == "__main__":  # Zeus starts processes that import this file again
    main()
