"""A joule is counted once, however many sessions saw it: against a brute force over short moments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.overlap import Counted, Steps, Watcher, counted, joined, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcarbon.core.overlap import Span

LENGTH = 24
"""Time is whole seconds from 0 to here, so that every second has one answer."""

spans = st.lists(
    st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(lambda pair: (float(min(pair)), float(max(pair)))),
    max_size=4,
).map(joined)  # fmt: skip
watchers = st.builds(
    lambda cpu, gpu, busy, share: Watcher(
        {"cpu": cpu, "gpu": gpu}, busy, None if share is None else {"cpu": share, "gpu": share}
    ),
    spans, spans, spans, st.none() | st.floats(0, 0.3),
)  # fmt: skip
machines = st.builds(lambda cpu, gpu, busy: Watcher({"cpu": cpu, "gpu": gpu}, busy), spans, spans, spans)  # fmt: skip
powers_w = st.lists(st.floats(0, 500), min_size=LENGTH, max_size=LENGTH)


def within(found: Sequence[Span], second: int) -> bool:
    return any(start <= second and second + 1 <= end for start, end in found)


def brute(found: Sequence[Watcher], device_id: str, second: int) -> list[float]:
    """Who is counted for how much of a device in one second, by the rule's own words."""
    watching = [each for each in found if within(each.watched.get(device_id, ()), second)]
    shares = sum(each.own_fraction[device_id] for each in watching if each.own_fraction is not None)
    whole = [each for each in watching if each.own_fraction is None]
    busy = [each for each in whole if within(each.busy, second)] or whole
    return [
        0.0
        if not any(each is one for one in watching)
        else 1.0
        if each.own_fraction is not None
        else max(0.0, 1 - shares) / len(busy)
        if any(each is one for one in busy)
        else 0.0
        for each in found
    ]


@given(st.lists(watchers, max_size=4), st.sampled_from(["cpu", "gpu"]))
def test_weights_are_those_of_a_brute_force(found: list[Watcher], device_id: str) -> None:
    steps = weights(found, device_id, range(len(found)))
    for second in range(LENGTH):
        wanted = brute(found, device_id, second)
        assert [each.integral(second, second + 1) for each in steps] == pytest.approx(wanted)
        assert [each.value(second + 0.5) for each in steps] == pytest.approx(wanted)


@given(st.lists(machines, min_size=1, max_size=4), powers_w)
def test_all_together_are_the_machines_joules_of_the_union_of_time(
    found: list[Watcher], powers: list[float]
) -> None:
    """Each session has the joules of all the time it watched. Counted once they are the machine's."""
    steps = weights(found, "cpu", range(len(found)))
    whole = Counted()
    for each, weight in zip(found, steps, strict=True):
        curve = [
            (float(second), second + 1.0, powers[second])
            for second in range(LENGTH)
            if within(each.watched["cpu"], second)
        ]
        part = counted(curve, weight, Steps.of(each.busy))
        assert part.cells_j + part.rest_j == pytest.approx(sum(j for _, _, j in curve))
        assert part.cells_counted_j <= part.cells_j * (1 + 1e-9) + 1e-9
        assert part.rest_counted_j <= part.rest_j * (1 + 1e-9) + 1e-9
        whole = whole.plus(part)
    seen = [
        powers[second]
        for second in range(LENGTH)
        if any(within(each.watched["cpu"], second) for each in found)
    ]
    assert whole.cells_counted_j + whole.rest_counted_j == pytest.approx(sum(seen))


@given(machines, powers_w)
def test_alone_all_of_it_counts(alone: Watcher, powers: list[float]) -> None:
    (weight,) = weights([alone], "cpu", [0])
    curve = [(s, s + 1.0, powers[s]) for s in range(LENGTH) if within(alone.watched["cpu"], s)]
    found = counted(curve, weight, Steps.of(alone.busy))

    assert found.cells_counted_j == pytest.approx(found.cells_j)
    assert found.rest_counted_j == pytest.approx(found.rest_j)


@given(st.lists(watchers, min_size=2, max_size=4))
def test_who_comes_first_changes_nothing(found: list[Watcher]) -> None:
    forwards = weights(found, "gpu", range(len(found)))
    backwards = weights(found[::-1], "gpu", range(len(found)))[::-1]
    for one, other in zip(forwards, backwards, strict=True):
        for second in range(LENGTH):
            assert one.value(second + 0.5) == pytest.approx(other.value(second + 0.5))


def test_an_idle_kernel_is_not_charged_with_anothers_training() -> None:
    """One waits for ten seconds, the other trains in the middle of them: 100 W then, 10 W else."""
    waits = Watcher({"cpu": [(0.0, 10.0)]}, [])
    trains = Watcher({"cpu": [(2.0, 10.0)]}, [(4.0, 8.0)])
    curve = [(0.0, 4.0, 40.0), (4.0, 8.0, 400.0), (8.0, 10.0, 20.0)]
    found = [
        counted(curve if each is waits else [(2.0, 4.0, 20.0), *curve[1:]], steps, Steps.of(each.busy))
        for each, steps in zip((waits, trains), weights([waits, trains], "cpu", [0, 1]), strict=True)
    ]  # fmt: skip

    assert found[0] == Counted(0, 0, 460, pytest.approx(20 + 10 + 10))
    assert found[1] == Counted(400, pytest.approx(400), 40, pytest.approx(10 + 10))


def test_a_device_that_one_alone_can_see_is_its_own() -> None:
    one = Watcher({"cpu": [(0.0, 4.0)]}, [(0.0, 4.0)])
    other = Watcher({"cpu": [(0.0, 4.0)], "gpu": [(0.0, 4.0)]}, [])
    (blind, seeing) = weights([one, other], "gpu", [0, 1])

    assert blind.integral(0, 4) == 0
    assert seeing.integral(0, 4) == 4


def test_a_share_is_kept_and_the_rest_divided() -> None:
    share = Watcher({"cpu": [(0.0, 4.0)]}, [], {"cpu": 0.25})
    whole = Watcher({"cpu": [(0.0, 4.0)]}, [])
    own, rest = weights([share, whole], "cpu", [0, 1])

    assert (own.integral(0, 4), rest.integral(0, 4)) == (4, 3)


def test_spans_that_touch_are_one() -> None:
    assert joined([(3, 4), (0, 1), (1, 2), (5, 5)]) == [(0, 2), (3, 4)]
    assert joined([(0, 1), (1.5, 2)], gap_s=1) == [(0, 2)]
