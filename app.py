"""create_app(): plugs the parts together, decides nothing."""

import os
from pathlib import Path

from flask import Flask
from flask_login import LoginManager
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

import access
import config
import demo
import emails
from blueprints import (
    assets,
    auth,
    compression,
    csrf,
    errors,
    fragments,
    gate,
    headers,
    live,
    once,
    orgs,
    pages,
    pieces,
    presentation,
    projects,
    templates,
    text,
    watching,
)
from config import Settings
from models import db
from models.organization import SLUG
from runtime import database, logs, mailer, postgres
from runtime.readiness import Readiness
from runtime.sessions import PostgresSessions

MAX_REQUEST = 1024 * 1024  # bytes (DESIGN.md section 2)


class SlugConverter(BaseConverter):
    """An organization's address in a route; anything that cannot be one is a 404 without a query."""

    regex = SLUG


def create_app(settings: Settings | None = None) -> Flask:
    """Make the WSGI application.

    Args:
        settings: read from the environment unless given.

    Raises:
        config.SettingsError: naming each setting that must change.
        RuntimeError: a route has no gate.
    """
    settings = settings or config.from_environment()
    logs.init(production=settings.production)
    app = Flask(__name__)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.keys("flask")[0],
        MAX_CONTENT_LENGTH=MAX_REQUEST,
        MAX_FORM_MEMORY_SIZE=MAX_REQUEST,
        PERMANENT_SESSION_LIFETIME=settings.session_max_days * 24 * 3600,
        SESSION_COOKIE_NAME=settings.cookie_name("session"),
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        SQLALCHEMY_DATABASE_URI=database.engine_url(settings.database_url or _embedded(app)),
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(settings),
    )
    app.url_map.converters["slug"] = SlugConverter
    app.url_map.merge_slashes = False  # it would lead from `//orgs` to whatever host the request names
    _connect(app)
    _guard(app)
    _dress(app)
    for blueprint in (*pages.blueprints, auth.bp, orgs.bp, projects.bp, live.bp):
        app.register_blueprint(blueprint)
    if not settings.production:
        app.register_blueprint(pages.development)
    app.cli.add_command(demo.cli)
    gate.refuse_undeclared_routes(app)
    if settings.mail_worker and not _is_command():
        mailer.start(app, emails.render)
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    return app


def _embedded(app: Flask) -> str:
    app.extensions["postgres"] = server = postgres.attach_or_start(config.INSTANCE)
    return server.url()


def _connect(app: Flask) -> None:
    db.init_app(app)
    with app.app_context():
        database.prepare(db.engine)
    Migrate(app, db, directory=str(Path(__file__).parent / "migrations"))
    app.session_interface = PostgresSessions(app)
    app.extensions["readiness"] = Readiness(app)


def _guard(app: Flask) -> None:
    """Who is asking, before each request; what the browser must know, after it."""
    # Not by init_app(): for a cookie that we have not ("remember me") it reads the session in every request, and caches
    # would have to keep static files apart for each person.
    app.login_manager = login = LoginManager()  # type: ignore[attr-defined]
    login.session_protection = None  # it compares address and browser, which change on the way; the id is enough
    login.user_loader(gate.load_viewer)
    watching.init_app(app)
    app.url_value_preprocessor(gate.pull_slug)
    app.url_defaults(gate.push_slug)
    text.init_app(app)
    app.before_request(gate.load_identity)
    compression.init_app(app)  # first here is last in the request: nothing changes a page any more
    headers.init_app(app)
    app.after_request(csrf.keep_visitor)
    app.after_request(fragments.forget_toast)
    once.init_app(app)
    errors.init_app(app)


def _dress(app: Flask) -> None:
    """What templates can say."""
    assets.init_app(app)
    templates.init_app(app)
    presentation.init_app(app)
    pieces.init_app(app)
    live.init_app(app)
    says = {"csrf_token": csrf.csrf_token, "request_id": headers.request_id}
    app.jinja_env.globals.update(can=gate.can, P=access.PERMISSIONS, **says)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(pages.surroundings)


def _is_command() -> bool:
    """A `flask …` command is not a server: mail that it queues is delivered by one."""
    return os.environ.get("FLASK_RUN_FROM_CLI") == "true"
