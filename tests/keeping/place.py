"""An instance of its own: a directory with an embedded database, and the application on it, as one host has them."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade

import config
from app import create_app
from config import Settings
from models import db

KEY = "a key that is only used by tests, 0123456789"


@contextmanager
def served(instance: Path) -> Iterator[Flask]:
    """The application on the embedded database in `instance`, which this process serves if no other one does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "INSTANCE", instance)
        quick = Settings(argon2_memory_kib=8, argon2_passes=1, mail_worker=False, testing=True)
        app = create_app(replace(quick, secret_key=KEY, base_url="http://localhost"))
    try:
        yield app
    finally:
        app.extensions["live"].stop()
        with app.app_context():
            db.engine.dispose()
        app.extensions["postgres"].stop()


def migrate(app: Flask) -> None:
    """Make the tables."""
    with app.app_context():
        upgrade()


def run(app: Flask, *arguments: object) -> tuple[int, str]:
    """Run a command; its exit code and what it said."""
    answer = app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, answer.output


def copy(instance: Path, to: Path) -> Path:
    """A copy of a stopped instance, with the owners of its files."""
    to.mkdir(mode=0o711)
    subprocess.run(["cp", "-a", f"{instance}/.", str(to)], check=True)
    return to


def remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
