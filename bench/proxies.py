"""The proxies of `hosting/` in front of the production server: `python -m bench.proxies`.

It wants Debian's packages caddy, nginx-light and curl. Each proxy runs with the example's own text, but for the names,
ports and certificate; the server as on a host, in production behind one proxy. What is not as docs/hosting.md says ends
the command.
"""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.streams import CHANGE, fill
from runtime.children import dies_with_parent
from runtime.postgres import throwaway
from runtime.server_options import CAREFUL_SETTINGS
from tests.browser.server import ROOT, Server, free_port
from tests.factories import PASSWORD

CERTIFICATE = ROOT / "tests" / "runtime" / "localhost.pem"
CLIENT, FORGED = "127.0.0.2", "203.0.113.9"
CHANGES = 10
SOON = 10.0  # seconds until a proxy listens
AT_ONCE = 1.0  # seconds until an open page hears of a change (DESIGN.md section 7)


class Site:
    """One proxy's address, asked as from another machine."""

    def __init__(self, directory: Path, server: Server, https: int) -> None:
        self.directory, self.server, self.https, self.http = directory, server, https, free_port()
        self.url = f"https://localhost:{https}"

    def curl(self, *arguments: str) -> str:
        command = ["curl", "-sk", "--max-time", "10", "--interface", CLIENT, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def caddy(self) -> list[str]:
        """Write Caddy's settings; return the command."""
        text = (ROOT / "hosting" / "Caddyfile").read_text()
        text = text.replace("{\n", f"{{\n\tadmin off\n\thttp_port {self.http}\n\thttps_port {self.https}\n", 1)
        text = text.replace("id.example.com {", f"localhost {{\n\ttls {CERTIFICATE} {CERTIFICATE}\n")
        return ["caddy", "run", "--adapter", "caddyfile", "--config", self._write("Caddyfile", text)]

    def nginx(self) -> list[str]:
        """Write nginx's settings; return the command."""
        text = (ROOT / "hosting" / "nginx.conf").read_text()
        text = re.sub(r".*listen \[::\].*\n", "", text)
        text = text.replace("listen 80", f"listen {self.http}").replace("listen 443", f"listen {self.https}")
        text = text.replace("https://id.example.com", self.url).replace("id.example.com;", "localhost;")
        text = re.sub(r"/etc/letsencrypt/\S+(?=;)", str(CERTIFICATE), text)
        around = (
            f"user root; daemon off; pid {self.directory}/pid; error_log stderr; events {{}} http {{ access_log off;"
        )
        path = self._write("nginx.conf", f"{around}\n{text}\n}}\n")
        return ["nginx", "-e", "stderr", "-p", str(self.directory), "-c", path]

    def _write(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text.replace("127.0.0.1:8000", self.server.url.removeprefix("http://")))
        return str(path)

    @contextmanager
    def running(self, command: list[str]) -> Iterator[None]:
        process = subprocess.Popen(
            command,
            stderr=(self.directory / "log").open("w"),
            env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(self.directory)},
            preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only makes one system call
        )
        try:
            until = time.monotonic() + SOON
            while subprocess.run(["curl", "-sk", f"{self.url}/healthz"], capture_output=True, check=False).returncode:
                assert process.poll() is None, (self.directory / "log").read_text()
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def speaks_http2(site: Site) -> str:
    said = site.curl("--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", f"{site.url}/login")
    assert said == "2 200", said
    return f"HTTP/{said[0]}"


def leads_to_https(site: Site) -> str:
    said = site.curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", f"http://localhost:{site.http}/login")
    status, _, target = said.partition(" ")
    assert status in ("301", "308"), said
    assert target in (f"{site.url}/login", "https://localhost/login"), said  # Caddy's is for the usual port
    return status


def binds_cookies(site: Site) -> str:
    head = site.curl("-D", "-", "-o", "/dev/null", f"{site.url}/login").lower()
    (cookie,) = re.findall(r"set-cookie: (.*)", head)
    assert cookie.startswith("__host-visitor="), cookie
    assert {"secure", "httponly", "path=/"} <= set(re.split(r";\s*", cookie.strip())), cookie
    assert "strict-transport-security: max-age=" in head
    return "__Host-, Secure"


def knows_the_client(site: Site) -> str:
    """Log in through the proxy, with a forged address; return the address of the session."""
    jar, email = str(site.directory / "jar"), "amara.okafor@example.org"
    page = site.curl("-b", jar, "-c", jar, f"{site.url}/login")
    (token,) = set(re.findall(r'name="csrf_token" value="(\w+)"', page))
    form = [f"csrf_token={token}", f"email={email}", f"password={PASSWORD}"]
    fields = [part for field in form for part in ("--data-urlencode", field)]
    forged = ["-H", f"X-Forwarded-For: {FORGED}", "-H", f"Forwarded: for={FORGED}"]
    site.curl("-b", jar, "-c", jar, *forged, *fields, f"{site.url}/login")
    with psycopg.connect(site.server.database_url) as owner:
        row = owner.execute("SELECT host(ip) FROM sessions ORDER BY created_at DESC LIMIT 1").fetchone()
    assert row == (CLIENT,), row
    return CLIENT


def passes_events_on(site: Site, cookie: str) -> str:
    """Hold a stream open over HTTP/2 and change something; return how soon it is told, at most."""
    address = f"{site.url}/orgs/northfield/live?since={time.time()}"
    command = ["curl", "-skN", "--http2", "-H", "Accept: text/event-stream", "-b", f"__Host-session={cookie}", address]
    stream = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    took = []
    try:
        assert stream.stdout
        assert stream.stdout.readline().startswith("retry:")
        with psycopg.connect(site.server.database_url, autocommit=True) as owner:
            for n in range(CHANGES):
                began = time.perf_counter()
                owner.execute(CHANGE, [("OPERATOR", "VIEWER")[n % 2]])
                while '"members"' not in (line := stream.stdout.readline()):
                    assert line, "the stream ended"
                took.append(time.perf_counter() - began)
    finally:
        stream.kill()
        stream.wait()
    assert max(took) < AT_ONCE, took
    return f"{max(took) * 1000:.0f} ms"


def check(name: str, url: str, cookie: str) -> list[str]:
    """Run one proxy in front of a server of its own; return what it did."""
    https = free_port()
    host = {"FREEHOLD_ENV": "production", "BASE_URL": f"https://localhost:{https}", "TRUSTED_PROXIES": "1"}
    with (
        Server(url, free_port(), "smtp://127.0.0.1:1", MAIL_WORKER="off", **host) as server,
        tempfile.TemporaryDirectory() as home,
    ):
        site = Site(Path(home), server, https)
        with site.running(getattr(site, name)()):
            simple: list[Callable[[Site], str]] = [speaks_http2, leads_to_https, binds_cookies, knows_the_client]
            return [*(one(site) for one in simple), passes_events_on(site, cookie)]


def main() -> None:
    names = ("caddy", "nginx")
    missing = [name for name in (*names, "curl") if not shutil.which(name, path="/usr/sbin:/usr/bin")]
    assert not missing, f"apt install {' '.join(missing)}"
    with throwaway(CAREFUL_SETTINGS) as postgres:
        url = postgres.url("freehold", "freehold")
        with Server(url, free_port(), "smtp://127.0.0.1:1"):
            cookie = fill(url, 50)[0]
        columns = [check(name, url, cookie) for name in names]
    rows = (
        "to a browser",
        "http leads to https",
        "cookies",
        "the client's address",
        f"an event, of {CHANGES}, at most",
    )
    print(f"\n| | {' | '.join(names)} |\n|---|---|---|")
    for row in zip(rows, *columns, strict=True):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
