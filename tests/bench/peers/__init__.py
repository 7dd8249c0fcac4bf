"""The peers, unmodified, each in an environment of its own, and how the bench talks to them.

`driver.py` and one small file per tool run in the tool's own environment and import nothing of ours;
`tool.py` is the bench's end of the line, `namespace.py` the private view of the machine they get.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
CHECKOUT = FOLDER.parents[2]
ENVIRONMENTS = CHECKOUT / ".venv-bench"


@dataclass(frozen=True)
class Peer:
    """A tool that measures: its file here, the version that is compared, and how it is used."""

    name: str
    requirement: str
    label: str
    usage: str

    @property
    def python(self) -> Path:
        """The interpreter of its own environment; nbcarbon's is this one."""
        if self.name == OURS:
            return Path(sys.executable)
        return ENVIRONMENTS / self.name / "bin" / "python"


OURS = "nbcarbon"
PEERS = {
    each.name: each
    for each in (
        Peer(OURS, "", "nbcarbon", "`nbcarbon.measure()` around each cell"),
        Peer(
            "codecarbon",
            "codecarbon==3.3.2",
            "CodeCarbon",
            "`OfflineEmissionsTracker`, `start_task()` and `stop_task()` around each cell; at a rate: "
            "`start()` with `measure_power_secs`",
        ),
        Peer(
            "zeus",
            "zeus==0.16.0",
            "Zeus",
            "`ZeusMonitor`, `begin_window()` and `end_window()` around each cell with "
            "`sync_execution=False` (there is no torch here to wait for); at a rate: `PowerMonitor` "
            "with `update_period`",
        ),
        Peer(
            "carbontracker",
            "carbontracker==2.4.7",
            "carbontracker",
            "`CarbonTracker`, `epoch_start()` and `epoch_end()` around each cell, joules of each epoch "
            "asked for when all are over; at a rate: `update_interval`",
        ),
    )
}
