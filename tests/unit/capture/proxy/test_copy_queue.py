"""The copy is decoded in order, nothing of it is lost, and an error ends the recording aloud."""

import asyncio
import errno
import os
from itertools import count
from pathlib import Path

import pytest

from capture.errors import UnwritableOutput
from capture.format.model import Note
from capture.format.reader import read_capture
from capture.format.writer import CaptureWriter
from capture.proxy import copy_queue
from capture.proxy.copy_queue import MAX_QUEUED_BYTES, MAX_QUEUED_NS, CopyQueue
from tests.unit.capture.format.test_model import HEADER


class Scene:
    """A queue whose clock goes on by 1 µs whenever it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = CaptureWriter(path, HEADER)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticks = count(1_000, 1_000)
        self.queue = CopyQueue(self.writer, lambda: next(ticks), self.failed)
        self.acted: list[int] = []

    def add(self, number: int, at_ns: int = 0, size: int = 1) -> None:
        self.queue.add(at_ns, size, self.acted.append, number)


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "x.jsonl")


async def test_nothing_is_done_before_there_is_time(scene: Scene) -> None:
    scene.add(1, at_ns=7)
    assert scene.acted == []


async def test_all_is_done_in_order(scene: Scene) -> None:
    for number in range(5):
        scene.add(number)
    assert scene.queue.drain(None) is True
    assert scene.acted == [0, 1, 2, 3, 4]


async def test_a_slice_ends_in_time_and_the_next_goes_on(scene: Scene) -> None:
    for number in range(5):
        scene.add(number)
    assert scene.queue.drain(2_500) is False
    assert scene.acted == [0, 1, 2]
    assert scene.queue.drain(1_000_000) is True
    assert scene.acted == [0, 1, 2, 3, 4]


async def test_what_is_old_is_done_at_once(scene: Scene) -> None:
    scene.add(1, at_ns=0)
    scene.add(2, at_ns=MAX_QUEUED_NS + 1)
    assert scene.acted == [1]


async def test_what_is_large_is_done_at_once(scene: Scene) -> None:
    scene.add(1, size=MAX_QUEUED_BYTES)
    scene.add(2, size=1)
    assert scene.acted == [1]


async def test_flush_does_all_and_writes_it(scene: Scene) -> None:
    scene.queue.add(0, 0, scene.writer.write, Note(at_ns=1, text="a"))
    scene.queue.flush()
    assert read_capture(scene.path).events == (Note(at_ns=1, text="a"),)


async def test_much_is_written_in_between(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_queue, "MAX_UNWRITTEN_BYTES", 10)
    scene.queue.add(0, 11, scene.writer.write, Note(at_ns=1, text="a"))
    scene.queue.drain(None)
    assert len(read_capture(scene.path).events) == 1


async def test_an_error_ends_the_recording_and_the_rest_is_dropped(scene: Scene) -> None:
    def fail() -> None:
        raise ValueError("broken")

    scene.queue.add(0, 1, fail)
    scene.add(1)
    scene.queue.flush()
    assert scene.acted == []
    with pytest.raises(ValueError, match="broken"):
        scene.failed.result()


async def test_a_full_disk_ends_the_recording_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    scene.writer.write(Note(at_ns=1, text="a"))
    scene.queue.flush()
    scene.queue.flush()
    with pytest.raises(UnwritableOutput, match="No space left"):
        scene.failed.result()
