"""Accounts: signing up, logging in, passwords, and joining by an invitation."""

from blueprints.auth import (
    account,
    check_email,
    cli,
    confirm,
    email,
    export,
    joining,
    landing,
    passkeys,
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
    "check_email",
    "cli",
    "confirm",
    "email",
    "export",
    "joining",
    "landing",
    "passkeys",
    "password",
    "second_step",
    "sessions",
    "sign_in",
    "sign_up",
    "two_step",
    "unlock",
]
