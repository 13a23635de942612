"""What a thousand open pages cost: `python -m bench.streams [how many]`.

The production server, a throwaway database, and one process that holds the pages open and asks again as they do. All on
this machine: what the pages' own end costs is in the times as well.
"""

import asyncio
import os
import random
import re
import secrets
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from app import create_app
from config import Settings
from models import Organization, db, transaction
from runtime.postgres import throwaway
from tests.browser.server import SECRET_KEY, Server, free_port
from tests.factories import make_user

CHANGES = 6
REST = 12.0  # seconds between changes
PAGES_A_SECOND = 20
PEOPLE = "/orgs/northfield/people"
CHANGE = """
    UPDATE organization_members SET role = %s
    WHERE id = (SELECT m.id FROM organization_members m JOIN users u ON u.id = m.user_id ORDER BY u.name DESC LIMIT 1)
"""


@dataclass
class Page:
    """One open page: its stream, and when it was told of the change that is under way."""

    host: "Host"
    cookie: str
    version: str = ""
    told_at: list[float] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def listen(self) -> None:
        """Open the stream; then hear until it ends, and look again when a topic is told."""
        async with self.host.opening:
            reader, writer = await self.host.connect()
            head = f"GET /orgs/northfield/live?since={time.time()} HTTP/1.1\r\nHost: {self.host.name}\r\n"
            writer.write(f"{head}Accept: text/event-stream\r\nCookie: session={self.cookie}\r\n\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in answer[:20], answer
        self.host.open += 1
        async for line in reader:
            if line.startswith(b"data:") and b'"members"' in line:
                self.told_at.append(time.perf_counter())
                within = int(re.findall(rb'"within": (\d+)', line)[0]) / 1000
                asyncio.get_running_loop().create_task(self._look(0.05 + random.random() * within))

    async def _look(self, wait: float) -> None:
        await asyncio.sleep(wait)
        headers = f"HX-Request: true\r\nX-Refresh: 1\r\nIf-None-Match: {self.version}\r\n"
        status, body = await self.host.get(PEOPLE, self.cookie, headers)
        self.answers.append(status)
        if found := re.findall(rb'data-version="(\w+)"', body):
            self.version = found[0].decode()


class Host:
    """The server under measurement."""

    def __init__(self, url: str) -> None:
        self.name = url.removeprefix("http://")
        self.open = 0
        self.opening = asyncio.Semaphore(20)  # at once; people do not come all in one moment

    async def connect(self) -> Any:
        host, port = self.name.split(":")
        return await asyncio.open_connection(host, int(port))

    async def get(self, path: str, cookie: str, headers: str = "") -> tuple[int, bytes]:
        reader, writer = await self.connect()
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self.name}\r\nCookie: session={cookie}\r\n{headers}"
            "Connection: close\r\n\r\n".encode()
        )
        answer = await reader.read()
        writer.close()
        return int(answer[9:12]), answer

    async def pages(self, cookie: str, seconds: float) -> list[float]:
        """Ask for a normal page so many times a second; return how long each took, in milliseconds."""
        took: list[float] = []

        async def one() -> None:
            began = time.perf_counter()
            status, _ = await self.get(PEOPLE, cookie)
            assert status == 200, (status, _)
            took.append((time.perf_counter() - began) * 1000)

        tasks = []
        for _ in range(int(seconds * PAGES_A_SECOND)):
            tasks.append(asyncio.create_task(one()))
            await asyncio.sleep(1 / PAGES_A_SECOND)
        await asyncio.gather(*tasks)
        return took


def fill(url: str, number: int) -> list[str]:
    """Make an organization of so many people, each of whom is logged in; return their cookies, the Owner's first."""
    app = create_app(Settings(database_url=url, secret_key=SECRET_KEY, mail_worker=False))
    interface: Any = app.session_interface
    cookies = [secrets.token_urlsafe(16) for _ in range(number)]
    with app.app_context():
        amara = make_user("Amara Okafor")
        with transaction():
            Organization.create("Northfield", "northfield", amara.id)
        keys = [interface._get_store_id(cookie) for cookie in cookies]
        db.engine.dispose()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO users (email, email_key, name, password_hash, email_verified_at)"
            " SELECT n || '@example.org', n || '@example.org', 'Person ' || n, 'x', now()"
            " FROM generate_series(2, %s) n",
            [number],
        )
        owner.execute(
            "INSERT INTO organization_members (organization_id, user_id, role)"
            " SELECT o.id, u.id, 'VIEWER' FROM organizations o, users u WHERE u.password_hash = 'x'"
        )
        owner.execute(
            "INSERT INTO sessions (sid, sess, user_id, credential_epoch, expire)"
            " SELECT k.sid, '{}', u.id, u.credential_epoch, now() + interval '1 hour'"
            " FROM unnest(%s::text[]) WITH ORDINALITY k (sid, n)"
            " JOIN (SELECT *, row_number() OVER (ORDER BY id) n FROM users) u USING (n)",
            [keys],
        )
        owner.execute("ANALYZE")
    return cookies


def processes(of: int) -> list[int]:
    """The workers of the server."""
    children = Path(f"/proc/{of}/task/{of}/children").read_text().split()
    return [int(pid) for pid in children]


def memory(pids: list[int]) -> float:
    """Their memory in KiB, what they share counted once."""
    return sum(int(re.findall(r"^Pss: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[0]) for pid in pids)


def cpu(pids: list[int]) -> float:
    """The seconds of CPU that they took."""
    ticks = os.sysconf("SC_CLK_TCK")
    return sum(
        sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(") ")[-1].split()[11:13])) / ticks for pid in pids
    )


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


async def measure(host: Host, pids: list[int], cookies: list[str], url: str) -> None:
    """Open the pages, change something again and again, and print the table."""
    seconds = CHANGES * REST
    await host.pages(cookies[0], 2)  # warm
    alone, before = await host.pages(cookies[0], seconds / 4), memory(pids)
    pages = [Page(host, cookie) for cookie in cookies]
    began = time.perf_counter()
    listening = [asyncio.create_task(page.listen()) for page in pages]
    while host.open < len(pages):
        await asyncio.sleep(0.05)
    opened = time.perf_counter() - began
    await asyncio.sleep(3)  # the heap settles
    each, idle = (memory(pids) - before) / len(pages), await host.pages(cookies[0], seconds / 4)
    used, began = cpu(pids), time.perf_counter()
    meanwhile = asyncio.create_task(host.pages(cookies[0], seconds))
    told = await changes(pages, url)
    busy, spent = await meanwhile, (cpu(pids) - used) / (time.perf_counter() - began)
    await asyncio.sleep(REST)
    answers = [status for page in pages for status in page.answers]
    half, last = ([one[place] * 1000 for one in told] for place in (len(pages) // 2, -1))
    print(f"""
| {len(pages):,} open pages, {len(pids)} workers | |
|---|---|
| to open them all | {opened:.1f} s |
| memory of each | {each:.1f} KiB |
| a change is told to half of them, median of {CHANGES} | {statistics.median(half):.0f} ms |
| … to all of them, median and greatest | {statistics.median(last):.0f} ms, {max(last):.0f} ms |
| what they ask again, of {CHANGES} changes | {len(answers):,}, of which {answers.count(304):,} are answered 304 |
| a normal page, p95: with no page open | {p95(alone):.0f} ms |
| … with all of them open and nothing changing | {p95(idle):.0f} ms |
| … with a change every {REST:.0f} s and every page asking again | {p95(busy):.0f} ms |
| CPU of the workers meanwhile | {spent:.2f} cores |
""")
    for task in listening:
        task.cancel()


async def changes(pages: list[Page], url: str) -> list[list[float]]:
    """Change the role of somebody who is on nobody's first page; return after how many seconds each page was told."""
    told = []
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
        for n in range(CHANGES):
            for page in pages:
                page.told_at.clear()
            changed = time.perf_counter()
            await owner.execute(CHANGE, [("OPERATOR", "VIEWER")[n % 2]])
            await asyncio.sleep(REST)
            told.append(sorted(page.told_at[0] - changed for page in pages if page.told_at))
            assert len(told[-1]) == len(pages), f"{len(told[-1])} of {len(pages)} were told"
    return told


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with throwaway() as postgres:
        admin = postgres.url("postgres", "postgres")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE streams OWNER freehold")
        url = postgres.url("freehold", "streams")
        with Server(url, free_port(), "smtp://127.0.0.1:1") as server:
            cookies = fill(url, number)
            asyncio.run(measure(Host(server.url), processes(server.pid), cookies, url))


if __name__ == "__main__":
    main()
