"""What makes templates quick: nothing here changes what they say."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import jinja2
from flask import Flask, g, request
from flask import url_for as build_url


def init_app(app: Flask) -> None:
    """Give every template the quick way to an address."""
    app.jinja_env.template_class = Template
    app.jinja_env.globals["url_for"] = url_for


def url_for(endpoint: str, **values: Any) -> str:
    """Return an address, as Flask builds it. A page has twenty, mostly those that it had for the reader before."""
    given = tuple(values.items())
    if endpoint.startswith(".") or not all(isinstance(value, str | int | UUID | None) for _, value in given):
        return build_url(endpoint, **values)
    return _built(request.script_root, g.get("slug"), endpoint, given)


@lru_cache(maxsize=1024)
def _built(_root: str, _slug: str | None, endpoint: str, given: tuple[tuple[str, Any], ...]) -> str:
    """Build an address; it depends on the organization that the page is in as well (blueprints.gate.push_slug)."""
    return build_url(endpoint, **dict(given))


class Template(jinja2.Template):
    """A template whose macros are made once.

    Jinja looks at each import whether the importing template has globals of its own, which takes longer than most
    macros do. None has: what differs from page to page is given as context.
    """

    def _get_default_module(self, ctx: Any = None) -> Any:
        return super()._get_default_module()
