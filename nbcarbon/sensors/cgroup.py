"""What this container may use, and the CPU time it used: control groups of Linux, version 1 and 2.

Inside a container /proc/stat and /proc/meminfo are the host's. The limits that matter may stand on
any level above our own group, so every visible level is read and the tightest one counts. This
module reads and never decides: what a limit means for a figure is the caller's to say.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbcarbon.core.units import S_PER_NS, S_PER_US

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROC = Path("/proc")
COARSE_CLOCK = 6
"""CLOCK_MONOTONIC_COARSE of Linux: its resolution is the kernel's tick."""
LONGEST_TICK_S = 0.01


@dataclass(frozen=True, slots=True)
class Limits:
    """What our control group allows. None: no limit, or none that can be seen.

    `thread_count` is hardware threads, a fraction where a quota says so; in a container whose set of
    CPUs is the whole machine's, it is as many as the machine has. `usage` is the file that holds the CPU time of all that
    the limit covers, or of our own group where there is no limit.
    """

    thread_count: float | None = None
    memory_bytes: int | None = None
    usage: Path | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """Our group of one controller: the folders from it up to the topmost one that is visible."""

    top: Path
    own: Path
    version: int

    def levels(self) -> Iterator[Path]:
        folder = self.own
        while True:
            yield folder
            if folder == self.top:
                return
            folder = folder.parent

    @property
    def top_is_machine(self) -> bool:
        """Whether the topmost folder is the machine's root group, not a container's."""
        if self.version == 2:
            return self.top.is_dir() and not (self.top / "cgroup.type").exists()
        return (self.top / "release_agent").exists()


def read_limits(proc: Path = PROC) -> Limits:
    """The tightest limits above this process. Raises nothing: what cannot be read is no limit."""
    groups = _groups(proc)
    usage_group = groups.get("cpuacct") or groups.get("")
    limited = [each for each in (_quota(groups), _cpuset(groups)) if each is not None]
    threads, below_top = min(limited, default=(None, None), key=lambda each: each[0])
    usage = None
    if usage_group is not None:
        places = [usage_group.own]
        if below_top is not None:
            places.insert(0, usage_group.top / below_top)
        usage = next((found for each in places if (found := _usage_file(each))), None)
    return Limits(threads, _memory(groups), usage)


def machine_usage(proc: Path = PROC) -> Path | None:
    """The file with the CPU time of the whole machine, where its root group can be seen.

    It is finer than /proc/stat, which counts in hundredths of a second, and cheaper to read.
    """
    groups = _groups(proc)
    for name in ("cpuacct", ""):
        group = groups.get(name)
        if group is not None and group.top_is_machine:
            found = _usage_file(group.top)
            if found is not None:
                return found
    return None


class CpuUsage:
    """CPU seconds so far from one of those files, through a kept descriptor."""

    def __init__(self, path: Path) -> None:
        self._in_stat = path.name == "cpu.stat"
        self.resolution_s = tick_s()
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read_s(self) -> float:
        """Raises OSError or ValueError."""
        text = os.pread(self._fd, 64, 0)
        if self._in_stat:
            return int(text.split(None, 2)[1]) * S_PER_US  # its first line is `usage_usec N`
        return int(text) * S_PER_NS

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def container_cpu(proc: Path = PROC) -> Callable[[], float | None]:
    """A reader of this container's CPU seconds so far; it gives None where they cannot be read."""
    path = read_limits(proc).usage
    try:
        usage = CpuUsage(path) if path is not None else None
    except OSError:
        usage = None

    def read() -> float | None:
        try:
            return usage.read_s() if usage is not None else None
        except (OSError, ValueError):
            return None

    return read


def tick_s() -> float:
    """How long a running thread's CPU time may stand still: the kernel's tick, 1 to 10 ms."""
    import time

    try:
        return min(LONGEST_TICK_S, time.clock_getres(COARSE_CLOCK))
    except (OSError, AttributeError):
        return LONGEST_TICK_S


def text_of(path: Path) -> str:
    """What a small kernel file says, empty where it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _groups(proc: Path) -> dict[str, _Group]:
    """Our group of each controller by name; version 2 has one for all, under the empty name."""
    mounts = _mounts(proc)
    found: dict[str, _Group] = {}
    for line in text_of(proc / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for name in controllers.split(",") if number != "0" else ("",):
            if name in mounts:
                root, top = mounts[name]
                found[name] = _Group(top, _below(top, root, path), 1 if name else 2)
    return found


def _mounts(proc: Path) -> dict[str, tuple[str, Path]]:
    """(root within the hierarchy, where it is mounted) by controller."""
    found: dict[str, tuple[str, Path]] = {}
    for line in text_of(proc / "self" / "mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) < 5 or len(kind) < 3 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        place = (_unescaped(fields[3]), Path(_unescaped(fields[4])))
        for name in kind[2].split(",") if kind[0] == "cgroup" else ("",):
            found.setdefault(name, place)
    return found


def _unescaped(text: str) -> str:
    """mountinfo writes blanks and backslashes as three octal digits."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _below(top: Path, root: str, path: str) -> Path:
    """The folder of a group: its path as the kernel tells it, seen from where it is mounted."""
    root = root.rstrip("/")
    if ".." in path or not (path == root or path.startswith(root + "/")):
        return top
    own = top / path[len(root) :].lstrip("/")
    return own if own.is_dir() else top


def _quota(groups: dict[str, _Group]) -> tuple[float, str] | None:
    """(threads, group) of the tightest quota of CPU time."""
    group = groups.get("cpu") or groups.get("")
    found = []
    for folder in group.levels() if group is not None else ():
        quota, period = (
            [text_of(folder / "cpu.cfs_quota_us"), text_of(folder / "cpu.cfs_period_us")]
            if group is not None and group.version == 1
            else [*text_of(folder / "cpu.max").split(), "", ""][:2]
        )
        if quota.isdigit() and period.isdigit() and int(period) > 0 and group is not None:
            found.append((int(quota) / int(period), str(folder.relative_to(group.top))))
    return min(found, default=None, key=lambda each: each[0])


def _cpuset(groups: dict[str, _Group]) -> tuple[float, str] | None:
    """(threads, group) of our set of CPUs; the group is the topmost one that has the same."""
    group = groups.get("cpuset") or groups.get("")
    found: tuple[float, str] | None = None
    for folder in group.levels() if group is not None else ():
        text = text_of(folder / "cpuset.cpus.effective") or text_of(
            folder / "cpuset.effective_cpus"
        )
        count = _cpu_count(text)
        if group is None or not count or (found is not None and count != found[0]):
            break
        found = (count, str(folder.relative_to(group.top)))
        if folder == group.top and group.top_is_machine:
            return None  # the same set as the whole machine: no limit
    return found


def _cpu_count(text: str) -> float:
    """How many CPUs a list such as `0-3,8` names; 0 where it is none."""
    count = 0
    for part in text.split(",") if text else ():
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            return 0.0
        count += int(last or first) - int(first) + 1
    return float(count)


def _memory(groups: dict[str, _Group]) -> int | None:
    group = groups.get("memory") or groups.get("")
    if group is None:
        return None
    name = "memory.limit_in_bytes" if group.version == 1 else "memory.max"
    found = [text_of(folder / name) for folder in group.levels()]
    return min((int(each) for each in found if each.isdigit()), default=None)


def _usage_file(folder: Path) -> Path | None:
    for name in ("cpuacct.usage", "cpu.stat"):
        path = folder / name
        if text_of(path).removeprefix("usage_usec ")[:1].isdigit():
            return path
    return None
