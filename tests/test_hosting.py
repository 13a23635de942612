"""hosting/ and docs/hosting.md name nothing that is not there, and fit the application."""

import configparser
import os
import re
import subprocess
from dataclasses import fields, replace
from pathlib import Path

import psycopg
import pytest
from flask_migrate import upgrade

from app import create_app
from config import Settings, from_environment
from models import db
from runtime.binaries import find_binaries
from runtime.checks import faults
from runtime.postgres import throwaway
from runtime.server_options import CAREFUL_SETTINGS
from tests.test_architecture import LAYERS, ROOT

HOSTING = ROOT / "hosting"
PAGE = ROOT / "docs" / "hosting.md"
SETTINGS = {field.name.upper() for field in fields(Settings)}
# Of psql, the image of PostgreSQL, and the two servers that HAProxy is told of.
OF_OTHERS = {"OWNER_PASSWORD", "WEB_PASSWORD", "POSTGRES_PASSWORD", "ON_ERROR_STOP", "FREEHOLD_ONE", "FREEHOLD_TWO"}
FOREIGN = ("AF_", "PYTHON", "HAPROXY_", "METH_")


def text(name):
    return (HOSTING / name).read_text()


def variables(name):
    """The settings that a file of NAME=value lines gives."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text(name), re.M))


def test_every_file_that_the_page_links_or_installs_is_there():
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE.read_text())]
    named = re.findall(r"\bhosting/[a-z.]+\w", PAGE.read_text())
    assert len(links) > 4
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
    assert [name for name in set(named) - {"hosting/.env"} if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", [PAGE, *sorted(HOSTING.iterdir())], ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path):
    named = set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", path.read_text()))
    others = OF_OTHERS | {name for name in named if name.startswith(FOREIGN)}
    assert named - others <= SETTINGS


def test_every_command_that_the_page_names_exists(app):
    commands = set(re.findall(r"(?<![/-])\bfreehold ((?:db|users|audit|mail|prune)(?: [a-z-]+)?)", PAGE.read_text()))
    assert "db upgrade" in commands
    for group, _, name in (command.partition(" ") for command in commands):
        assert group in app.cli.commands
        assert name in ("", *app.cli.commands[group].commands) or name.startswith("--")


def test_the_settings_of_a_host_are_those_of_a_safe_one_once_they_have_a_key():
    given = {name: value.strip('"') for name, value in variables("freehold.env").items()}
    assert given["SECRET_KEY"] == ""
    host = from_environment(given | {"SECRET_KEY": "k3Jq9vXw2LmZp8RtYb5NcHs7DfGa1UeQ"})
    assert (host.production, host.https, host.trusted_proxies) == (True, True, 1)


def test_systemd_and_sh_read_the_same_settings(tmp_path):
    """The command's file and the service's are one, and a name with spaces comes out of both."""
    shown = subprocess.run(
        ["sh", "-c", f'set -a; . "{HOSTING / "freehold.env"}"; env'], capture_output=True, text=True, check=True, env={}
    ).stdout
    assert "MAIL_FROM=Freehold <freehold@example.com>\n" in shown


@pytest.mark.parametrize("name", ["freehold.socket", "Caddyfile", "nginx.conf", "compose.yaml"])
def test_what_stands_in_front_asks_where_the_application_listens(name):
    assert f"{Settings.bind}:{Settings.port}" in text(name)
    assert not re.search(rf"127\.0\.0\.1:(?!{Settings.port}\b)\d", text(name))


def test_nginx_passes_streams_on_and_forged_addresses_never(app):
    streams = re.search(r"location ~ (\S+) \{(.*?)\}", text("nginx.conf"), re.S)
    with app.test_request_context():
        for address in ("/live", app.url_for("live.organization", slug="northfield")):
            assert re.match(streams[1], address)
    assert {"proxy_buffering off;", "proxy_read_timeout 1h;", 'proxy_set_header Connection "";'} <= {
        line.strip() for line in streams[2].splitlines()
    }
    forwarded = re.findall(r"proxy_set_header X-Forwarded-For (\S+);", text("nginx.conf"))
    assert forwarded == ["$remote_addr", "$remote_addr"]
    assert re.findall(r"gzip (\w+);", text("nginx.conf")) == ["off"]


def test_no_proxy_keeps_a_connection_longer_than_the_application():
    ours = int(re.search(r"^keepalive = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.M)[1])
    assert int(re.search(r"keepalive (\d+)s", text("Caddyfile"))[1]) < ours
    assert "keepalive" not in text("nginx.conf")


def unit(name):
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str
    parsed.read_string(text(name))
    return parsed


def test_the_service_runs_our_server_and_waits_until_it_has_finished():
    service = unit("freehold.service")["Service"]
    assert service["ExecStart"].endswith("-m gunicorn -c gunicorn.conf.py app:create_app()")
    finishes = int(re.search(r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.M)[1])
    assert int(service["TimeoutStopSec"]) > finishes
    assert f"stop_grace_period: {service['TimeoutStopSec']}s" in text("compose.yaml")
    assert service["User"] != unit("embedded.conf")["Service"]["User"]


def test_the_image_has_all_of_the_code_and_no_compiler():
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.M))
    sources = {source for line in copied for source in line.split()}
    folders = {name for name in LAYERS if (ROOT / name).is_dir()} | {"migrations", "static", "templates"}
    files = {f"{name}.py" for name in LAYERS if not (ROOT / name).is_dir()} | {"gunicorn.conf.py"}
    assert sources - {"bin/bootstrap.py", "requirements.lock"} == folders | files
    kept = {line[1:] for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert kept == sources
    assert "apt" not in text("Dockerfile")
    assert re.findall(r"^USER (\d+)$", text("Dockerfile"), re.M) == ["10001"]


def test_the_secrets_of_compose_are_asked_for_and_in_its_example():
    asked = set(re.findall(r"\$\{(\w+):\?\}", text("compose.yaml")))
    assert (
        {"SECRET_KEY", "OWNER_PASSWORD", "WEB_PASSWORD", "POSTGRES_PASSWORD"} <= asked <= set(variables("env.example"))
    )
    assert {variables("env.example")[name] for name in asked if name.endswith(("KEY", "PASSWORD"))} == {""}


def test_the_two_roles_are_made_so_that_nothing_is_wrong_with_the_database(settings):
    """With passwords, which nobody asks for here; the owner migrates, and the web role's own login is fit."""
    with throwaway(CAREFUL_SETTINGS) as server:
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute("DROP DATABASE freehold")
            admin.execute("DROP ROLE freehold")
        psql = find_binaries().program("psql")
        passwords = {"OWNER_PASSWORD": "it's one", "WEB_PASSWORD": "another"}
        command = [psql, "--no-psqlrc", "-f", str(HOSTING / "roles.sql"), server.url("postgres", "postgres")]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | passwords)
        web, owner = server.url("freehold_web", "freehold"), server.url("freehold", "freehold")
        host = replace(settings, freehold_env="production", database_url=web, database_owner_url=owner)
        app = create_app(host)
        with app.app_context():
            upgrade()
            db.engine.dispose()
        assert faults(host) == []
        assert faults(replace(host, database_url=owner)) == []
        with psycopg.connect(server.url("postgres", "postgres")) as admin:
            (known,) = admin.execute("SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM-%'").fetchone()
            assert known == 2


def test_the_command_of_a_host_is_sh():
    assert Path(HOSTING / "freehold").stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(HOSTING / "freehold")], check=True)
