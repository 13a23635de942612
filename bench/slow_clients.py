"""What slow clients do to everybody else: `python -m bench.slow_clients`.

The production server with two workers. Two hundred connections send a request's head, a byte a second; fifty send a
body that never ends, half of them as nobody and half as a member whose form is in parts (multipart). Whoever is hung up
on or answered comes back at once. Meanwhile somebody looks at a page again and again.

Then the same against gunicorn's sync workers, to show that the measurement sees it when slow clients do harm.
"""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import psycopg

from bench.streams import PEOPLE, Host, fill, p95
from runtime.postgres import throwaway
from tests.browser.server import Server, free_port

DRIPPING, ENDLESS = 200, 50
PAGES_A_SECOND = 5
SECONDS = 60.0
CONTROL_SECONDS = 10.0
TOO_LONG = 5.0  # seconds until whoever wants a page gives up (PROMISES.md G7)
BETWEEN = 1.0  # seconds from one byte to the next
SETTLE = 10.0  # seconds until all of the slow clients are there: they do not come in one moment
ROWS = (
    "a page of somebody else, p95 without them",
    "… with them, p95 and the slowest",
    "… not answered in five seconds, or not with 200",
    "heads that were hung up on",
    "bodies that were answered 408",
    "the longest that one lasted",
)


class Slow:
    """The slow clients, and what became of them."""

    def __init__(self, host: Host, cookie: str) -> None:
        self.host, self.cookie = host, cookie
        self.ends: Counter[str] = Counter()
        self.lasted: list[float] = []

    async def drip(self) -> None:
        """Send a head, a byte a second."""
        await self._send("dripping", b"", f"GET /login HTTP/1.1\r\nHost: {self.host.name}\r\nX-Slow: ".encode())

    async def never_end(self, number: int) -> None:
        """Send a head at once, and then a body that is announced longer than it ever gets."""
        path, kind = (
            ("/login", "application/x-www-form-urlencoded")
            if number % 2
            else ("/orgs/northfield/projects/new", "multipart/form-data; boundary=x")
        )
        head = f"POST {path} HTTP/1.1\r\nHost: {self.host.name}\r\nCookie: session={self.cookie}\r\n"
        await self._send("endless", f"{head}Content-Type: {kind}\r\nContent-Length: 100000\r\n\r\n".encode(), b"")

    async def _send(self, what: str, at_once: bytes, slowly: bytes) -> None:
        await asyncio.sleep(random.uniform(0, SETTLE))
        while True:
            try:
                reader, writer = await self.host.connect()
            except OSError:
                await asyncio.sleep(BETWEEN)
                continue
            began = time.monotonic()
            answer = await self._drip(reader, writer, at_once, slowly)
            self.lasted.append(time.monotonic() - began)
            self.ends[f"{what}: {answer[9:12].decode() or 'hung up'}"] += 1
            writer.close()

    async def _drip(self, reader: Any, writer: Any, at_once: bytes, slowly: bytes) -> bytes:
        """Send until the server has had enough; return what it said."""
        writer.write(at_once)
        sent = 0
        while True:
            writer.write(slowly[sent : sent + 1] or b"a")
            sent += 1
            try:
                return bytes(await asyncio.wait_for(reader.read(4096), BETWEEN))
            except TimeoutError:
                continue
            except ConnectionError:
                return b""


async def pages(host: Host, cookie: str, seconds: float) -> tuple[list[float], Counter[str]]:
    """Ask for a page so many times a second; return how long those took that were answered, and what went wrong."""
    took: list[float] = []
    wrong: Counter[str] = Counter()

    async def one() -> None:
        began = time.perf_counter()
        try:
            status, _ = await asyncio.wait_for(host.get(PEOPLE, cookie), TOO_LONG)
        except (OSError, TimeoutError, ValueError) as error:
            wrong[type(error).__name__] += 1
        else:
            took.append((time.perf_counter() - began) * 1000)
            wrong.update([str(status)] if status != 200 else [])

    tasks = []
    for _ in range(int(seconds * PAGES_A_SECOND)):
        tasks.append(asyncio.create_task(one()))
        await asyncio.sleep(1 / PAGES_A_SECOND)
    await asyncio.gather(*tasks)
    return took, wrong


async def measure(host: Host, cookie: str, seconds: float) -> list[str]:
    """Let the slow clients come; return the column of the table that tells what they did."""
    await pages(host, cookie, 2)  # warm
    alone, _ = await pages(host, cookie, seconds / 2)
    slow = Slow(host, cookie)
    clients = [asyncio.create_task(slow.drip()) for _ in range(DRIPPING)]
    clients += [asyncio.create_task(slow.never_end(number)) for number in range(ENDLESS)]
    await asyncio.sleep(SETTLE)
    took, wrong = await pages(host, cookie, seconds)
    for client in clients:
        client.cancel()
    return [
        f"{p95(alone):.0f} ms" if len(alone) > 1 else "none answered",
        f"{p95(took):.0f} ms, {max(took):.0f} ms" if len(took) > 1 else "none answered",
        f"{sum(wrong.values()):,} of {int(seconds * PAGES_A_SECOND):,}",
        *(f"{slow.ends[end]:,}" for end in ("dripping: hung up", "endless: 408")),
        f"{max(slow.lasted):.1f} s" if slow.lasted else "no end",
    ]


def main() -> None:
    columns = []
    with throwaway() as postgres:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE slow OWNER freehold")
        url = postgres.url("freehold", "slow")
        cookie = ""
        for arguments, seconds in (("", SECONDS), ("--worker-class sync", CONTROL_SECONDS)):
            with Server(url, free_port(), "smtp://127.0.0.1:1", GUNICORN_CMD_ARGS=arguments) as server:
                cookie = cookie or fill(url, 50)[0]
                columns.append(asyncio.run(measure(Host(server.url), cookie, seconds)))
    print(f"\n| {DRIPPING} dripping heads, {ENDLESS} endless bodies | our workers | gunicorn's sync workers |")
    print("|---|---|---|")
    for row in zip(ROWS, *columns, strict=True):
        print(f"| {' | '.join(row)} |")
    ours, control = (column[2].startswith("0 of") for column in columns)
    assert ours, "slow clients kept others from their pages"
    assert not control, "the measurement does not see it when they do"


if __name__ == "__main__":
    main()
