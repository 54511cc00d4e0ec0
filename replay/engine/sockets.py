"""Sockets with what a plan asks of them: many at once, or a small receive buffer."""

from __future__ import annotations

import asyncio
import socket
import sys

# What this process has open beside its connections: files, the loop, pipes.
SPARE_FILES = 256


def allow_sockets(count: int) -> None:
    """Raise this process's limit of open files as far as it goes, when so many are needed."""
    if sys.platform == "win32":
        return
    import resource  # not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def connected_socket(host: str, port: int, receive_buffer_bytes: int) -> socket.socket:
    """Return a connected socket. Its receive buffer has to be set before it connects."""
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (
        await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
