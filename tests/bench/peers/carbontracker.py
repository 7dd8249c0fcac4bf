"""carbontracker: an epoch for each cell of one tracker."""

from __future__ import annotations

J_PER_KWH = 3.6e6
MOST_CELLS = 100_000


class Tool:
    distribution = "carbontracker"

    def __init__(self):
        self.tracker = None
        self.running = False

    def load(self):
        from carbontracker.tracker import CarbonTracker

        self.make = CarbonTracker

    def start(self, **options):
        if self.tracker is None:
            self.tracker = self.make(epochs=MOST_CELLS, epochs_before_pred=0, verbose=0, **options)
        self.tracker.epoch_start()

    def stop(self):
        self.tracker.epoch_end()

    def figures(self):
        """As its own sum of all epochs is made, without the PUE of 1.58 that it multiplies by."""
        thread = self.tracker.tracker
        found = [{} for _ in thread.epoch_times]
        for component in thread.components:
            energies_kwh = component.energy_usage(thread.epoch_times)
            for cell, energy_kwh in zip(found, energies_kwh, strict=True):
                cell[component.name] = float(energy_kwh) * J_PER_KWH
        return found

    def sample(self, rate_hz):
        self.start(update_interval=1 / rate_hz)
        self.running = True

    def again(self):
        pass

    def look(self):
        pass

    def on(self):
        if not self.running:
            self.tracker.epoch_start()
            self.running = True

    def off(self):
        if self.running:
            self.tracker.epoch_end()
            self.running = False
