"""One example of every message, made from a session that never changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nbcarbon.core import humanize
from nbcarbon.core.baseline import Baseline, IdlePower
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.embodied import Manufactured
from nbcarbon.core.events import (
    BaselineLearned,
    BetweenMeasured,
    CellClosed,
    CellOpened,
    DevicePoint,
    DevicesFound,
    Edge,
    Event,
    HardwareLearned,
    IntensityLearned,
    Noticed,
    Sampled,
)
from nbcarbon.core.intensity import Accounting, Basis, Confidence, Intensity, Scope, Zone
from nbcarbon.core.session import Session
from nbcarbon.core.units import J_PER_WH
from nbcarbon.notebook.card import card_json
from nbcarbon.panel import view_model
from nbcarbon.panel.view_model import Context, WhatIf
from tests import samples
from tests.samples import CPU, GPU, MEMORY

START = samples.STARTED._replace(id="9f3a6c0d1e2b4875", notebook="training.ipynb", nbcarbon="1.0.0")
POLAND = WhatIf(
    Zone("PL", "Poland", "set by you", Confidence.SET),
    Intensity(
        640, 576, 704, Basis.AVERAGE, Scope.LIFECYCLE, Accounting.CONSUMPTION,
        "Electricity Maps", 2025,
    ),
)  # fmt: skip
DEVICES = (CPU, GPU, MEMORY)
IDLE_W = (12.0, 10.0, 4.0)
BUSY_W = (60.0, 240.0, 8.0)
BASELINE = Baseline(
    START.started_at,
    60.0,
    0.01,
    tuple(
        IdlePower(
            each.id,
            each.name,
            each.kind,
            each.provenance,
            power_w,
            0.95 * power_w,
            1.05 * power_w,
            0.0,
        )
        for each, power_w in zip(DEVICES, IDLE_W, strict=True)
    ),
)
LAPTOP = Manufactured("a laptop", None, 236e3, 62e3, 367e3, 4.0, 1 / 3, 0.2, 0.5, 1.0, "Boavizta")


def run(index: int, name: str, cell_id: str, start_s: float) -> CellRun:
    at = replace(samples.report(name, 1.0, index=index).run, key=cell_id, start_s=start_s)
    return replace(at, role=Role.CELL)


def used(duration_s: float, powers_w: tuple[float, ...]) -> tuple[Any, ...]:
    return tuple(
        samples.part(
            device,
            watts * duration_s / J_PER_WH,
            0.95 * watts * duration_s / J_PER_WH,
            1.05 * watts * duration_s / J_PER_WH,
            own=0.91 if device is not MEMORY else None,
        )
        for device, watts in zip(DEVICES, powers_w, strict=True)
    )


class Story:
    """Events of a session as they would come, one after the other."""

    def __init__(self) -> None:
        self.now_s = START.start_s
        self.joules = [0.0] * len(DEVICES)
        self.seen_s = 0.0
        self.events: list[Event] = [START, DevicesFound(DEVICES)]
        self.point()

    def point(self) -> None:
        points = [
            DevicePoint(device.id, energy_j, self.seen_s)
            for device, energy_j in zip(DEVICES, self.joules, strict=True)
        ]
        self.events.append(Sampled(self.now_s, tuple(points)))

    def go_on(self, duration_s: int, powers_w: tuple[float, ...], *, seen: bool = True) -> None:
        for _ in range(duration_s):
            self.now_s += 1.0
            if seen:
                self.seen_s += 1.0
                self.joules = [a + b for a, b in zip(self.joules, powers_w, strict=True)]
                self.point()
        if not seen:
            self.point()

    def idle(self, duration_s: int) -> None:
        start_s = self.now_s
        self.go_on(duration_s, IDLE_W)
        measured = BetweenMeasured(start_s, self.now_s, used(duration_s, IDLE_W))
        self.events.append(measured)

    def opened(self, index: int, name: str, cell_id: str) -> CellRun:
        opened = run(index, name, cell_id, self.now_s)
        self.events.append(CellOpened(opened, Edge(self.now_s, 0.0, 1)))
        return opened

    def cell(
        self, index: int, name: str, cell_id: str, duration_s: int, outcome: Outcome = Outcome.OK
    ) -> None:
        opened = self.opened(index, name, cell_id)
        self.go_on(duration_s, BUSY_W)
        report = CellReport(opened, self.now_s, outcome, used(duration_s, BUSY_W))
        self.events.append(CellClosed(report))


def told() -> Story:
    """A session of a few cells in France, with a gap in it."""
    story = Story()
    story.events.append(IntensityLearned(samples.FRANCE, samples.FRENCH))
    story.events += [BaselineLearned(BASELINE), HardwareLearned((LAPTOP,))]
    story.idle(20)
    story.cell(1, "load", "0b7d6e55-1c3a-4e0e-9d0e-6a1f4d5c2b10", 2)
    story.idle(30)
    story.cell(2, "train", "5f2f7f0e-4d2b-4c63-8a43-1f0f9c6d7e21", 60)
    story.go_on(8, IDLE_W, seen=False)
    story.idle(10)
    story.cell(3, "train", "5f2f7f0e-4d2b-4c63-8a43-1f0f9c6d7e21", 45, Outcome.INTERRUPTED)
    story.cell(4, "cell 4", "c0ffee12-0000-4000-8000-000000000004", 1)
    return story


def running() -> Session:
    story = told()
    story.idle(5)
    story.opened(5, "evaluate", "e7a1-aaaa")
    story.go_on(12, BUSY_W)
    return Session(story.events)


def in_nowhere() -> Session:
    """A session whose zone nobody knows, on a machine where everything is modelled."""
    story = Story()
    story.events[1] = DevicesFound(tuple(samples.modelled(each) for each in DEVICES))
    story.events.append(IntensityLearned(samples.UNKNOWN, samples.WORLD))
    story.events.append(Noticed("zone", "Where is this machine? …"))
    story.cell(1, "train", "5f2f7f0e-4d2b-4c63-8a43-1f0f9c6d7e21", 30)
    story.idle(10)
    return Session(story.events)


def examples() -> dict[str, Any]:
    """Every message by the name of its file."""
    idle, busy = Session(told().events), running()
    version = {"nbcarbon": "1.0.0"}  # so that a release changes no golden message
    context = Context(seq=12, panel="0123456789abcdef0123456789abcdef", bokeh="3.9.2")
    return {
        "state": view_model.state(busy, context._replace(what_if=POLAND)) | version,
        "state_idle": view_model.state(idle, context) | version,
        "state_paused": view_model.state(idle, context._replace(measuring=False)) | version,
        "state_unknown_zone": view_model.state(in_nowhere(), Context(seq=2)) | version,
        "state_first": view_model.state(Session([START]), Context(seq=1)) | version,
        "cell": view_model.cell(idle, idle.figures_of(2)),
        "cell_modelled": view_model.cell(in_nowhere(), in_nowhere().figures_of(1)),
        "cells": view_model.cells(idle),
        "history": view_model.history(busy, POLAND),
        "choices": view_model.choices(
            [("FR", "France"), ("PL", "Poland"), ("US-CAL-CISO", "California")],
            [(".json", "JSON"), (".md", "Markdown")],
        ),
        "doctor": view_model.doctor(["  nbcarbon  0.1.0, Python 3.12.1", "! zone      unknown"]),
        "said": view_model.said("Written: summary.json"),
        "bokehjs": view_model.bokehjs("3.9.2"),
        "bye": view_model.bye(),
        "card": card_json(samples.train(), notices=["GPU 1: lost at 12:03."]),
        "joules": [[value, joules(value)] for value in VALUES_J],
    }


VALUES_J = (
    0.0, 0.0004, 0.012, 0.0999, 0.1, 0.5, 0.999, 1.0, 1.04, 9.99, 12.345, 99.96, 123.4, 999.4, 999.6,
    1000.0, 1234.0, 45_678.0, 999_499.0, 1e6, 2.5e6, 3.6e6, 9.9951e8, 1.5e9, 8.2e12,
)  # fmt: skip
JOULES = humanize.Scale(("µJ", "mJ", "J", "kJ", "MJ", "GJ"), 2)


def joules(energy_j: float) -> str:
    return humanize.quantity(energy_j, JOULES)
