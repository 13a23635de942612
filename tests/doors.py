"""Every route of the application, for tests that try them all."""

from functools import cache

from flask import Flask
from werkzeug.routing import Rule

from app import create_app
from config import Settings


def routes() -> list[Rule]:
    """The rules of the URL map, as the application has them without a database."""
    return [rule for rule in _application().url_map.iter_rules() if rule.endpoint != "static"]


def shows(rule: Rule) -> bool:
    """True for a route that shows something; False for a button."""
    return "GET" in (rule.methods or ())


def gate(rule: Rule) -> object:
    """What its view declares: "public", a permission …"""
    return getattr(_application().view_functions[rule.endpoint], "gate", None)


def door_id(rule: Rule) -> str:
    return f"{'GET' if shows(rule) else 'POST'} {rule.rule}"


@cache
def _application() -> Flask:
    return create_app(Settings(database_url="postgresql://nobody@localhost/none", secret_key="x", mail_worker=False))
