"""What a bad network does to a start and a stop (G5, like for like).

All of it happens on loopback, in a network namespace that has nothing else: a name server that never
answers is a socket that nobody reads, a server that never answers accepts and says nothing.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.bench.hardware import USUAL, Hardware
from tests.bench.peers import namespace
from tests.bench.peers.tool import Tool, ToolFailed
from tests.bench.tables import ONLINE, Line, Table, median_or_why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.peers.tool import Site
    from tests.bench.plan import Plan

HERE = "127.0.0.1"
WEB_PORTS = (80, 443)
SLOW_S = 5.0
"""A tool that waited this long once is not asked again: it waits for a time-out, always the same."""
LONGEST_S = 120.0

TYPE_A = 1
REFUSED = 5


@contextmanager
def deaf() -> Iterator[None]:
    """A name server that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HERE, 53))
        yield


@contextmanager
def silent() -> Iterator[None]:
    """Every name is this machine's, where every web server accepts and then says nothing."""
    with ExitStack() as stack:
        names = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        names.bind((HERE, 53))
        ended = threading.Event()
        answering = threading.Thread(target=_answer_names, args=(names, ended))
        answering.start()
        stack.callback(answering.join)
        stack.callback(ended.set)
        for address in (HERE, namespace.METADATA):
            for port in WEB_PORTS:
                server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.bind((address, port))
                server.listen(128)  # the kernel accepts; nobody ever reads
        yield


NETWORKS = {
    "deaf": (deaf, "a name server that never answers"),
    "silent": (silent, "servers that never answer"),
}


def table(folder: Path, plan: Plan, tell: Callable[[str], None]) -> Table:
    online = "codecarbon" in plan.peers and not plan.quick
    tools = (*plan.peers, ONLINE) if online else plan.peers
    found = Table("A bad network", TEXT.format(runs=plan.network_runs), tools=tools)
    with Hardware(USUAL, folder) as hardware:
        site = replace(hardware.site, name_server=True)
        for key, (network, label) in list(NETWORKS.items())[: 1 if plan.quick else None]:
            tell(f"network: {label}")
            with network():
                waited = _all_tools(tools, site, plan)
            for part in ("start", "stop"):
                values = {
                    tool: median_or_why(each[part] for each in runs)
                    for tool, runs in waited.items()
                }
                line = Line(
                    f"{key} {part}", f"{label}: first cell, {SPOKEN[part]}", "s", values, 1e-3
                )
                found.lines.append(line)
    return found


SPOKEN = {"start": "before the user's code", "stop": "after it"}


def _all_tools(
    tools: tuple[str, ...], site: Site, plan: Plan
) -> dict[str, list[dict[str, float | str]]]:
    """Several runs of each in turn; those that wait for a time-out wait side by side."""
    waited: dict[str, list[dict[str, float | str]]] = {each: [] for each in tools}
    first = [threading.Thread(target=lambda t=t: waited[t].append(once(t, site))) for t in tools]  # type: ignore[misc]
    for each in first:
        each.start()
    for each in first:
        each.join()
    quick = [t for t in tools if all(_waits_little(each) for each in waited[t][0].values())]
    for tool in quick:  # their first run was beside the others': it does not count
        waited[tool] = []
    for _ in range(plan.network_runs):
        for tool in quick:
            waited[tool].append(once(tool, site))
    return waited


def _waits_little(value: float | str) -> bool:
    return isinstance(value, float) and value < SLOW_S


def once(name: str, site: Site) -> dict[str, float | str]:
    """A fresh process, and its first cell."""
    options: dict[str, Any] = {"online": True} if name == ONLINE else {}
    found: dict[str, float | str] = {}
    try:
        with Tool(name.removesuffix("-online"), site, options=options) as tool:
            tool.ask("load", timeout_s=LONGEST_S)
            found["start"] = tool.ask("start", timeout_s=LONGEST_S)["wall_s"]
            time.sleep(0.1)
            found["stop"] = tool.ask("stop", timeout_s=LONGEST_S)["wall_s"]
    except ToolFailed as error:
        for part in SPOKEN:
            found.setdefault(part, str(error))
    return found


def _answer_names(server: socket.socket, ended: threading.Event) -> None:
    """A name server that knows every name."""
    server.settimeout(0.1)
    while not ended.is_set():
        try:
            question, asker = server.recvfrom(512)
            server.sendto(_answer(question), asker)
        except TimeoutError:
            continue


def _answer(question: bytes) -> bytes:
    """This machine for an IPv4 address, nothing for all else."""
    number = question[:2]
    end = question.index(b"\0", 12) + 5
    (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
    count = int(kind == TYPE_A)
    head = number + struct.pack("!HHHHH", 0x8180, 1, count, 0, 0)
    record = struct.pack("!HHHIH4s", 0xC00C, TYPE_A, 1, 60, 4, socket.inet_aton(HERE))
    return head + question[12:end] + record * count


TEXT = """\
As the first cell of the table above, which had no network at all. CodeCarbon is offline as everywhere else here, and in the last column as it
is by default. Tools that wait for more than five seconds ran once, the others {runs} times."""
