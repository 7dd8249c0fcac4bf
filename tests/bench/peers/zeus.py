"""Zeus: a window around each cell; its monitor of power where a rate is asked for."""

from __future__ import annotations

import multiprocessing
import os
import signal


class Tool:
    distribution = "zeus"

    def __init__(self):
        self.monitor = None
        self.power = None
        self.cells = []

    def load(self):
        from zeus.monitor import PowerMonitor, ZeusMonitor

        self.make, self.make_power = ZeusMonitor, PowerMonitor

    def start(self):
        if self.monitor is None:
            self.monitor = self.make()
        self.monitor.begin_window("cell", sync_execution=False)

    def stop(self):
        found = self.monitor.end_window("cell", sync_execution=False)
        parts = {"cpu": found.cpu_energy, "dram": found.dram_energy, "gpu": found.gpu_energy}
        self.cells.append({name: sum(each.values()) for name, each in parts.items() if each})

    def figures(self):
        return self.cells

    def sample(self, rate_hz):
        """RAPL is read at both ends of a window alone, and looked at once a second for its wrap."""
        self.start()
        if self.monitor.gpu_indices:
            self.power = self.make_power(update_period=1 / rate_hz)

    def again(self):
        pass

    def look(self):
        if self.power is not None:
            self.power.get_power()

    def on(self):
        self._signal(signal.SIGCONT)

    def off(self):
        self._signal(signal.SIGSTOP)

    @staticmethod
    def _signal(number):
        """All that it does by itself, it does in processes of its own."""
        for each in multiprocessing.active_children():
            os.kill(each.pid, number)
