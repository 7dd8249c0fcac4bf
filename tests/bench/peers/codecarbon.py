"""CodeCarbon: a task around each cell; a tracker that is started where a rate is asked for."""

from __future__ import annotations

J_PER_KWH = 3.6e6


class Tool:
    distribution = "codecarbon"

    def __init__(self, online=False):
        self.online = online
        self.tracker = None
        self.running = None
        self.rate_hz = 10.0
        self.cells = []

    def load(self):
        from codecarbon import EmissionsTracker, OfflineEmissionsTracker

        self.make = EmissionsTracker if self.online else OfflineEmissionsTracker

    def _new(self, **options):
        if not self.online:
            options["country_iso_code"] = "FRA"
        return self.make(log_level="critical", **options)

    def start(self):
        if self.tracker is None:
            self.tracker = self._new()
        self.tracker.start_task()

    def stop(self):
        found = self.tracker.stop_task()
        self.cells.append(
            {"cpu": found.cpu_energy * J_PER_KWH, "gpu": found.gpu_energy * J_PER_KWH}
        )

    def figures(self):
        return self.cells

    def sample(self, rate_hz):
        self.rate_hz = rate_hz
        self.on()

    def again(self):
        pass

    def look(self):
        pass

    def on(self):
        if self.running is None:
            self.running = self._new(measure_power_secs=1 / self.rate_hz)
            self.running.start()

    def off(self):
        if self.running is not None:
            self.running.stop()
            self.running = None
