"""What is planned is what is drawn and read; what gives way is the best that can; and no picture depends on it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from stackreel.errors import CorruptChunkError, EngineError
from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.frames.native.books import Books, brick_bytes, bytes_beside
from stackreel.frames.native.chunks import ChunkCache
from stackreel.frames.native.forecast import Forecast
from stackreel.kernels.ahead import fetchable
from stackreel.scene import PRESETS, Camera, ClipPlane, Scene, Slice, TransferFunction

SIZE = (160, 90)
TRANSFER = TransferFunction(((0, 0, 0, 1), (255, 1, 1, 0)), ((80, 0), (255, 0.05)), 0.02)
LITTLE = 12 << 20


@pytest.fixture
def volume(make_volume):
    rng = np.random.default_rng(3)
    data = rng.integers(0, 255, (96, 260, 300), dtype=np.uint8)
    data[:, :60] = 0
    return make_volume(data)


def flight(count=10, light="none"):
    """Past the volume and back, nearer and farther."""
    scenes = []
    for t in np.linspace(0.0, 2.0 * np.pi, count):
        position = (0.5 * float(np.cos(t)), -0.3, 0.5 + 0.3 * float(np.sin(t)))
        scenes.append(Scene(Camera(position, (0.1, 0, 0), (0, -1, 0), 35.0), TRANSFER, light=PRESETS[light]))
    return scenes


class Counting:
    """A level that keeps a list of the chunks that were read."""

    def __init__(self, level, read):
        self._level, self._read = level, read

    def __getattr__(self, name):
        return getattr(self._level, name)

    def read_chunk(self, index):
        self._read.append((self._level.index, index))
        return self._level.read_chunk(index)


def drawn(volume, scenes, memory, *, expect, threads=2, detail=1e-6):
    read = []
    counted = replace(volume, levels=tuple(Counting(level, read) for level in volume.levels))
    session = NativeEngine(memory, threads).open(counted, Output(SIZE, detail))
    try:
        if expect:
            session.expect(scenes)
        return [session.render(scene).rgba for scene in scenes], read
    finally:
        session.close()


@pytest.mark.parametrize("memory", [LITTLE, 64 << 20])
@pytest.mark.parametrize("expect", [True, False])
def test_rendering_reads_exactly_the_chunks_that_were_foretold(volume, memory, expect):
    scenes = flight()
    _, read = drawn(volume, scenes, memory, expect=expect)
    told = Forecast(volume, Output(SIZE, 1e-6), memory, 1.5, expect=expect)
    needs = list(told.frames(scenes))
    foretold = [told.books.chunks.place(n) for need in needs for n in need.chunks.tolist()]
    assert sorted(read) == sorted((level.index, index) for level, index in foretold)
    assert sum(need.decoded for need in needs) == sum(told.chunk_bytes(k) for k, _ in read)
    assert len(read) > 20


OPAQUE = TransferFunction(TRANSFER.color, ((80, 0), (90, 0.99)), 0.005)
KNIFE = ClipPlane((0.1, 0, 0), (-1, 0.2, 0.1))


def sliced(count=5, **kwargs):
    """The flight, with slices that travel, turn, cross and cut; one translucent, one opaque, one masked."""
    scenes = []
    for k, scene in enumerate(flight(count)):
        u = k / count
        slices = (
            Slice((0, 0, 0.3 * u - 0.1), (0.3 * u, -0.1, 1), opacity=0.6),
            Slice((0.2 - 0.3 * u, 0, 0), (1, 0.2, 0.1)),
            Slice((0, 0.05, 0), (0, 1, 0), masked=True, cropped=False),
            Slice((0, -0.3, 0), (0, -1, 0), cut=True),
        )
        scenes.append(replace(scene, slices=slices, **kwargs))
    return scenes


@pytest.mark.parametrize("memory", [LITTLE, 64 << 20])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"transfer": OPAQUE},  # behind whose surface hardly anything of the slices shows
        {"transfer": replace(TRANSFER, opacity=((0, 0.0),))},  # slices alone
        {"clip": (KNIFE,)},
        {"blend": "maximum"},
        {"fade": ("average", 0.5)},
    ],
    ids=["fog", "opaque", "alone", "clip", "maximum", "fade"],
)
def test_what_slices_show_is_foretold_to_the_chunk(volume, memory, kwargs):
    scenes = sliced(**kwargs)
    for expect in (True, False):
        pictures, read = drawn(volume, scenes, memory, expect=expect)
        told = Forecast(volume, Output(SIZE, 1e-6), memory, 1.5, expect=expect)
        needs = list(told.frames(scenes))
        foretold = [told.books.chunks.place(n) for need in needs for n in need.chunks.tolist()]
        assert sorted(read) == sorted((level.index, index) for level, index in foretold)
        assert sum(need.decoded for need in needs) == sum(told.chunk_bytes(k) for k, _ in read)
        assert max(frame[..., 3].max() for frame in pictures) > 0.5
    assert len(read) > 10


def test_nothing_is_read_of_what_an_opaque_slice_hides(volume):
    """A wall across the picture: the volume behind it, and slices there, are neither planned nor read."""
    camera = Camera((0, 0, -1.0), (0, 0, 0), (0, -1, 0), 20.0)
    wall, other = Slice((0, 0, -0.1), (0, 0, 1)), Slice((0, 0, 0.02), (0, 0, 1))
    output = Output((256, 192), 1e-6)

    def bricks(*slices):
        need = next(Forecast(volume, output, 64 << 20, 1.5).frames([Scene(camera, TRANSFER, slices=slices)]))
        return set(need.bricks.tolist())

    assert bricks(wall) == bricks(wall, other)
    assert {number // 90 for number in bricks(wall)} == {0}  # 9 × 10 bricks in a layer
    assert {number // 90 for number in bricks(replace(wall, opacity=0.5), other)} == {0, 1}
    assert {number // 90 for number in bricks()} == {0, 1, 2}


def test_memory_pays_for_where_rays_begin_end_and_meet_slices(volume):
    """Bricks, chunks and what pixels take, together, stay within --memory while slices are drawn."""
    import tracemalloc

    size, memory = (700, 600), 40 << 20
    pixels = size[0] * size[1]
    scenes = [replace(scene, clip=(KNIFE,)) for scene in sliced(2)]
    for blend, each in (("composite", 8 + 13), ("maximum", 8 + 13 + 16)):
        some = [replace(scene, blend=blend) for scene in scenes]
        assert {bytes_beside(scene) for scene in some} == {each}
        session = NativeEngine(memory, 2).open(volume, Output(size, 1e-6))
        session.render(replace(some[0], slices=(), clip=(), blend="composite"))
        plain = session.books.limit * brick_bytes(volume.dtype) + session.books.chunks.budget_bytes
        tracemalloc.start()
        for scene in some:
            session.render(scene)
            held = session.books.limit * brick_bytes(volume.dtype)
            assert held + session.books.chunks.budget_bytes <= plain - pixels * each
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        session.close()
        # the pool is not traced; chunks in hand, tiles and plans are small beside what is counted
        assert peak < pixels * (16 + each) + session.books.chunks.budget_bytes + (6 << 20)
        assert peak > pixels * (16 + each)


def test_too_little_memory_for_slices_is_said_before_the_first_frame(volume):
    size = (900, 700)
    with pytest.raises(EngineError) as refused:
        NativeEngine(1, 2).open(volume, Output(size, 1e-6))
    enough = int(re.search(r"at least (\d+)M", str(refused.value))[1]) << 20
    session = NativeEngine(enough, 2).open(volume, Output(size, 1e-6))
    try:
        session.expect(flight(2))
        with pytest.raises(EngineError, match=r"clip planes or slices at 900 × 700; give at least (\d+)M") as refused:
            session.expect([*flight(2), *sliced(2)])
    finally:
        session.close()
    with pytest.raises(EngineError, match="clip planes or slices"):
        list(Forecast(volume, Output(size, 1e-6), enough, 1.5).frames(sliced(2)))
    more = int(re.search(r"at least (\d+)M", str(refused.value))[1]) << 20
    assert next(Forecast(volume, Output(size, 1e-6), more, 1.5).frames(sliced(2))).passes > 1


def test_every_brick_that_is_met_lies_in_the_plan_and_passes_fit(volume):
    session = NativeEngine(LITTLE, 2).open(volume, Output(SIZE, 1e-6))
    held = []
    begin = session.books.begin
    session.books.begin = lambda level, bricks: held.append((level, np.array(bricks))) or begin(level, bricks)
    try:
        for scene in flight(4):
            passes = session.books.future._planner.frame(scene)
            held.clear()
            session.render(scene)
            assert len(passes) > 2
            assert max(len(one.bricks) for one in passes) <= session.pool.capacity
            for one, (level, bricks) in zip(passes, held, strict=True):
                assert one.level == level
                assert np.array_equal(one.bricks, bricks)
    finally:
        session.close()


@pytest.mark.parametrize("light", ["none", "studio"])
def test_pictures_are_the_same_to_the_bit_whatever_is_expected(volume, light):
    scenes = flight(6, light)
    ample, _ = drawn(volume, scenes, 256 << 20, expect=False)
    assert max(frame[..., 3].max() for frame in ample) > 0.3
    for memory, threads in ((LITTLE, 1), (LITTLE, 2), (14 << 20, 2), (256 << 20, 2)):
        told, _ = drawn(volume, scenes, memory, expect=True, threads=threads)
        assert all(np.array_equal(a, b) for a, b in zip(ample, told, strict=True))
    # what was expected and is not drawn after all, and what is drawn and was not expected
    session = NativeEngine(LITTLE, 2).open(volume, Output(SIZE, 1e-6))
    session.expect(scenes)
    order = [0, 3, 4, 1, 5]
    assert all(np.array_equal(session.render(scenes[k]).rgba, ample[k]) for k in order)
    session.close()


def test_with_memory_for_all_every_chunk_is_read_once(volume):
    for expect in (True, False):
        _, read = drawn(volume, flight(), 256 << 20, expect=expect)
        assert len(read) == len(set(read))


def test_a_chunk_that_fails_when_fetched_ahead_raises_at_the_frame_that_needs_it(volume):
    near, far = flight(8)[0], flight(8)[4]
    _, first = drawn(volume, [near], 64 << 20, expect=False)
    _, both = drawn(volume, [near, far], 64 << 20, expect=False)
    bad = next(one for one in both if one not in first)

    class Damaged(Counting):
        def read_chunk(self, index):
            if (self._level.index, index) == bad:
                self._read.append(index)
                raise CorruptChunkError(f"chunk {index} is damaged")
            return self._level.read_chunk(index)

    tried = []
    damaged = replace(volume, levels=tuple(Damaged(level, tried) for level in volume.levels))
    session = NativeEngine(64 << 20, 2).open(damaged, Output(SIZE, 1e-6))
    session.expect([near, near, far])
    try:
        assert session.render(near).rgba.max() > 0
        assert session.render(near).rgba.max() > 0
        with pytest.raises(CorruptChunkError, match="is damaged"):
            session.render(far)
        assert session.render(near).rgba.max() > 0
    finally:
        session.close()
    assert tried


class Trace:
    """A future made of numbers: passes that want such bricks of level 0."""

    changed = False

    def __init__(self, passes):
        self.coming = list(passes)

    def passes(self):
        bricks = np.array([b for one in self.coming for b in one], np.int32)
        return (
            bricks,
            np.cumsum([len(one) for one in self.coming], dtype=np.int64),
            np.zeros(len(self.coming), np.int64),
        )


def fills(volume, trace, capacity, *, told):
    """How many bricks are filled when these sets of bricks are wanted one after the other."""
    future = Trace(trace if told else [])
    chunks = ChunkCache(volume.levels, 0, 0, lambda level, index: None)
    books = Books(volume, capacity, 1 << 30, chunks, future)
    count = 0
    for one in trace:
        future.coming = future.coming[1:]
        count += len(books.begin(0, np.array(one)).bricks)
        books.end()
    return count


def fewest_fills(trace, capacity):
    """The same by trying every choice."""
    states = {frozenset(): 0}
    for one in map(frozenset, trace):
        following = {}
        for held, cost in states.items():
            spare = held - one
            for kept in itertools.combinations(sorted(spare), min(len(spare), capacity - len(one))):
                state = one | set(kept)
                total = cost + len(one - held)
                following[state] = min(total, following.get(state, total))
        states = following
    return min(states.values())


def test_what_gives_way_is_the_best_choice_on_small_traces(volume):
    rng = np.random.default_rng(11)
    for _ in range(60):
        trace = [rng.choice(7, rng.integers(1, 3), replace=False).tolist() for _ in range(12)]
        assert fills(volume, trace, 3, told=True) == fewest_fills(trace, 3)


def test_knowing_the_future_never_fills_more_than_the_longest_unused(volume):
    rng = np.random.default_rng(12)
    better = 0
    for _ in range(40):
        trace = [rng.choice(60, 8, replace=False).tolist() for _ in range(40)]
        ours, oldest = (fills(volume, trace, 20, told=told) for told in (True, False))
        assert ours <= oldest
        better += ours < oldest
    assert better > 35


def test_chunks_fetched_early_cost_no_reading_in_the_end():
    """Belady's MIN on demand reads as many as are read when its fetches begin early."""
    rng = np.random.default_rng(13)
    for _ in range(50):
        trace = rng.integers(0, 30, 200).astype(np.int32)
        sizes, room = np.ones(30, np.int64), 8
        assert reads(trace, sizes, room, early=True) == reads(trace, sizes, room, early=False)


def reads(trace, sizes, room, *, early):
    held, count = [], 0
    for i, chunk in enumerate(trace):
        if early:
            fetch, drop = fetchable(trace[i:], sizes, np.array(held, np.int64), room - len(held))
            held = [c for c in held if c not in drop] + fetch.tolist()
            count += len(fetch)
            assert len(held) <= room
        if chunk not in held:
            count += 1
            held.append(int(chunk))
        rest = trace[i + 1 :].tolist()
        held.sort(key=lambda c: rest.index(c) if c in rest else 999)
        held = held[:room]
    return count
