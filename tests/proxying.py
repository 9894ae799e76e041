"""What may stand before the API: Debian's tinyproxy, a scripted proxy, and a server that ends TLS."""

import asyncio
import socket
import ssl
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import trustme
from lacking import needed
from misbehaving import Behaviour, Peer
from mortal import mortal
from patience import until


def tunnelling(port: int) -> Behaviour:
    """A proxy that connects every request to that port of this machine, whatever address was asked for."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copied(peer.reader, writer), copied(reader, peer.writer))

    return behave


@asynccontextmanager
async def behind_tls(port: int, certificate: trustme.LeafCert) -> AsyncIterator[int]:
    """The port of a server that ends TLS and passes everything on to `port`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    serving: set[asyncio.Task[Any]] = set()

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(cast("asyncio.Task[Any]", asyncio.current_task()))
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(OSError):
            await asyncio.gather(copied(reader, inner_writer), copied(inner_reader, writer))

    server = await asyncio.start_server(hand_on, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy everything until the end."""
    try:
        with suppress(ConnectionError):
            while piece := await reader.read(65_536):
                writer.write(piece)
    finally:
        writer.close()


@asynccontextmanager
async def tinyproxy(folder: Path, *lines: str, port: int | None = None) -> AsyncIterator[str]:
    """A running tinyproxy with these further lines of configuration; gives its address."""
    port = port or free_port()
    told = folder / "tinyproxy.conf"
    told.write_text("\n".join([f"Port {port}", "Listen 127.0.0.1", "Timeout 600", "Allow 127.0.0.1", *lines, ""]))
    process = await asyncio.create_subprocess_exec(
        *mortal(needed("tinyproxy", "tinyproxy-bin"), "-d", "-c", str(told)), stdout=PIPE, stderr=PIPE
    )
    try:
        await until(lambda: process.returncode is not None or listens(port))
        assert process.returncode is None, await process.communicate()
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def free_port() -> int:
    """A port of this machine that nobody used a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on that port."""
    with socket.socket() as ours:
        return ours.connect_ex(("127.0.0.1", port)) == 0
