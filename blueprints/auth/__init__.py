"""Accounts: signing up, logging in, passwords, and joining by an invitation."""

from blueprints.auth import (
    account,
    cli,
    joining,
    landing,
    password,
    second_step,
    sessions,
    sign_in,
    sign_up,
    two_step,
    unlock,
)
from blueprints.auth.blueprint import bp

__all__ = [
    "account",
    "bp",
    "cli",
    "joining",
    "landing",
    "password",
    "second_step",
    "sessions",
    "sign_in",
    "sign_up",
    "two_step",
    "unlock",
]
