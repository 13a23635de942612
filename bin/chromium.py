"""Find a Chromium for `bin/test` and `bin/screenshots`, or install one; nothing but Python is needed."""

import os
import shutil
import subprocess
from pathlib import Path

import bootstrap

CHROMIUM = "FREEHOLD_CHROMIUM"
MISSING = "FREEHOLD_CHROMIUM_MISSING"
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
WHERE = "from playwright.sync_api import sync_playwright as p\nwith p() as it: print(it.chromium.executable_path)"


def prepare() -> None:
    """Name a Chromium in FREEHOLD_CHROMIUM for the tests, or else the reason why not in FREEHOLD_CHROMIUM_MISSING.

    The tests fail with that reason in continuous integration (CI=true) and are skipped with it elsewhere.
    """
    if found := os.environ.get(CHROMIUM) or find() or install():
        os.environ[CHROMIUM] = found
        return
    reason = f"no Chromium: install one (Debian: apt install chromium) or name one in {CHROMIUM}"
    os.environ[MISSING] = reason
    bootstrap.say(f"The browser tests do not run: {reason}.")


def find() -> str | None:
    """Return the path of a Chromium or Chrome on this machine."""
    known = [path for command in COMMANDS if (path := shutil.which(command))]
    return next((path for path in (*known, MAC, _playwrights()) if path and Path(path).exists()), None)


def install() -> str | None:
    """Install Chromium: with apt where we are root, else Playwright's own; None if neither works."""
    bootstrap.say("Installing Chromium for the browser tests ...")
    if os.geteuid() == 0 and shutil.which("apt-get"):
        apt = ["apt-get", "-qq", "-o", "Acquire::Retries=1"]
        if _works([*apt, "update"]) and _works([*apt, "install", "-y", "--no-install-recommends", "chromium"]):
            return find()
    deps = ["--with-deps"] if os.geteuid() == 0 and shutil.which("apt-get") else []
    _works([str(bootstrap.PYTHON), "-m", "playwright", "install", *deps, "chromium"])
    return find()


def _playwrights() -> str:
    """Return where Playwright would have its own Chromium."""
    command = [str(bootstrap.PYTHON), "-c", WHERE]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _works(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, capture_output=True, env=environment, check=False).returncode == 0
