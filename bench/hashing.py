"""What two hundred log-ins at once do to everybody else: `python -m bench.hashing [how many]`.

The production server with two workers and the hashes of a host (Argon2id, 19 MiB, 2 passes). A crowd sends its log-ins
in one moment, each for another address and from another network, while somebody looks at a page again and again. Then
the crowd comes again, each the moment it was answered, for a minute.
"""

import asyncio
import re
import sys
import time
from itertools import count
from urllib.parse import urlencode

import psycopg

from bench.streams import Host, fill, memory, p95, processes
from runtime.postgres import throwaway
from tests.browser.server import Server, free_port

PEOPLE = 200
MINUTE = 60.0
COST = {"ARGON2_MEMORY_KIB": "19456", "ARGON2_PASSES": "2", "TRUSTED_PROXIES": "1"}
_networks = count()


class Crowd:
    """Who logs in, and what they were answered: status, seconds, and when to try again."""

    def __init__(self, host: Host, number: int) -> None:
        self.host, self.number = host, number
        self.answers: list[tuple[int, float, bytes]] = []
        self.token = self.visitor = ""

    async def arrive(self) -> None:
        """Open the log-in page, as one browser for all: its token is good for each of them."""
        _, page = await self.host.get("/login", "")
        self.token = re.findall(rb'name="csrf_token" value="(\w+)"', page)[0].decode()
        self.visitor = re.findall(rb"visitor=([^;]+)", page)[0].decode()

    async def one(self) -> None:
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
        waits = re.findall(rb"Retry-After: (\d+)", answer)
        self.answers.append((int(answer[9:12]), time.perf_counter() - began, waits[0] if waits else b""))

    async def at_once(self) -> None:
        await asyncio.gather(*(self.one() for _ in range(self.number)))

    async def again_and_again(self, seconds: float) -> None:
        until = time.monotonic() + seconds

        async def somebody() -> None:
            while time.monotonic() < until:
                await self.one()

        await asyncio.gather(*(somebody() for _ in range(self.number)))


async def measure(host: Host, pids: list[int], cookie: str, number: int) -> None:
    """Let the crowd come, and print the table."""
    await host.pages(cookie, 2)  # warm
    first, then = Crowd(host, number), Crowd(host, number)
    await first.arrive()
    await then.arrive()
    await asyncio.gather(*(first.one() for _ in range(4)))
    first.answers.clear()
    alone, before = await host.pages(cookie, 5), memory(pids)
    looking = asyncio.create_task(host.pages(cookie, 3))
    await asyncio.sleep(0.2)
    await first.at_once()
    burst = await looking
    looking = asyncio.create_task(host.pages(cookie, MINUTE))
    crowd = asyncio.create_task(then.again_and_again(MINUTE))
    most = before
    while not looking.done():
        await asyncio.sleep(0.5)
        most = max(most, memory(pids))
    busy = await looking
    await crowd
    print(f"""
| {number} log-ins at once, {len(pids)} workers | at once | for a minute |
|---|---|---|
| a page of somebody else, p95 ({p95(alone):.0f} ms alone) | {p95(burst):.0f} ms | {p95(busy):.0f} ms |
| … the slowest | {max(burst):.0f} ms | {max(busy):.0f} ms |""")
    told(first, then)
    print(f"| memory of the workers, {before / 1024:.0f} MiB alone | | at most {most / 1024:.0f} MiB |")


def told(*crowds: Crowd) -> None:
    """Print what became of the log-ins."""
    for status, words in ((422, "log-ins whose password was looked at"), (503, "log-ins beyond the queue: 503")):
        took = [[seconds for code, seconds, _ in crowd.answers if code == status] for crowd in crowds]
        print(f"| {words} | {' | '.join(f'{len(each):,}' for each in took)} |")
        slowest = (f"{p95(each) * 1000:.0f} ms, {max(each) * 1000:.0f} ms" if len(each) > 1 else "" for each in took)
        print(f"| … p95 and the slowest | {' | '.join(slowest)} |")
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
