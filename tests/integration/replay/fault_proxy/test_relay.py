"""The fault proxy between real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import os
import random
import resource
import socket
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from capture.clock import monotonic_ns
from capture.errors import ListenRefused
from replay.fault_proxy import Scheduled, parse_fault
from replay.fault_proxy.proxy import FaultProxy
from replay.fault_proxy.relay import CLOSE_LINGERS_NS, MOST_HELD_BYTES
from tests.integration.replay.fault_proxy.relayed import (
    PATIENCE_S,
    Heard,
    asked,
    open_sockets,
    relayed,
    reset,
    until,
)

MS = 1_000_000
EVERYTHING = (
    "latency:delay_ms=3,jitter_ms=3,distribution=pareto,correlation=0.3",
    "slicer:size_bytes=1000,varies_bytes=900",
    "stall:probability=0.05,for_ms=5",
    "slot:every_ms=4,varies_ms=3,most_bytes=100000",
    "bandwidth:bytes_per_s=8000000",
    "slow_close:delay_ms=5",
)
DATA = random.Random(0).randbytes(200_000)


@pytest.mark.parametrize(
    ("fault", "size", "least_ms"),
    [
        ("latency:delay_ms=60", 10, 120),
        ("latency:delay_ms=60,direction=server_to_client", 10, 60),
        ("bandwidth:bytes_per_s=100000,direction=client_to_server", 20_000, 190),
        ("slicer:size_bytes=100,every_ms=5,direction=client_to_server", 1_000, 45),
        ("slot:every_ms=60,direction=server_to_client", 10, 60),
        ("slow_close:delay_ms=60", 10, 120),
        ("stall:probability=0.5,for_ms=60,direction=client_to_server", 10, 60),
    ],
)
async def test_a_fault_is_felt_until_it_is_lifted(fault: str, size: int, least_ms: float) -> None:
    heard = Heard()
    # With this seed the first connection stalls.
    async with relayed(heard=heard, seed=2) as proxy:
        proxy.apply("it", parse_fault(fault))
        answer, took_ms = await asked(proxy, DATA[:size])
        assert (answer, took_ms >= least_ms) == (DATA[:size], True), took_ms
        proxy.lift("it")
        assert min([(await asked(proxy, DATA[:size]))[1] for _ in range(5)]) < least_ms / 2
    assert heard.texts[0].startswith("it is on: ")
    assert "connection 1: it takes effect" in heard.texts[1]
    assert heard.texts[-1] == "it is off"
    assert [at for at, _ in heard.events] == sorted(at for at, _ in heard.events)


async def test_without_faults_it_only_relays() -> None:
    async with relayed() as proxy:
        assert (await asked(proxy, DATA * 40))[0] == DATA * 40
        assert (await asked(proxy, b""))[0] == b""
        await until(lambda: not proxy._relays)
        assert proxy.passed_bytes == {
            "client_to_server": len(DATA) * 40,
            "server_to_client": len(DATA) * 40,
        }
        assert proxy.connections == 2


async def test_a_living_connection_feels_it_too() -> None:
    async with relayed() as proxy:
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        proxy.apply("hole", parse_fault("blackhole"))
        writer.write(b"within")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(6), 0.1)
        proxy.lift("hole")
        assert await asyncio.wait_for(reader.readexactly(6), PATIENCE_S) == b"within"
        writer.close()


@pytest.mark.parametrize("fault", ["reset:after_ms=40", "limit_data:most_bytes=1,how=reset"])
async def test_a_reset_is_one_on_both_ends(fault: str) -> None:
    ended: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(100):
                pass
            ended.append("fin")
        except ConnectionResetError:
            ended.append("reset")
        writer.close()

    heard = Heard()
    async with relayed(serve, heard=heard) as proxy:
        proxy.apply("it", parse_fault(fault))
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        await until(lambda: ended == ["reset"])
    assert any(text.startswith("connection 1: reset by a fault, ") for text in heard.texts)


@pytest.mark.parametrize(
    ("direction", "client_hears", "server_hears"),
    [("server_to_client", "reset", "fin"), ("client_to_server", "fin", "reset")],
)
async def test_a_reset_with_a_direction_is_heard_there_only(
    direction: str, client_hears: str, server_hears: str
) -> None:
    ended: dict[str, str] = {}

    async def hear(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
            ended[name] = "fin"
        except ConnectionResetError:
            ended[name] = "reset"
        writer.close()

    async with relayed(lambda reader, writer: hear("server", reader, writer)) as proxy:
        client = await asyncio.open_connection(*proxy.address)
        await until(lambda: len(proxy._relays) == 1)
        proxy.apply("it", parse_fault(f"reset:direction={direction}"))
        await asyncio.wait_for(hear("client", *client), PATIENCE_S)
        await until(lambda: ended == {"client": client_hears, "server": server_hears})


async def test_who_leaves_when_it_was_closed_is_not_waited_for() -> None:
    began_ns = monotonic_ns()
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("blackhole:close_after_ms=1"))
        for _ in range(5):
            assert (await asked(proxy, b""))[0] == b""
            _, writer = await asyncio.open_connection(*proxy.address)
            await until(lambda: len(proxy._relays) == 1)
            await asyncio.sleep(0.02)
            writer.close()
            await until(lambda: not proxy._relays)
    # Lingering, each of the ten would have taken as long.
    assert monotonic_ns() - began_ns < 5 * CLOSE_LINGERS_NS


async def test_what_comes_for_who_has_left_is_dropped() -> None:
    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(100):
            writer.write(DATA)
            await writer.drain()
        poured.set()
        writer.close()

    poured = asyncio.Event()
    async with relayed(pour) as proxy:
        # The reset of the client is held back, so that the server goes on.
        proxy.apply("hole", parse_fault("blackhole:direction=client_to_server"))
        proxy.apply("late", parse_fault("latency:delay_ms=100000,direction=server_to_client"))
        _, writer = await asyncio.open_connection(*proxy.address)
        await until(lambda: len(proxy._relays) == 1)
        reset(writer)
        (relay,) = proxy._relays
        await until(poured.is_set)
        assert relay.ways[1].pipe.held_bytes <= MOST_HELD_BYTES + (1 << 20)
        proxy.lift("hole")
        await until(lambda: not proxy._relays)


async def test_who_does_not_leave_when_it_was_closed_is_cut_off_after_a_while() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("blackhole:close_after_ms=1"))
        reader, writer = await asyncio.open_connection(*proxy.address)
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        await asyncio.sleep(0.1)
        # It could still say something; nobody listens, but it is no reset.
        writer.write(b"late")
        await writer.drain()
        assert len(proxy._relays) == 1
        await until(lambda: not proxy._relays)
        writer.close()


@pytest.mark.parametrize("who", ["client", "server"])
async def test_a_reset_of_one_side_reaches_the_other_as_one(who: str) -> None:
    ended: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        if who == "server":
            reset(writer)
            return
        try:
            ended.append(f"fin {await reader.read()!r}")
        except ConnectionResetError:
            ended.append("reset")
        writer.close()

    async with relayed(serve) as proxy:
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"x")
        if who == "client":
            await until(lambda: proxy._relays != set())
            await asyncio.sleep(0.05)
            reset(writer)
            await until(lambda: ended == ["reset"])
        else:
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), PATIENCE_S)
            writer.close()
        await until(lambda: not proxy._relays)


async def test_a_reset_is_as_late_as_bytes_are() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("blackhole:direction=client_to_server"))
        _, writer = await asyncio.open_connection(*proxy.address)
        await until(lambda: len(proxy._relays) == 1)
        reset(writer)
        await asyncio.sleep(0.1)
        (relay,) = proxy._relays
        assert (relay.client.is_gone, relay.server.is_gone) == (True, False)
        proxy.lift("it")
        await until(lambda: not proxy._relays)


async def test_a_limit_ends_the_connection_after_its_bytes() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("limit_data:most_bytes=3,direction=server_to_client"))
        assert (await asked(proxy, b"abcdef"))[0] == b"abc"
        await until(lambda: not proxy._relays)


async def test_a_blackhole_may_close_in_the_end() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("blackhole:close_after_ms=60"))
        answer, took_ms = await asked(proxy, b"abcdef")
        assert (answer, took_ms >= 50) == (b"", True), took_ms
        await until(lambda: not proxy._relays)


async def test_a_lifted_reset_does_not_come() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("reset:after_ms=150"))
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        proxy.lift("it")
        await asyncio.sleep(0.3)
        writer.write(b"y")
        assert await reader.readexactly(1) == b"y"
        writer.close()


async def test_a_server_that_speaks_first_and_leaves_is_heard() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome")
        writer.close()

    async with relayed(serve) as proxy:
        for _ in range(20):
            assert (await asked(proxy, b""))[0] == b"220 welcome"


@pytest.mark.parametrize("faults", [(), EVERYTHING, tuple(reversed(EVERYTHING))])
async def test_bytes_stay_as_they_were_under_everything_at_once(faults: tuple[str, ...]) -> None:
    async with relayed(seed=3) as proxy:
        for number, fault in enumerate(faults):
            proxy.apply(str(number), parse_fault(fault))
        answers = await asyncio.gather(*[asked(proxy, DATA) for _ in range(8)])
    assert {hashlib.sha256(answer).digest() for answer, _ in answers} == {
        hashlib.sha256(DATA).digest()
    }


async def test_bytes_stay_as_they_were_while_faults_come_and_go() -> None:
    kinds = (*EVERYTHING, "blackhole", "bandwidth:bytes_per_s=1000", "latency:delay_ms=100000")
    generator = random.Random(7)
    async with relayed() as proxy:
        asking = asyncio.gather(*[asked(proxy, DATA * 5) for _ in range(20)])
        for _ in range(150):
            key = str(generator.randrange(4))
            if generator.random() < 0.5:
                proxy.apply(key, parse_fault(generator.choice(kinds)))
            else:
                proxy.lift(key)
            await asyncio.sleep(0.002)
        proxy.lift_all()
        answers = await asking
    assert all(answer == DATA * 5 for answer, _ in answers)


async def test_who_does_not_read_is_not_read_for() -> None:
    """Both ways: the sender is stopped, and what the proxy holds stays bounded."""
    held, client_too = asyncio.Event(), asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(bytes(65_536))
                await asyncio.wait_for(writer.drain(), 1)
        except TimeoutError:
            held.set()
        await client_too.wait()
        writer.transport.abort()

    async with relayed(serve) as proxy:
        _, writer = await asyncio.open_connection(*proxy.address, limit=1024)
        sent = 0

        async def pour() -> None:
            nonlocal sent
            while True:
                writer.write(bytes(65_536))
                await asyncio.wait_for(writer.drain(), 1)
                sent += 65_536

        with pytest.raises(TimeoutError):
            await pour()
        await asyncio.wait_for(held.wait(), PATIENCE_S)
        assert 0 < sent < 64 << 20
        client_too.set()
        writer.transport.abort()
        await until(lambda: not proxy._relays)


async def test_bytes_and_an_end_for_who_has_left_meanwhile() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    writers: list[asyncio.StreamWriter] = []

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    async with relayed(listens) as proxy:
        for _ in range(5):
            reader, writer = await asyncio.open_connection(*proxy.address)
            await until(lambda: bool(writers))
            # The bytes are answered by a reset, and then there is nobody to send the end to.
            proxy.apply("held", parse_fault("blackhole"))
            writer.write(DATA[:10])
            writer.write_eof()
            writers.pop().close()
            await asyncio.sleep(0.05)
            proxy.lift_all()
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(PATIENCE_S):
                    await reader.read()
            writer.close()
    assert complaints == []


async def test_what_a_fault_holds_stays_bounded() -> None:
    async with relayed() as proxy:
        proxy.apply("hole", parse_fault("blackhole:direction=server_to_client"))
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(DATA * 100)
        writer.write_eof()
        await until(lambda: len(proxy._relays) == 1)
        (relay,) = proxy._relays
        pipe = relay.ways[1].pipe
        await until(lambda: pipe.held_bytes >= MOST_HELD_BYTES)
        await asyncio.sleep(0.1)
        assert pipe.held_bytes < MOST_HELD_BYTES + (1 << 20)
        proxy.lift("hole")
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == DATA * 100
        writer.close()


async def test_nothing_is_left_of_two_hundred_connections() -> None:
    gc.collect()
    sockets, tasks = open_sockets(), len(asyncio.all_tasks())
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("latency:delay_ms=20,jitter_ms=20"))
        proxy.apply("some", parse_fault("slicer:size_bytes=50,toxicity=0.5"))
        sent = [bytes([n]) * 500 for n in range(200)]
        answers = await asyncio.gather(*[asked(proxy, data) for data in sent])
        assert [answer for answer, _ in answers] == sent
        await until(lambda: not proxy._relays)
    await until(lambda: (open_sockets(), len(asyncio.all_tasks())) == (sockets, tasks))


async def test_toxicity_takes_a_share_and_the_same_seed_the_same_connections() -> None:
    async def taken(seed: int) -> tuple[str, ...]:
        heard = Heard()
        async with relayed(seed=seed, heard=heard) as proxy:
            proxy.apply("it", parse_fault("slot:every_ms=1,toxicity=0.5"))
            for _ in range(30):
                await asked(proxy, b"x")
        return tuple(text.partition(":")[0] for text in heard.texts if "takes effect" in text)

    first, again, other = await taken(1), await taken(1), await taken(2)
    assert first == again != other
    assert 5 <= len(set(first)) <= 25
    assert set(Counter(first).values()) == {2}


async def test_what_is_drawn_does_not_depend_on_what_came_before_or_meanwhile() -> None:
    """Which connections stall, each way, is the same again: in another order, on other numbers."""

    async def stalled(proxy: FaultProxy, order: list[int]) -> set[tuple[int, str]]:
        ends = [await asyncio.open_connection(*proxy.address) for _ in range(2)]
        await until(lambda: len(proxy._relays) == 2)
        made_before, heard.events = proxy.connections - 2, []
        proxy.apply("it", parse_fault("stall:probability=0.5,for_ms=1"))
        ends += [await asyncio.open_connection(*proxy.address) for _ in range(20)]
        for number in order:
            reader, writer = ends[number]
            writer.write(b"x")
            assert await asyncio.wait_for(reader.readexactly(1), PATIENCE_S) == b"x"
        for _, writer in ends:
            writer.close()
        await until(lambda: not proxy._relays)
        words = [text.split() for text in heard.texts if "takes effect" in text]
        return {(int(of[1].rstrip(":")) - made_before, of[-1]) for of in words}

    heard = Heard()
    async with relayed(seed=4, heard=heard) as proxy:
        first = await stalled(proxy, list(range(22)))
        again = await stalled(proxy, random.Random(1).sample(range(22), 22))
    assert first == again
    assert 10 < len(first) < 34


async def test_a_reset_does_not_wait_for_what_is_held() -> None:
    async with relayed() as proxy:
        proxy.apply("late", parse_fault("latency:delay_ms=100000"))
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"x")
        await until(lambda: len(proxy._relays) == 1)
        proxy.apply("it", parse_fault("reset"))
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        await until(lambda: not proxy._relays)


async def test_what_is_late_comes_at_once_when_that_is_lifted() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("latency:delay_ms=100000"))
        asking = asyncio.create_task(asked(proxy, b"x"))
        await until(lambda: any(r.ways[0].pipe.held_bytes for r in proxy._relays))
        proxy.lift("it")
        assert (await asking)[0] == b"x"


async def test_an_end_is_as_late_as_its_bytes_and_no_later() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("latency:delay_ms=300,direction=client_to_server"))
        took_ms = min([(await asked(proxy, b"x"))[1] for _ in range(3)])
    assert 300 <= took_ms < 600


async def test_small_writes_are_sent_at_once_both_ways() -> None:
    async with relayed() as proxy:
        _, writer = await asyncio.open_connection(*proxy.address)
        await until(lambda: any(r.client._transport is not None for r in proxy._relays))
        (relay,) = proxy._relays
        for end in (relay.client, relay.server):
            assert end._transport is not None
            sock = end._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        writer.close()


async def test_slicing_takes_no_more_memory_than_what_is_sliced() -> None:
    async with relayed() as proxy:
        proxy.apply("it", parse_fault("slicer:size_bytes=1,every_ms=1"))
        _, writer = await asyncio.open_connection(*proxy.address)
        data = bytes(8 << 20)
        tracemalloc.start()
        try:
            writer.write(data)
            await until(lambda: any(r.ways[0].pipe.held_bytes for r in proxy._relays))
            await asyncio.sleep(0.5)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        writer.transport.abort()
    # What the client itself has not sent yet is in it.
    assert peak_bytes < len(data) + 4 * MOST_HELD_BYTES


async def test_down_refuses_and_resets_and_up_is_the_same_address() -> None:
    async with relayed() as proxy:
        address = proxy.address
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        for _ in range(3):
            proxy.down()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)
            proxy.up()
            assert (await asked(proxy, b"back"))[0] == b"back"
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        assert proxy.address == address


async def test_a_schedule_is_followed() -> None:
    heard = Heard()
    async with relayed(heard=heard) as proxy:
        latency, down = parse_fault("latency:delay_ms=200"), parse_fault("down")
        began_ns = monotonic_ns()
        proxy.follow([Scheduled(100 * MS, 150 * MS, latency), Scheduled(300 * MS, None, down)])
        assert proxy.address
        await until(lambda: len(heard.events) == 3)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*proxy.address)
    texts = ["scheduled 1 is on", "scheduled 1 is off", "scheduled 2 is on"]
    assert [text.partition(":")[0] for text in heard.texts] == texts
    assert [
        at >= began_ns + due * MS
        for (at, _), due in zip(heard.events, (100, 250, 300), strict=True)
    ] == [True] * 3


async def test_an_upstream_that_refuses_is_a_reset() -> None:
    heard = Heard()
    async with FaultProxy(("127.0.0.1", 1), tell=heard) as proxy:
        reader, writer = await asyncio.open_connection(*proxy.address)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert heard.texts[0].startswith("connection 1: cannot reach 127.0.0.1:1: ")


async def test_a_port_that_is_taken_is_refused() -> None:
    async with relayed() as proxy:
        with pytest.raises(ListenRefused, match="Address already in use; name another"):
            async with FaultProxy(("127.0.0.1", 1), proxy.address):
                pass
    async with FaultProxy(("127.0.0.1", 1), proxy.address) as again:
        assert again.address == proxy.address


async def test_out_of_file_descriptors_it_accepts_again_later() -> None:
    heard = Heard()
    async with relayed(heard=heard) as proxy:
        await asked(proxy, b"warm")
        waiting = socket.create_connection(proxy.address)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        in_use = max(int(fd.name) for fd in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (in_use, hard))
        taken = []
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(waiting.fileno()))
            await until(lambda: any("cannot accept" in text for text in heard.texts))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for each in taken:
                os.close(each)
        waiting.close()
        assert (await asked(proxy, b"again"))[0] == b"again"


async def test_nothing_is_left_of_connections_that_were_aborted_in_the_middle() -> None:
    gc.collect()
    sockets, tasks = open_sockets(), len(asyncio.all_tasks())
    generator = random.Random(3)

    async def abort() -> None:
        _, writer = await asyncio.open_connection(*proxy.address)
        writer.write(DATA)
        await asyncio.sleep(generator.random() * 0.05)
        if generator.random() < 0.5:
            reset(writer)
        else:
            writer.transport.abort()

    async with relayed() as proxy:
        for number, fault in enumerate(EVERYTHING):
            proxy.apply(str(number), parse_fault(fault))
        await asyncio.gather(*[abort() for _ in range(100)])
        proxy.lift_all()
        await until(lambda: not proxy._relays)
        assert not proxy._connecting
        assert not proxy._attaching
    await until(lambda: (open_sockets(), len(asyncio.all_tasks())) == (sockets, tasks))


@pytest.mark.parametrize(
    "fault", ["blackhole", "latency:delay_ms=100000", "bandwidth:bytes_per_s=1"]
)
async def test_nothing_is_left_when_it_ends_in_the_middle(fault: str) -> None:
    gc.collect()
    sockets, tasks = open_sockets(), len(asyncio.all_tasks())
    clients = []
    async with relayed() as proxy:
        proxy.apply("it", parse_fault(fault))
        for _ in range(20):
            _, writer = await asyncio.open_connection(*proxy.address)
            writer.write(DATA)
            clients.append(writer)
        # Some of them are still being connected, some wait in the queue of the socket.
        await until(lambda: len(proxy._relays) > 0)
    for writer in clients:
        writer.transport.abort()
    await until(lambda: (open_sockets(), len(asyncio.all_tasks())) == (sockets, tasks))


async def test_an_upstream_that_hangs_is_given_up_with_the_proxy() -> None:
    """A listener with a full queue answers no SYN."""
    gc.collect()
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        async with FaultProxy(full.getsockname()) as proxy:
            reader, writer = await asyncio.open_connection(*proxy.address)
            await until(lambda: len(proxy._connecting) == 1)
            proxy.down()
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), PATIENCE_S)
            writer.close()
        for filler in fillers:
            filler.close()
