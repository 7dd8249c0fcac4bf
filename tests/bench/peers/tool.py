"""The bench's end of the line to a tool that runs in its own environment."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from tests.bench.peers import FOLDER, OURS, PEERS, namespace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

TIMEOUT_S = 90.0


class ToolFailed(Exception):
    """A tool could not do what it was told: its own words."""


@dataclass(frozen=True)
class Site:
    """Where a tool runs: what it sees of the machine, and a folder of its own to write to."""

    folder: Path
    powercap: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    name_server: bool = False

    def command(self, arguments: list[str]) -> list[str]:
        """Inside the bench's namespace the tree lies where the kernel has it."""
        if not namespace.is_inside():
            return arguments
        empty = self.folder / "no-powercap"
        empty.mkdir(exist_ok=True)
        resolver = self.folder / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n" if self.name_server else "# no name server\n")
        return namespace.command(arguments, powercap=self.powercap or empty, resolver=resolver)

    def environment(self, home: Path, peer: str, extra: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the person's who runs the bench, so that a result is the same elsewhere."""
        own = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        if peer == OURS:
            own["NBCARBON_ZONE"] = "FR"
            if self.powercap is not None and not namespace.is_inside():
                own["NBCARBON_POWERCAP_ROOT"] = str(self.powercap)
        return {**own, **self.environ, **extra}


class Tool:
    """One running tool. Use it as a context manager."""

    def __init__(
        self,
        peer: str,
        site: Site,
        *,
        options: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.peer = peer
        self.site = site
        home = site.folder / f"{peer}-{time.monotonic_ns()}"
        home.mkdir(parents=True)
        self._errors = home / "stderr"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                site.command(
                    [
                        str(PEERS[peer].python), "-P", str(FOLDER / "driver.py"), peer,
                        json.dumps(options or {}),
                    ]
                ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                cwd=home,
                env=site.environment(home, peer, environ or {}),
                start_new_session=True,
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._say, self._hear = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._hear, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, do: str, *, timeout_s: float = TIMEOUT_S, **arguments: Any) -> Any:
        """What the tool answers. Raises ToolFailed with its own error."""
        self.tell(do, **arguments)
        return self.answer(timeout_s=timeout_s)

    def tell(self, do: str, **arguments: Any) -> None:
        """Ask, and do not wait: `answer` does."""
        try:
            self._say.write(f"{json.dumps({'do': do, **arguments})}\n")
        except BrokenPipeError:
            raise ToolFailed(self._ended()) from None

    def answer(self, *, timeout_s: float = TIMEOUT_S) -> Any:
        if not self._selector.select(timeout_s):
            raise ToolFailed(f"no answer within {timeout_s:.0f} s")
        line = self._hear.readline()
        if not line:
            raise ToolFailed(self._ended())
        found = json.loads(line)
        if "error" in found:
            raise ToolFailed(found["error"])
        return found

    def _ended(self) -> str:
        status = self._process.wait(timeout=5)
        said = [each for each in self._errors.read_text(errors="replace").splitlines() if each]
        return f"it ended with status {status}{': ' + said[-1].strip() if said else ''}"

    def processes(self) -> list[psutil.Process]:
        """The tool's own process first, then all that it started."""
        try:
            own = psutil.Process(self.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_s(self) -> dict[int, float]:
        """CPU seconds so far of each of its processes, to the nanosecond."""
        found = {}
        for each in self.processes():
            try:
                found[each.pid] = time.clock_gettime((~each.pid << 3) | 2)
            except OSError:
                continue  # it ended just now
        return found

    def memory_mb(self) -> tuple[float, float]:
        """Memory of its own in the user's process, and in the processes it started."""
        sizes = []
        for each in self.processes():
            try:
                sizes.append(each.memory_full_info().uss / 1e6)
            except psutil.Error:
                continue
        return (sizes[0], sum(sizes[1:])) if sizes else (0.0, 0.0)

    def close(self) -> None:
        """End it and all that it started. Safe to call twice."""
        if self._say.closed:
            return
        left = self.processes()
        try:
            self._say.write('{"do": "quit"}\n')
            self._say.close()
            self._process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        _, alive = psutil.wait_procs(left, timeout=1)
        for each in alive:
            each.kill()
        self._selector.close()
        self._hear.close()

    def __enter__(self) -> Tool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def used_s(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """CPU seconds between two readings, those of processes that began in between included."""
    return sum(spent_s - before.get(pid, 0.0) for pid, spent_s in after.items())
