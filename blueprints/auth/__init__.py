"""Accounts: signing up, logging in, passwords, and joining by an invitation."""

from blueprints.auth import account, cli, joining, landing, password, sessions, sign_in, sign_up, unlock
from blueprints.auth.blueprint import bp

__all__ = ["account", "bp", "cli", "joining", "landing", "password", "sessions", "sign_in", "sign_up", "unlock"]
