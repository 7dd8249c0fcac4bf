"""The reports of finished runs: the newest as they came, the others packed.

Packed they take some hundred bytes each, so that a session may have 100,000. Energies and instants keep
every digit. The sides of an interval and fractions are kept to seven digits, the reasons for an interval to
three: finer than anybody shows them. A page of packed reports is the same in memory and in a ledger.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.uncertainty import ErrorPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

RECENT_COUNT: Final = 256
"""So many reports are kept as they came, and up to a quarter more."""

PAGE_BYTES: Final = 48_000
"""A page that holds this much is full."""

MOST_SHAPES: Final = 255
NOT_RANKED: Final = -1.0
"""The joules of a run that no ranking of cells may show: a nested one, or the front end's."""

_HEAD: Final = Struct("<IqqIddqi2B4H2f")
"""Size of all, index, parent's index, repeats, start, end, begin on the wall clock and its offset, outcome
and role, lengths of key, name and flags, number of devices, joules by rule."""

_ROLE, _KEY, _JOULES = 9, 10, 14
"""Where in it role, length of key and joules are."""

_OUTCOMES: Final = tuple(Outcome)
_ROLES: Final = tuple(Role)
_RECENT: Final = 0
"""The place of a report that has none yet."""

_NO_PARENT: Final = -1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_TEXT: Final = 16_000
_LARGEST: Final = 3e38
"""What a float of four bytes can hold, and below one of two bytes."""
_LARGEST_RATIO: Final = 6e4

_OWN, _COVERAGE, _BELOW, _FROM_ZERO, _TWO_SIDES, _AS_BEFORE = 1, 2, 4, 8, 16, 32
_SAME: Final = 1e-6
"""The two sides of an interval that differ by less are one."""


class Shape(NamedTuple):
    """Which device, and which of its facts are stored: all others have the value they mostly have."""

    device_id: str
    facts_number: int
    names: tuple[str, ...]


class Page(NamedTuple):
    """Reports one after the other, and the shapes that they refer to by number."""

    shapes: Sequence[Shape]
    data: bytes | bytearray


class Entry(NamedTuple):
    """What is asked of a run without its report."""

    key: str
    run_index: int
    parent_index: int | None
    repeat_count: int


class Reports(Mapping[int, CellReport]):
    """Finished runs by index, in its order. What is added is never changed or taken away."""

    def __init__(self) -> None:
        self._indexes = array("q")
        self._places = array("Q")
        self._pages: list[Page] = []
        self._recent: dict[int, tuple[CellReport, Sequence[float]]] = {}
        self._numbers: dict[Shape, int] = {}
        self._shapes: dict[Shape, Shape] = {}
        self._filling = False

    def add(self, report: CellReport, joules: Sequence[float]) -> None:
        """Take in a report, with its joules by rule to rank it by (`NOT_RANKED`: not at all).

        One with an index that is here already is left out.
        """
        if report.run.index in self:
            return
        self._recent[report.run.index] = (report, joules)
        self._enter(report.run.index, _RECENT)
        if len(self._recent) >= RECENT_COUNT * 5 // 4:
            self._pack(len(self._recent) - RECENT_COUNT)

    def _pack(self, count: int) -> None:
        """Pack the oldest of those that are not."""
        for index in list(self._recent)[:count]:
            report, joules = self._recent[index]
            position = bisect_left(self._indexes, index)
            self._places[position] = self._packed(report, joules)
            del self._recent[index]

    def _packed(self, report: CellReport, joules: Sequence[float]) -> int:
        """Put a report into a page. Returns its place."""
        shaped = list(_shaped(report.devices))
        page = self._page({shape for shape, _ in shaped})
        numbers = bytes(self._number(shape, page) for shape, _ in shaped)
        values = [value for _, stored in shaped for value in stored]
        at = len(page.data)
        body = _layout(numbers, page.shapes).pack(*values)
        page.data.extend(_head(report, joules, len(numbers) + len(body)))  # type: ignore[union-attr]
        page.data.extend(numbers + body)  # type: ignore[union-attr]
        return len(self._pages) - 1 << 32 | at

    def take(self, page: Page) -> Iterator[Entry]:
        """Take in a page as it is, but for runs that are here already. Yields what is new."""
        self._filling = False
        shapes = tuple([self._shapes.setdefault(each, each) for each in page.shapes])
        self._pages.append(Page(shapes, page.data))
        at = 0
        while at < len(page.data):
            head = _HEAD.unpack_from(page.data, at)
            size, index, parent, repeats = head[:4]
            if index not in self:
                self._enter(index, len(self._pages) - 1 << 32 | at)
                text = at + _HEAD.size
                key = str(page.data[text : text + head[_KEY]], "utf-8", "surrogatepass")
                yield Entry(key, index, None if parent == _NO_PARENT else parent, repeats)
            at += size

    def pages(self) -> Sequence[Page]:
        """Everything, packed."""
        self._pack(len(self._recent))
        return self._pages

    def _enter(self, index: int, place: int) -> None:
        position = bisect_left(self._indexes, index)
        self._places.insert(position, place)
        self._indexes.insert(position, index)

    def _page(self, shapes: set[Shape]) -> Page:
        """A page with room for a report of these shapes."""
        if self._filling:
            page = self._pages[-1]
            new = sum(shape not in self._numbers for shape in shapes)
            if len(page.data) < PAGE_BYTES and len(page.shapes) + new <= MOST_SHAPES:
                return page
            self._pages[-1] = Page(tuple(page.shapes), bytes(page.data))
        self._filling = True
        self._numbers = {}
        self._pages.append(Page([], bytearray()))
        return self._pages[-1]

    def _number(self, shape: Shape, page: Page) -> int:
        number = self._numbers.get(shape)
        if number is None:
            number = self._numbers[shape] = len(page.shapes)
            page.shapes.append(self._shapes.setdefault(shape, shape))  # type: ignore[attr-defined]
        return number

    def __len__(self) -> int:
        return len(self._indexes)

    def __iter__(self) -> Iterator[int]:
        return iter(self._indexes)

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self._position(index) is not None

    def __getitem__(self, index: int) -> CellReport:
        position = self._position(index)
        if position is None:
            raise KeyError(index)
        recent = self._recent.get(index)
        return self._unpacked(self._places[position]) if recent is None else recent[0]

    def _position(self, index: int) -> int | None:
        position = bisect_left(self._indexes, index)
        found = position < len(self._indexes) and self._indexes[position] == index
        return position if found else None

    def cells(self, rule_number: int = 0) -> tuple[Callable[[int], CellReport], array[float]]:
        """The user's own runs so far: a report by its position among them, and their joules by one rule.

        What is added meanwhile, on another thread even, changes neither.
        """
        recent = dict(self._recent)
        indexes, places, ranked = array("q"), array("Q"), array("f")
        for index, place in zip(self._indexes, self._places, strict=True):
            role, joules = self._rank(index, place)
            if role is not Role.FRONT_END:
                indexes.append(index)
                places.append(place)
                ranked.append(joules[rule_number])

        def report(position: int) -> CellReport:
            found = recent.get(indexes[position])
            return self._unpacked(places[position]) if found is None else found[0]

        return report, ranked

    def newest(self, most_count: int) -> list[int]:
        """Indexes of the user's own runs, oldest first: the last ones that many."""
        found: list[int] = []
        for index, place in zip(reversed(self._indexes), reversed(self._places), strict=True):
            if len(found) == most_count:
                break
            if self._rank(index, place)[0] is not Role.FRONT_END:
                found.append(index)
        return found[::-1]

    def spans(self) -> Iterator[tuple[float, float, float]]:
        """Begin and end of the user's own runs that are in no other one, and how far the wall clock was ahead
        of them then: without their reports."""
        for index, place in zip(self._indexes, self._places, strict=True):
            recent = self._recent.get(index)
            if recent is not None:
                run, end_s = recent[0].run, recent[0].end_s
                if run.role is Role.CELL and run.parent_index is None:
                    yield run.start_s, end_s, run.started_at.timestamp() - run.start_s
                continue
            head = _HEAD.unpack_from(self._pages[place >> 32].data, place & 0xFFFFFFFF)
            _, _, parent, _, start_s, end_s, started_us, *_ = head
            if _ROLES[head[_ROLE]] is Role.CELL and parent == _NO_PARENT:
                yield start_s, end_s, started_us * _MICROSECOND.total_seconds() - start_s

    def _rank(self, index: int, place: int) -> tuple[Role, Sequence[float]]:
        """A run's role and its joules by rule, without its report."""
        recent = self._recent.get(index)
        if recent is not None:
            report, joules = recent
            return report.run.role, [min(each, _LARGEST) for each in joules]
        head = _HEAD.unpack_from(self._pages[place >> 32].data, place & 0xFFFFFFFF)
        return _ROLES[head[_ROLE]], head[_JOULES:]

    def _unpacked(self, place: int) -> CellReport:
        page = self._pages[place >> 32]
        at = place & 0xFFFFFFFF
        (
            _, index, parent, repeats, start_s, end_s, started_us, offset_s, outcome, role,
            *lengths, device_count, _, _,
        ) = _HEAD.unpack_from(page.data, at)  # fmt: skip
        at += _HEAD.size
        texts = []
        for length in lengths:
            texts.append(str(page.data[at : at + length], "utf-8", "surrogatepass"))
            at += length
        key, name, flags = texts
        numbers = bytes(page.data[at : at + device_count])
        values = iter(_layout(numbers, page.shapes).unpack_from(page.data, at + device_count))
        shapes = [page.shapes[number] for number in numbers]
        run = CellRun(
            key,
            index,
            name,
            _ROLES[role],
            _wall(started_us, offset_s),
            start_s,
            None if parent == _NO_PARENT else parent,
            repeats,
        )
        said = tuple(flags.split("\n")) if flags else ()
        return CellReport(run, end_s, _OUTCOMES[outcome], tuple(_devices(shapes, values)), said)


def _head(report: CellReport, joules: Sequence[float], rest: int) -> bytes:
    run = report.run
    texts = [
        each[:_LONGEST_TEXT].encode("utf-8", "surrogatepass")
        for each in (run.key, run.name, "\n".join(report.flags))
    ]
    text = b"".join(texts)
    offset = run.started_at.utcoffset() or timedelta()
    head = _HEAD.pack(
        _HEAD.size + len(text) + rest,
        run.index,
        _NO_PARENT if run.parent_index is None else run.parent_index,
        run.repeat_count,
        run.start_s,
        report.end_s,
        (run.started_at - _EPOCH) // _MICROSECOND,
        round(offset.total_seconds()),
        _OUTCOMES.index(report.outcome),
        _ROLES.index(run.role),
        *map(len, texts),
        len(report.devices),
        *(min(each, _LARGEST) for each in joules),
    )
    return head + text


def _wall(started_us: int, offset_s: int) -> datetime:
    moment = _EPOCH + timedelta(microseconds=started_us)
    return moment.astimezone(timezone(timedelta(seconds=offset_s))) if offset_s else moment


def _layout(numbers: bytes, shapes: Sequence[Shape]) -> Struct:
    """How the devices' values lie: energy, sides, coverage, own part, reasons."""
    return _struct("<" + "".join([_format(shapes[number]) for number in numbers]))


_struct = lru_cache(maxsize=1000)(Struct)


@lru_cache(maxsize=1000)
def _format(shape: Shape) -> str:
    facts = shape.facts_number
    floats = 1 + sum(bool(facts & each) for each in (_TWO_SIDES, _COVERAGE, _OWN))
    return f"d{floats}f{len(shape.names)}e"


def _shaped(parts: Sequence[DeviceEnergy]) -> Iterator[tuple[Shape, list[float]]]:
    """Each device's facts: what kind of values are stored, and the values."""
    before = None
    for part in parts:
        above_j = min(max(0.0, part.high_j - part.energy_j), _LARGEST)
        below_j = min(max(0.0, part.energy_j - part.low_j), _LARGEST)
        facts, values = 0, [part.energy_j, above_j]
        if part.low_j == 0:
            facts |= _FROM_ZERO
        elif abs(above_j - below_j) > _SAME * above_j:
            facts |= _TWO_SIDES
            values.append(below_j)
        if part.coverage_fraction != 1:
            facts |= _COVERAGE
            values.append(part.coverage_fraction)
        if part.own_fraction is not None and part.own_fraction == before:
            facts |= _AS_BEFORE
        elif part.own_fraction is not None:
            facts |= _OWN
            values.append(part.own_fraction)
        if part.below_resolution:
            facts |= _BELOW
        before = part.own_fraction
        unit_j = above_j or 1.0
        values += [min(each.half_width_j / unit_j, _LARGEST_RATIO) for each in part.parts]
        yield Shape(part.device_id, facts, tuple(each.name for each in part.parts)), values


def _devices(shapes: Iterable[Shape], values: Iterator[float]) -> Iterator[DeviceEnergy]:
    own_fraction: float | None = None
    for device_id, facts, names in shapes:
        energy_j, above_j = next(values), next(values)
        below_j = next(values) if facts & _TWO_SIDES else above_j
        coverage_fraction = next(values) if facts & _COVERAGE else 1.0
        if not facts & _AS_BEFORE:
            own_fraction = next(values) if facts & _OWN else None
        unit_j = above_j or 1.0
        yield DeviceEnergy(
            device_id,
            energy_j,
            0.0 if facts & _FROM_ZERO else energy_j - below_j,
            energy_j + above_j,
            coverage_fraction,
            bool(facts & _BELOW),
            own_fraction,
            tuple([ErrorPart(name, next(values) * unit_j) for name in names]),
        )
