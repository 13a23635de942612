"""Installing the peers from the public registries, and filling their databases with the same people."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from bench.peers.peers import APPS, HERE, HOME, PASSWORD, ROOT, Peer
from runtime.embedded import EmbeddedPostgres

# A server that keeps what it acknowledges, with all data in memory, and counts its statements when asked to.
SETTINGS = {
    "max_connections": "400",
    "shared_buffers": "2GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_preload_libraries": "pg_stat_statements",
}
BETTER_AUTH = HOME / "better_auth"  # with its packages, outside of the repository


def install() -> None:
    """Make what is missing: two virtual environments, better-auth's packages, and the load generator (Debian's wrk)."""
    HOME.mkdir(mode=0o711, parents=True, exist_ok=True)  # open enough for the account that root's servers run as
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    for name in ("flask", "django"):
        if not (HOME / name / "bin" / "gunicorn").exists():
            _run([sys.executable, "-m", "venv", str(HOME / name)])
            _run([str(HOME / name / "bin" / "pip"), "install", "-q", "-r", str(HERE / f"requirements-{name}.txt")])
    if not (BETTER_AUTH / "node_modules").exists():
        shutil.copytree(APPS / "better_auth", BETTER_AUTH, dirs_exist_ok=True)
        _run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=BETTER_AUTH)


def directory(peer: Peer) -> Path:
    """Where a peer is started."""
    return BETTER_AUTH if peer.app == "better_auth" else APPS / peer.app


def server() -> EmbeddedPostgres:
    """The server of all peers."""
    (HOME / "server").mkdir(parents=True, exist_ok=True)
    return EmbeddedPostgres(HOME / "server", settings=SETTINGS)


@cache
def socket_directory() -> str:
    """Where its socket lies."""
    (found,) = parse_qs(urlsplit(server().url()).query)["host"]
    return found


def environment(peer: Peer) -> dict[str, str]:
    """What a peer's processes are told."""
    given = {"BENCH_DB": peer.database, "BENCH_PORT": str(peer.port), "PASSWORD": PASSWORD}
    reached = {
        "PGHOST": socket_directory(),
        "PGUSER": "postgres",
    }  # libpq's own variables, which node-postgres knows too
    url = {"DATABASE_URL": f"postgresql://freehold@:5432/{peer.database}?host={socket_directory()}"}
    return {**os.environ, **reached, **given, **(url if peer.app == "freehold" else {}), **peer.environment}


def fill(peer: Peer) -> None:
    """Make the peer's database, with its tables and the same people in them."""
    psql(f"DROP DATABASE IF EXISTS {peer.database} WITH (FORCE)")
    psql(f"CREATE DATABASE {peer.database} OWNER freehold")
    psql("CREATE EXTENSION pg_stat_statements", peer.database)
    password_hash = _tables(peer)
    common = (HERE / "seed.sql").read_text()
    psql(_filled(common, U=peer.users, O=peer.users // 10), peer.database)
    psql(_filled((directory(peer) / "seed.sql").read_text(), hash=password_hash), peer.database)
    if peer.app == "freehold":
        psql((ROOT / "bench/kept.sql").read_text(), peer.database)
    psql("DROP SCHEMA seed CASCADE", peer.database)
    psql("VACUUM ANALYZE", peer.database)


def psql(statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
    """Send statements as the superuser; return the last one's rows."""
    with psycopg.connect(f"host={socket_directory()} user=postgres dbname={database}", autocommit=True) as connection:
        found = connection.execute(statements.encode())
        while found.nextset():
            pass
        return found.fetchall() if found.description else []


def _tables(peer: Peer) -> str:
    """Make the peer's tables its own way; return the hash of everybody's password as it writes it."""
    told, flask, django = environment(peer), str(HOME / "flask/bin/python"), str(HOME / "django/bin/python")
    hashed = "import os, argon2; print(argon2.PasswordHasher().hash(os.environ['PASSWORD']))"
    if peer.app == "floor":
        psql((directory(peer) / "schema.sql").read_text(), peer.database)
        return _run([flask, "-c", hashed], env=told)
    if peer.app == "freehold":
        _run([str(ROOT / ".venv/bin/flask"), "--app", "app", "db", "upgrade"], cwd=ROOT, env=told)
        return _run([flask, "-c", hashed], env=told)
    if peer.app == "django":
        _run([django, "manage.py", "migrate", "-v", "0"], cwd=directory(peer), env=told)
        hashed = "import os, django; django.setup(); from django.contrib.auth.hashers import make_password as make; "
        hashed += "print(make(os.environ['PASSWORD']))"
        return _run([django, "-c", hashed], cwd=directory(peer), env={**told, "DJANGO_SETTINGS_MODULE": "settings"})
    if peer.app == "better_auth":
        return _run(["node", "migrate.mjs"], cwd=BETTER_AUTH, env=told)
    _run([flask, "-m", "flask", "--app", "app", "create-all"], cwd=directory(peer), env=told)
    return _run([flask, "-m", "flask", "--app", "app", "hash"], cwd=directory(peer), env=told)


def _filled(statements: str, **variables: object) -> str:
    """Put psql's variables into a script: `:U` as it is, `:'hash'` as a literal."""
    for name, value in variables.items():
        statements = statements.replace(f":'{name}'", f"'{value}'").replace(f":{name}", str(value))
    return statements


def _run(command: list[str], **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return str(done.stdout).strip().splitlines()[-1] if done.stdout.strip() else ""
