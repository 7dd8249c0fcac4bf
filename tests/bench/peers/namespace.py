"""A private view of this machine for unmodified peers: fake counters, and no way out of it.

The whole comparison runs in a mount namespace of its own, where a stand-in tree lies over
/sys/class/powercap, and in a network namespace of its own that has nothing but loopback: whatever a
peer asks, no request leaves this machine. Both end with the bench; nothing outside changes.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

INSIDE = "NBCARBON_BENCH_INSIDE"
WAYS = (("-mn",), ("-Urmn",))
"""As root, and with a user namespace where everybody may have one."""
NEEDED = (
    "The comparison with the peers needs a private mount and network namespace: run it as root on "
    "Linux, or where user namespaces are allowed (`unshare -Urmn true` succeeds)."
)
POWERCAP = Path("/sys/class/powercap")
POWERCAP_TWIN = Path("/sys/devices/virtual/powercap")
RESOLVER = Path("/etc/resolv.conf")
SWITCH = Path("/etc/nsswitch.conf")
RESOLVING_DAEMONS = (Path("/run/systemd/resolve"), Path("/run/nscd"))
"""They would answer through a socket, past the name server that the bench sets."""
METADATA = "169.254.169.254"
"""Where clouds answer what a machine is: here it is this machine, so that it can be silent."""

SIOCSIFADDR, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8916, 0x8913, 0x8914
IFF_UP = 0x1


def way() -> list[str] | None:
    """The command that begins such a namespace, None where nothing may."""
    for flags in WAYS:
        command = ["unshare", *flags]
        try:
            works = subprocess.run([*command, "true"], capture_output=True, check=False)
        except FileNotFoundError:
            return None
        if works.returncode == 0:
            return command
    return None


def enter(module: str, arguments: list[str]) -> str:
    """Start this module again inside. Returns only where that cannot be: why."""
    command = way()
    if command is not None:
        os.environ[INSIDE] = "1"
        os.execvp(command[0], [*command, sys.executable, "-m", module, *arguments])
    return NEEDED


def is_inside() -> bool:
    return os.environ.get(INSIDE) == "1"


def prepare() -> None:
    """Once inside: loopback is up, there is a place for a powercap tree, and names come from files."""
    _loopback()
    if not POWERCAP.exists():
        _make_room(POWERCAP)
    if SWITCH.exists():
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as switch:
            switch.write("passwd: files\ngroup: files\nhosts: files dns\n")
            switch.flush()
            _mount("--bind", switch.name, SWITCH)
    for daemon in RESOLVING_DAEMONS:
        if daemon.is_dir():
            _mount("-t", "tmpfs", "tmpfs", daemon)


def command(arguments: list[str], *, powercap: Path, resolver: Path) -> list[str]:
    """A command that sees this powercap tree and this resolv.conf, and shares all the rest."""
    targets = [(powercap, POWERCAP)]
    if POWERCAP_TWIN.is_dir():
        targets.append((powercap, POWERCAP_TWIN))
    if RESOLVER.exists():
        targets.append((resolver, RESOLVER.resolve()))
    mounts = [f"mount --bind '{source}' '{target}' &&" for source, target in targets]
    return ["unshare", "-m", "sh", "-c", f'{" ".join(mounts)} exec "$@"', "sh", *arguments]


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _make_room(missing: Path) -> None:
    """An empty folder where sysfs lets nobody make one: its parent's entries, bound over a tmpfs."""
    aside = Path(tempfile.mkdtemp(prefix="nbcarbon-bench-"))
    _mount("--rbind", missing.parent, aside)
    _mount("-t", "tmpfs", "tmpfs", missing.parent)
    for entry in aside.iterdir():
        beside = missing.parent / entry.name
        if entry.is_dir():
            beside.mkdir()
            _mount("--rbind", entry, beside)
    missing.mkdir()
    subprocess.run(["umount", "--lazy", str(aside)], check=True)
    aside.rmdir()


def _loopback() -> None:
    """Bring it up, with a second address under which a cloud's metadata would be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        name = b"lo".ljust(16, b"\0")
        answer = fcntl.ioctl(line, SIOCGIFFLAGS, name + bytes(24))
        (flags,) = struct.unpack_from("H", answer, 16)
        fcntl.ioctl(line, SIOCSIFFLAGS, name + struct.pack("H22x", flags | IFF_UP))
        address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(METADATA))
        fcntl.ioctl(line, SIOCSIFADDR, b"lo:1".ljust(16, b"\0") + address + bytes(8))
