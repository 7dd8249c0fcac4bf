"""The comm that a page listens to: of a fixed id, and never opened (docs/wire.md).

A `comm_open` would make front ends without our extension complain of an unknown target. A page knows
the id, and hears the next message even where it was loaded in the middle of a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMM_ID: Final = "nbcarbon.v1"
TARGET: Final = "nbcarbon"


class PageComm:
    """Our end of it. `received` gets what a page says, on whichever thread the kernel chooses."""

    def __init__(self, received: Callable[[Any, PageComm], None]) -> None:
        import comm

        self._received = received
        self._manager = comm.get_comm_manager()
        self._comm = comm.create_comm(target_name=TARGET, comm_id=COMM_ID, primary=False)
        self._comm.on_msg(self._on_message)
        self._manager.register_comm(self._comm)

    def send(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        self._comm.send(message, buffers=list(buffers))

    def close(self) -> None:
        """Forget it. Nothing is sent: nobody opened it."""
        if self._manager.comms.get(COMM_ID) is self._comm:
            del self._manager.comms[COMM_ID]

    def _on_message(self, message: dict[str, Any]) -> None:
        self._received(message["content"]["data"], self)
