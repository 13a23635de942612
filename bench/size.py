"""Every page at size: `python -m bench.size [--small]`.

One organization of 100,000 members, 10,000 projects and ten million audit events, one person in 2,000 organizations, a
million accounts. First what each page asks the database is explained: nothing may read a tenant's rows from end to end
that no index led to. Then the production server is asked for each page, twenty requests a second, and for its CPU at
this size and at a hundredth of it (which is what `--small` measures alone).
"""

import argparse
import asyncio
import random
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote_plus

import psycopg
from flask import Flask

from app import create_app
from bench.peers.processes import cpu
from bench.streams import Host, p95
from config import Settings
from models import db
from runtime.postgres import throwaway
from tests.browser.server import SECRET_KEY, Server, free_port

SETTINGS = {"shared_buffers": "3GB", "maintenance_work_mem": "1GB", "max_wal_size": "16GB", "work_mem": "16MB"}
A_SECOND, SECONDS, LIMIT = 20, 3.0, 150.0  # requests, seconds of each page, milliseconds
SEED, KEPT = (Path(__file__).with_name(name).read_text() for name in ("size.sql", "kept.sql"))
TENANT = {"organization_members", "project_members", "projects", "invitations", "audit_events"}
HERE = "/orgs/northfield"
PAGES = {
    "home": HERE,
    "people": f"{HERE}/people",
    "people, a page in the middle": f"{HERE}/people?page={{middle}}",
    "people, last page": f"{HERE}/people?page={{last}}",
    "people by role": f"{HERE}/people?sort=role",
    "people by when they joined, the latest first": f"{HERE}/people?sort=-joined",
    "people with a role": f"{HERE}/people?role=OPERATOR",
    "people, searched for a name": f"{HERE}/people?q={{name}}",
    "people, searched for what many have": f"{HERE}/people?q=9",
    "people, searched for nobody": f"{HERE}/people?q=zzz",
    "people without two-step verification": f"{HERE}/people?show=two-step-off",
    "people with a project role": f"{HERE}/people?show=project-role",
    "one person": f"{HERE}/people/{{member}}",
    "the review of removing somebody": f"{HERE}/people/{{member}}/remove",
    "pending invitations": f"{HERE}/people/invitations",
    "projects": f"{HERE}/projects",
    "projects, last page": f"{HERE}/projects?page={{last_project}}",
    "projects, searched for one": f"{HERE}/projects?q=project+{{projects}}",
    "a project": f"{HERE}/projects/{{project}}",
    "who can use a project": f"{HERE}/projects/{{project}}/access",
    "who can use a project, searched": f"{HERE}/projects/{{project}}/access?q=9",
    "adding somebody to a project, searched": f"{HERE}/projects/{{project}}/access/add?q={{name}}",
    "audit log": f"{HERE}/audit",
    "audit log, far back": f"{HERE}/audit?before=1000",
    "audit log of a person": f"{HERE}/audit?person=person{{someone}}@example.org",
    "audit log of somebody by name": f"{HERE}/audit?person={{name}}",
    "audit log of an action": f"{HERE}/audit?action=member.removed",
    "audit log between days": f"{HERE}/audit?from=2026-03-01&to=2026-03-02",
    "one's organizations": "/orgs",
    "one's account": "/account",
    "settings": f"{HERE}/settings",
    "whom ownership can be handed to": f"{HERE}/settings/transfer?q=9",
}
EXPORT = f"{HERE}/audit.csv?from=2026-03-01&to=2026-03-01"


@dataclass(frozen=True)
class Size:
    """How much there is."""

    members: int
    projects: int
    organizations: int  # of one person
    users: int
    events: int


LARGE = Size(100_000, 10_000, 2_000, 1_000_000, 10_000_000)
SMALL = Size(1_000, 100, 60, 10_000, 100_000)  # a hundredth, but where that would not fill a page


@dataclass
class Place:
    """A filled database."""

    url: str
    cookie: str
    pages: dict[str, str]


def fill(url: str, superuser: str, size: Size) -> Place:
    """Fill a migrated database; return it with the cookie of the Owner."""
    app = create_app(Settings(database_url=url, secret_key=SECRET_KEY, mail_worker=False))
    interface: Any = app.session_interface
    cookie = secrets.token_urlsafe(16)
    with app.app_context():
        sid = interface._get_store_id(cookie)
        db.engine.dispose()
    with psycopg.connect(superuser, autocommit=True) as connection:
        for name, value in {**vars(size), "sid": sid}.items():
            connection.execute("SELECT set_config('size.' || %s, %s, false)", [name, str(value)])
        connection.execute(SEED)
        connection.execute(KEPT)
        connection.execute("VACUUM ANALYZE")
        someone = size.members // 2
        member = connection.execute(
            "SELECT m.id, u.name FROM organization_members m JOIN users u ON u.id = m.user_id WHERE u.email = %s",
            [f"person{someone}@example.org"],
        ).fetchone()
        project = connection.execute(
            "SELECT p.id FROM projects p JOIN organizations o ON o.id = p.organization_id"
            " WHERE o.slug = 'northfield' AND p.name = 'Project 1'"
        ).fetchone()
    assert member
    assert project
    last = -(-size.members // 50)
    filled = {
        "member": member[0],
        "name": quote_plus(member[1]),
        "project": project[0],
        "someone": someone,
        "projects": size.projects,
        "last": last,
        "middle": last // 2,
        "last_project": -(-size.projects // 50),
    }
    return Place(url, cookie, {name: path.format(**filled) for name, path in PAGES.items()})


# --- what the database is asked --------------------------------------------------------------------------------


def explain(place: Place) -> dict[str, list[str]]:
    """Return, by page, what it reads of a tenant's rows without an index leading there."""
    app = create_app(Settings(database_url=place.url, secret_key=SECRET_KEY, mail_worker=False))
    found = {}
    for name, path in {**place.pages, "audit log as CSV": EXPORT}.items():
        with explained(app) as plans:
            client = app.test_client()
            client.set_cookie("session", place.cookie)
            answer = client.get(path)
            assert answer.data
        wrong = [f"nothing: {answer.status}"] if answer.status_code != 200 else []
        found[name] = wrong + sorted({line for plan in plans for line in scans(plan)})
    return found


@contextmanager
def explained(_app: Flask) -> Iterator[list[dict[str, Any]]]:
    """Have every statement explained before it is sent, on its own connection, with its own parameters and scope."""
    execute, plans = psycopg.Cursor.execute, []

    def first(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if text.lstrip().upper().startswith(("SELECT", "WITH")) and "set_config" not in text:
            execute(cursor, f"EXPLAIN (FORMAT JSON) {text}", params)
            plans.append(cursor.fetchone()[0][0]["Plan"])
        return execute(cursor, query, params, **options)

    with patch.object(psycopg.Cursor, "execute", first):
        yield plans


def scans(plan: dict[str, Any]) -> list[str]:
    """Return the sequential scans of a plan over a tenant's table."""
    here = plan["Node Type"] == "Seq Scan" and plan.get("Relation Name") in TENANT
    below = [line for child in plan.get("Plans", []) for line in scans(child)]
    return [f"{plan.get('Relation Name')}: {plan.get('Filter', '')}"] * here + below


# --- what it takes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """What a page takes: milliseconds, p95 at twenty a second, and of CPU each; bytes."""

    p95: float
    cpu: float
    bytes: int


async def measure(host: Host, place: Place, pids: list[int]) -> dict[str, Taken]:
    """Ask for each page, again and again."""
    found = {}
    for name, path in place.pages.items():
        await ask(host, path, place.cookie, 0.5)
        before = sum(map(cpu, pids))
        took, size = await ask(host, path, place.cookie, SECONDS)
        found[name] = Taken(p95(took), (sum(map(cpu, pids)) - before) * 1000 / len(took), size)
        print(f"{name}: p95 {found[name].p95:.0f} ms, {found[name].cpu:.1f} ms of CPU", file=sys.stderr, flush=True)
    return found


async def ask(host: Host, path: str, cookie: str, seconds: float) -> tuple[list[float], int]:
    """Ask for a page so many times a second; return how long each took, in milliseconds, and its size."""
    took, sizes = [], []

    async def one() -> None:
        began = time.perf_counter()
        status, answer = await host.get(path, cookie)
        took.append((time.perf_counter() - began) * 1000)
        if status != 200:
            print(f"{path} was answered {status}", file=sys.stderr, flush=True)
        sizes.append(len(answer))

    tasks = []
    for _ in range(int(seconds * A_SECOND)):
        tasks.append(asyncio.create_task(one()))
        await asyncio.sleep((0.5 + random.random()) / A_SECOND)
    await asyncio.gather(*tasks)
    return took, sizes[0]


def at(size: Size, explains: bool) -> tuple[dict[str, Taken], dict[str, list[str]], float]:
    """Fill a database of this size; return what pages take there, what they read, and the export's rows a second."""
    with throwaway(SETTINGS) as postgres:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE size OWNER freehold")
        url = postgres.url("freehold", "size")
        with Server(url, free_port(), "smtp://127.0.0.1:1", MAIL_WORKER="off") as server:
            began = time.perf_counter()
            place = fill(url, postgres.url("postgres", "size"), size)
            print(f"filled in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            read = explain(place) if explains else {}
            host = Host(server.url)
            taken = asyncio.run(measure(host, place, [server.pid, postgres.pid or 0]))
            return taken, read, asyncio.run(exported(host, place))


async def exported(host: Host, place: Place) -> float:
    """Return how many lines of the audit log a second are downloaded."""
    began = time.perf_counter()
    status, answer = await host.get(EXPORT, place.cookie)
    assert status == 200
    return answer.count(b"\n") / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.size")
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    small, read, lines = at(SMALL, explains=False)
    large: dict[str, Taken] = {}
    if not asked.small:
        large, read, lines = at(LARGE, explains=True)
    print("\n| page | p95, ms | CPU, ms | growth of CPU | bytes |\n|---|---|---|---|---|")
    for name, taken in (large or small).items():
        growth = taken.cpu / small[name].cpu
        print(f"| {name} | {taken.p95:.0f} | {taken.cpu:.1f} | {growth:.2f} | {taken.bytes:,} |")
    print(f"\nThe audit log as CSV: {lines:,.0f} lines a second.")
    wrong = [f"{name}: reads {line}" for name, lines_of in read.items() for line in lines_of]
    wrong += [f"{name}: p95 {taken.p95:.0f} ms" for name, taken in large.items() if taken.p95 > LIMIT]
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
