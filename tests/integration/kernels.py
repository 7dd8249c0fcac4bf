"""A real Jupyter kernel of this environment, spoken to as a front end speaks to it."""

from __future__ import annotations

import os
import queue
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

from nbcarbon import recorded
from nbcarbon.core.session import Session
from nbcarbon.ledger.reader import LedgerReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from nbcarbon.core.events import Event

TIMEOUT_S = 30.0


SETTLED_S = 0.15
"""Nothing new for so long: the sampler has said all."""


@dataclass
class Reply:
    """What one request led to."""

    status: str
    ename: str = ""
    evalue: str = ""
    text: str = ""
    paged: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    displays: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cards(self) -> list[str]:
        """The plain text of each card of this cell, as it stands at last."""
        by_id = {
            each["transient"]["display_id"]: each["data"]["text/plain"]
            for each in self.displays
            if "display_id" in each.get("transient", {})
        }
        for each in self.updates:  # some may be of a cell before
            if each["transient"]["display_id"] in by_id:
                by_id[each["transient"]["display_id"]] = each["data"]["text/plain"]
        return list(by_id.values())


class Kernel:
    """One kernel and its session's ledger."""

    def __init__(self, manager: KernelManager, client: Any, ledger: Path) -> None:
        self.manager = manager
        self.client = client
        self.ledger = ledger

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def send(self, code: str, *, cell_id: str | None = None, **content: Any) -> str:
        """Ask for an execution. Returns its message id."""
        body = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
            **content,
        }
        metadata = {} if cell_id is None else {"cellId": cell_id}
        message = self.client.session.msg("execute_request", body, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def wait(self, message_id: str, *, timeout_s: float = TIMEOUT_S) -> Reply:
        """Everything a request led to, once it is over."""
        reply = Reply("")
        deadline_s = time.monotonic() + timeout_s
        idle = False
        while not (idle and reply.status):
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"no end of {message_id}: {reply}")
            try:
                message = self.client.get_iopub_msg(timeout=0.05 if not idle else 0.001)
                idle |= self._take(message, message_id, reply)
            except queue.Empty:
                pass
            try:
                message = self.client.get_shell_msg(timeout=0)
                if message["parent_header"].get("msg_id") == message_id:
                    content = message["content"]
                    reply.status = content["status"]
                    reply.ename = content.get("ename", "")
                    reply.evalue = content.get("evalue", "")
                    reply.paged = "".join(
                        each.get("data", {}).get("text/plain", "")
                        for each in content.get("payload", ())
                    )
            except queue.Empty:
                pass
        return reply

    @staticmethod
    def _take(message: dict[str, Any], message_id: str, reply: Reply) -> bool:
        content, kind = message["content"], message["msg_type"]
        if kind == "update_display_data":
            reply.updates.append(content)
        if message["parent_header"].get("msg_id") != message_id:
            return False
        if kind == "stream":
            reply.text += content["text"]
        elif kind == "error":
            reply.errors.append(content)
        elif kind == "execute_result":
            reply.results.append(content)
        elif kind == "display_data":
            reply.displays.append(content)
        return kind == "status" and content["execution_state"] == "idle"

    def run(self, code: str, *, cell_id: str | None = None, **content: Any) -> Reply:
        return self.wait(self.send(code, cell_id=cell_id, **content))

    def run_to_card(self, code: str, timeout_s: float = 5.0) -> Reply:
        """Run a cell, and wait until its card has its figures: it may be replaced after its end."""
        reply = self.run(code)
        deadline_s = time.monotonic() + timeout_s
        while any("waiting" in each for each in reply.cards) and time.monotonic() < deadline_s:
            try:
                message = self.client.get_iopub_msg(timeout=0.1)
            except queue.Empty:
                continue
            if message["msg_type"] == "update_display_data":
                reply.updates.append(message["content"])
        return reply

    def events(self) -> list[Event]:
        return LedgerReader(self.ledger).read()

    def session(self) -> Session:
        """What the ledger says now."""
        return Session(self.events())

    def cells(self, count: int, timeout_s: float = 10.0) -> list[Any]:
        """The first reports of outermost cells, once there are that many; all of them for a count of 0.

        The sampler has a moment to say what it knows: until then the last cell's may be missing.
        """
        followed = recorded.FollowedSession(self.ledger)
        deadline_s = time.monotonic() + timeout_s
        known, since_s = -1, 0.0
        while True:
            session = followed.update()
            figures = session.figures().cells
            if len(figures) != known:
                known, since_s = len(figures), time.monotonic()
            settled = not session.open and time.monotonic() - since_s > SETTLED_S
            if (count and known >= count) or (not count and settled):
                return list(figures)
            if time.monotonic() > deadline_s:
                return list(figures)
            time.sleep(0.01)

    def ended(self, timeout_s: float = 5.0) -> Session:
        """The session once its sampler has ended."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            session = self.session()
            if session.ended is not None:
                return session
            time.sleep(0.01)
        raise TimeoutError("the session has no end")


def wait_for(done: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    """Whether something becomes so within the time given."""
    deadline_s = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


@contextmanager
def kernel(
    folder: Path, *, environ: Mapping[str, str] | None = None, load: bool = True
) -> Iterator[Kernel]:
    """A fresh kernel, with nbcarbon loaded by its command line as `nbcarbon run` does."""
    ledger = folder / "session.ledger"
    manager = KernelManager(kernel_name="python3")
    arguments = ["--log-level=ERROR"]
    if load:
        arguments.append("--IPKernelApp.extra_extensions=nbcarbon")
    environment = {
        **os.environ,
        "NBCARBON_LEDGER": str(ledger),
        "NBCARBON_ZONE": "FR",
        # A shell that pytest started must not think a person looks at it.
        "TERM": "dumb",
        **(environ or {}),
    }
    manager.start_kernel(extra_arguments=arguments, env=environment, cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT_S)
        yield Kernel(manager, client, ledger)
    finally:
        client.stop_channels()
        if manager.is_alive():
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
