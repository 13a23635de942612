"""What each peer is: how it is started and how one talks to it."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
APPS = HERE / "apps"
HOME = Path(os.environ.get("BENCH_HOME", "/tmp/freehold-peers"))  # what is installed and measured
PASSWORD = "correct horse battery 42"
SECRET = "bench-secret-key-0123456789abcdef0123456789"
LANES = {
    "ARGON2_MEMORY_KIB": "65536",
    "ARGON2_PASSES": "3",
    "ARGON2_LANES": "4",
}  # argon2-cffi's own, as the peers have


@dataclass(frozen=True)
class Peer:
    """One system under measurement; paths may name the organization's number as {o}."""

    name: str
    label: str
    app: str  # its directory under apps/
    port: int
    command: list[str]
    csrf: str = ""  # how it wants its token: "" (none), "header", "field", "origin"
    org: str = "/orgs/org-{o}"
    check: str = "/orgs/org-{o}/check"
    invite: str = "/orgs/org-{o}/invitations"
    invitation: dict[str, str] = field(default_factory=lambda: {"email": "invited@@N@@@example.com", "role": "viewer"})
    login: str = "/login"
    form: str = "/login"  # where a visitor gets a token
    register: str = "/register"
    account: dict[str, str] = field(
        default_factory=lambda: {"email": "new@@N@@@example.com", "name": "New Person", "password": PASSWORD}
    )
    fields: tuple[str, str] = ("email", "password")
    environment: dict[str, str] = field(default_factory=dict)
    large: bool = False  # ten times the data

    @property
    def database(self) -> str:
        """The database it works on."""
        return f"bench_{self.app}{'_10x' if self.large else ''}"

    @property
    def users(self) -> int:
        """How many people there are."""
        return 1_000_000 if self.large else 100_000

    def admin(self, organization: int) -> str:
        """The address of the Admin of an organization from 2 on (seed.sql: its second member)."""
        return self.person(organization, 2)

    def person(self, organization: int, place: int) -> str:
        """The address of a member of an organization from 2 on."""
        return f"user{self.users // 10 + (organization - 2) * 25 + place}@example.com"


def _gunicorn(environment: str, app: str, port: int) -> list[str]:
    """Start two worker processes of the kind that Freehold's own configuration has."""
    kind = ["-k", "gthread", "--threads", "4"] if os.environ.get("BENCH_THREADS") else ["-k", "gevent"]
    binary = str(HOME / environment / "bin" / "gunicorn")
    return [binary, *kind, "-w", "2", "--keep-alive", "30", "-b", f"127.0.0.1:{port}", "--log-level", "warning", app]


def _freehold(port: int, name: str, label: str, org: str) -> Peer:
    return Peer(
        name,
        label,
        "freehold",
        port,
        [str(ROOT / ".venv/bin/gunicorn"), "-c", str(ROOT / "gunicorn.conf.py"), "wsgi:app"],
        csrf="field",
        org=org,
        invite="/orgs/org-{o}/people/invite",
        invitation={"emails": "invited@@N@@@example.com", "role": "VIEWER", "message": "", "idem": "@@N@@"},
        register="/signup",
        account={"email": "new@@N@@@example.com", "name": "New Person", "password": PASSWORD, "idem": "@@N@@"},
        environment={
            **LANES,
            "PYTHONPATH": str(ROOT),
            "FREEHOLD_ENV": "production",
            "SECRET_KEY": SECRET,
            "BASE_URL": f"https://127.0.0.1:{port}",
            "PORT": str(port),
            "WEB_PROCESSES": "2",
            "HASHING_THREADS": "2",
            "TRUSTED_PROXIES": "1",
            "EMAIL_VERIFICATION": "off",
            "SMTP_URL": "smtp://127.0.0.1:9",
            "MAIL_WORKER": "off",
        },
    )


FLOOR = "floor"
BASE = [
    Peer(FLOOR, "P0 plain WSGI", "floor", 8100, _gunicorn("flask", "wsgi_app:app", 8100)),
    Peer("floor_flask", "P0f the same in a Flask view", "floor", 8101, _gunicorn("flask", "flask_app:app", 8101)),
    _freehold(8150, "freehold", "**Freehold**, a page of a host product", "/orgs/org-{o}/list"),
    _freehold(8151, "freehold_people", "**Freehold**, its People page with all of the layout", "/orgs/org-{o}/people"),
    Peer(
        "flask_security",
        "Flask-Security-Too",
        "flask_security",
        8110,
        _gunicorn("flask", "app:app", 8110),
        csrf="header",
        account={
            "email": "new@@N@@@example.com",
            "name": "New Person",
            "password": PASSWORD,
            "password_confirm": PASSWORD,
        },
    ),
    Peer(
        "flask_naive",
        "Flask-Login, -Session, -SQLAlchemy as usual",
        "flask_naive",
        8111,
        _gunicorn("flask", "app:app", 8111),
        csrf="header",
    ),
    Peer(
        "django",
        "Django, allauth, django-organizations",
        "django",
        8120,
        _gunicorn("django", "wsgi:application", 8120),
        csrf="header",
        org="/orgs/{o}",
        check="/orgs/{o}/check",
        invite="/orgs/{o}/invitations",
        login="/accounts/login/",
        form="/csrf",
        register="/accounts/signup/",
        account={"email": "new@@N@@@example.com", "password1": PASSWORD},
        fields=("login", "password"),
    ),
    Peer(
        "better_auth",
        "better-auth",
        "better_auth",
        8130,
        ["node", "server.mjs"],
        csrf="origin",
        invite="/api/auth/organization/invite-member",
        invitation={"email": "invited@@N@@@example.com", "role": "viewer", "organizationId": "org-{o}"},
        login="/api/auth/sign-in/email",
        register="/api/auth/sign-up/email",
        environment={"NODE_ENV": "production", "BETTER_AUTH_TELEMETRY": "0"},
    ),
]


def _ten_times(peer: Peer) -> Peer:
    """Return the same peer on ten times the data."""
    port = peer.port + 1000
    command = [part.replace(str(peer.port), str(port)) for part in peer.command]
    environment = {name: value.replace(str(peer.port), str(port)) for name, value in peer.environment.items()}
    label = f"{peer.label}, 10 times the data"
    return replace(
        peer, name=f"{peer.name}_10x", label=label, port=port, command=command, environment=environment, large=True
    )


LARGE = [_ten_times(peer) for peer in BASE if peer.name in (FLOOR, "freehold", "freehold_people", "flask_naive")]
PEERS = {peer.name: peer for peer in (*BASE, *LARGE)}
