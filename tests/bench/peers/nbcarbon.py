"""nbcarbon itself, in a plain process as the peers are: a measured block for each cell."""

from __future__ import annotations

import os
import signal


class Tool:
    distribution = "nbcarbon"

    def __init__(self):
        self.block = None
        self.cells = []

    def load(self):
        import nbcarbon

        self.make, self.session = nbcarbon.measure, nbcarbon.session

    def start(self):
        self.block = self.make("cell")
        self.block.__enter__()

    def stop(self):
        self.block.__exit__(None, None, None)

    def figures(self):
        """Asked for after every cell: a report is complete within moments of its end."""
        report = self.block.report
        cell = {"below": report.below_resolution, "coverage": report.coverage_fraction}
        for device in report.devices:
            if device.counted and device.provenance == "measured":
                before = cell.get(device.kind.value, (0.0, 0.0, 0.0))
                ends = (device.energy_j, device.low_j, device.high_j)
                cell[device.kind.value] = [a + b for a, b in zip(before, ends, strict=True)]
        self.cells.append(cell)
        return self.cells

    def sample(self, rate_hz):
        """Its rate is the setting interval_s, which the bench gives this process."""
        self.start()

    def again(self):
        self.stop()
        self.start()

    def look(self):
        """What came since is then folded, as with every card; unasked, after five hundred events."""
        self.session()

    def on(self):
        """The sampler runs, and a cell is open."""
        os.kill(self._sampler(), signal.SIGCONT)
        self.again()

    def off(self):
        os.kill(self._sampler(), signal.SIGSTOP)

    @staticmethod
    def _sampler():
        from nbcarbon import app

        return app.current().meter.link.handle.pid
