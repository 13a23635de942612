"""Make a new database cluster: the files that one PostgreSQL server serves."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runtime.account import Account
from runtime.binaries import Binaries, PostgresError
from runtime.children import dies_with_parent
from runtime.server_options import clean_environment, command_line_options

SUPERUSER = "postgres"
ROLE = "freehold"
DATABASE = "freehold"

# One statement a line, as single-user mode reads them. The role is no superuser, as on a well-kept server; it may
# make further roles, so that migrations can set up the ones that row security needs.
FIRST_STATEMENTS = f"""\
CREATE ROLE {ROLE} LOGIN CREATEROLE
CREATE DATABASE {DATABASE} OWNER {ROLE}
"""


def make_cluster(
    data: Path, binaries: Binaries, account: Account, settings: Mapping[str, str], lock_descriptor: int
) -> None:
    """Make the data directory `data` with our role and database in it, whole or not at all.

    It is made beside its place and renamed when it is complete, so that an interruption leaves nothing that a
    later start could take for a database.

    Args:
        data: where the cluster shall be; must not exist.
        binaries: the programs to use.
        account: whom the files belong to.
        settings: server settings; `fsync=off` also skips the flush of the new files.
        lock_descriptor: an open lock for the programs to hold as long as any of them runs.

    Raises:
        PostgresError: if a program fails; with what it said.
    """
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    account.own_directory(draft)

    def run(command: list[str], text: str = "") -> None:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=draft,
            env=clean_environment(),
            pass_fds=[lock_descriptor],
            preexec_fn=dies_with_parent(signal.SIGKILL),
            **account.options(),
        )
        if done.returncode:
            raise PostgresError(f"{command[0]} failed:\n{(done.stderr or done.stdout).strip()}")

    run(_initdb(draft, binaries, settings))
    options = command_line_options({**settings, "exit_on_error": "on"})
    run([binaries.program("postgres"), "--single", "-D", str(draft), *options, SUPERUSER], FIRST_STATEMENTS)
    draft.rename(data)


def _initdb(draft: Path, binaries: Binaries, settings: Mapping[str, str]) -> list[str]:
    """Compose the initdb command. Trust is safe here: the only way in is a socket in a 0700 directory."""
    command = [binaries.program("initdb"), "--pgdata", str(draft), "--username", SUPERUSER, "--auth", "trust"]
    command += ["--encoding", "UTF8", "--data-checksums", "--no-instructions", *_locale(binaries.major)]
    return [*command, "--no-sync"] if settings.get("fsync") == "off" else command


def _locale(major: int) -> list[str]:
    """Choose a locale that knows upper and lower case beyond ASCII and is the same on every machine."""
    if major >= 17:
        return ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    return ["--locale", "C.UTF-8"] if os.uname().sysname == "Linux" else ["--locale", "C"]
