"""What two hundred log-ins at once do to everybody else: `python -m bench.hashing [how many]`.

The production server with two workers and the hashes of a host (Argon2id, 19 MiB, 2 passes). A crowd sends its log-ins
in one moment, each for another address and from another network, while somebody looks at a page again and again. Then
the crowd stays for a minute: first each tries again when they were told to, or five seconds after they were answered;
then each in the moment they were answered, as people never do and an attacker may.
"""

import asyncio
import random
import re
import sys
import time
from collections.abc import Coroutine
from itertools import count
from typing import Any
from urllib.parse import urlencode

import psycopg

from bench.streams import Host, fill, memory, p95, processes
from runtime.postgres import throwaway
from tests.browser.server import Server, free_port

PEOPLE = 200
MINUTE = 60.0
REST = 5
COST = {"ARGON2_MEMORY_KIB": "19456", "ARGON2_PASSES": "2", "TRUSTED_PROXIES": "1"}
_networks = count()


class Crowd:
    """Who logs in, and what they were answered: status, seconds, and when to try again."""

    def __init__(self, host: Host, number: int) -> None:
        self.host, self.number = host, number
        self.answers: list[tuple[int, float, int]] = []
        self.token = self.visitor = ""

    async def arrive(self) -> None:
        """Open the log-in page, as one browser for all: its token is good for each of them."""
        _, page = await self.host.get("/login", "")
        self.token = re.findall(rb'name="csrf_token" value="(\w+)"', page)[0].decode()
        self.visitor = re.findall(rb"visitor=([^;]+)", page)[0].decode()

    async def one(self) -> int:
        n = next(_networks)
        form = {"email": f"{n}@example.com", "password": "not the password", "csrf_token": self.token}
        body = urlencode(form).encode()
        began = time.perf_counter()
        reader, writer = await self.host.connect()
        writer.write(
            f"POST /login HTTP/1.1\r\nHost: {self.host.name}\r\nCookie: visitor={self.visitor}\r\n"
            f"X-Forwarded-For: 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = await reader.read()
        writer.close()
        waits = int((re.findall(rb"Retry-After: (\d+)", answer) or [b"0"])[0])
        self.answers.append((int(answer[9:12]), time.perf_counter() - began, waits))
        return waits or REST

    async def at_once(self) -> None:
        await asyncio.gather(*(self.one() for _ in range(self.number)))

    async def stay(self, seconds: float, *, patient: bool) -> None:
        until = time.monotonic() + seconds

        async def somebody() -> None:
            while time.monotonic() < until:
                wait = await self.one()
                await asyncio.sleep(wait * random.uniform(1, 1.2) if patient else 0)

        await asyncio.gather(*(somebody() for _ in range(self.number)))


async def measure(host: Host, pids: list[int], cookie: str, number: int) -> None:
    """Let the crowd come, and print the table."""
    crowds = [Crowd(host, number) for _ in range(3)]
    for crowd in crowds:
        await crowd.arrive()
    await host.pages(cookie, 2)  # warm
    alone, memories = await host.pages(cookie, 5), [memory(pids)]

    async def meanwhile(crowd: Coroutine[Any, Any, None], seconds: float) -> list[float]:
        """Ask for pages while the crowd is there; return how long each took."""
        pages, coming = asyncio.create_task(host.pages(cookie, seconds)), asyncio.create_task(crowd)
        while not pages.done():
            await asyncio.sleep(0.5)
            memories.append(memory(pids))
        await coming
        return await pages

    busy = [
        await meanwhile(crowds[0].at_once(), 3),
        await meanwhile(crowds[1].stay(MINUTE, patient=True), MINUTE),
        await meanwhile(crowds[2].stay(MINUTE, patient=False), MINUTE),
    ]
    row(
        f"{number} log-ins, {len(pids)} workers",
        ["at once", "a minute, again as told", "a minute, again at once"],
    )
    print("|---|---|---|---|")
    row(f"a page of somebody else, p95 ({p95(alone):.0f} ms alone)", [f"{p95(each):.0f} ms" for each in busy])
    row("… the slowest", [f"{max(each):.0f} ms" for each in busy])
    told(crowds)
    print(f"\nMemory of the workers: {memories[0] / 1024:.0f} MiB before, at most {max(memories) / 1024:.0f} MiB.")


def row(name: str, values: list[str]) -> None:
    print(f"| {name} | {' | '.join(values)} |")


def told(crowds: list[Crowd]) -> None:
    """Print what became of the log-ins."""
    for status, words in ((422, "log-ins whose password was looked at"), (503, "log-ins beyond the queue: 503")):
        took = [[seconds * 1000 for code, seconds, _ in crowd.answers if code == status] for crowd in crowds]
        row(words, [f"{len(each):,}" for each in took])
        row("… p95 and the slowest", [f"{p95(each):.0f} ms, {max(each):.0f} ms" if each[1:] else "" for each in took])
    answers = [answer for crowd in crowds for answer in crowd.answers]
    assert {status for status, *_ in answers} <= {422, 503}, {status for status, *_ in answers}
    assert all(wait for status, _, wait in answers if status == 503), "a 503 did not say when to try again"


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    with throwaway() as postgres:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hashing OWNER freehold")
        url = postgres.url("freehold", "hashing")
        with Server(url, free_port(), "smtp://127.0.0.1:1", **COST) as server:
            cookie = fill(url, 50)[0]
            asyncio.run(measure(Host(server.url), processes(server.pid), cookie, number))


if __name__ == "__main__":
    main()
