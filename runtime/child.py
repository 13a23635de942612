"""A `flask …` command in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES_OF_TROUBLE = 12


class CommandFailed(Exception):
    """The command ended with an error; the message is the end of what it said."""


def flask(*arguments: str, **settings: str) -> str:
    """Run a command and return what it printed.

    Args:
        arguments: after `flask --app app`.
        settings: environment variables that it finds other than ours.

    Raises:
        CommandFailed: with what it said.
    """
    command = [sys.executable, "-m", "flask", "--app", "app", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CommandFailed("\n".join(said[-LINES_OF_TROUBLE:]))
    return done.stdout
