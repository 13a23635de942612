"""Pages whose address is a secret that was mailed: no other page may learn it."""

from typing import Any

from flask import Response, make_response, render_template


def secret_page(template: str, status: int = 200, **context: Any) -> Response:
    """Show a page that sends its address to nobody and is kept nowhere."""
    response = make_response(render_template(template, **context), status)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def masked(email: str) -> str:
    """Return an address that only its owner recognises: h•••@example.com."""
    mailbox, _, domain = email.rpartition("@")
    return f"{mailbox[:1]}•••@{domain}"
