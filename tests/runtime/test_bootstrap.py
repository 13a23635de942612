"""Setting up happens once, whole or not at all, and needs no more than Python and pip."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bootstrap
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 300  # seconds for a whole installation


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A fresh checkout in a path with spaces, as far as bootstrap can see."""
    root = tmp_path / "fresh copy"
    root.mkdir()
    paths = {"VENV": ".venv", "BOOT": ".boot", "PYTHON": ".venv/bin/python"}
    locks = {"SERVE_LOCK": "requirements.lock", "TEST_LOCK": "requirements-dev.lock"}
    for name, path in {**paths, **locks}.items():
        monkeypatch.setattr(bootstrap, name, root / path)
    for path in locks.values():
        (root / path).write_text(f"# {path}\n")
    return root


@pytest.fixture
def installed():
    """The lock files that were installed, in order."""
    return []


def test_the_second_start_has_nothing_to_do(checkout, installed):
    assert bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)
    assert not bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)
    assert installed == [bootstrap.SERVE_LOCK]


def test_a_changed_lock_file_is_installed_into_the_same_environment(checkout, installed):
    bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)
    kept = bootstrap.VENV / "kept"
    kept.touch()
    bootstrap.SERVE_LOCK.write_text("# newer\n")
    assert bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)
    assert kept.exists()


def test_the_tests_packages_are_enough_for_the_server_but_not_the_other_way(checkout, installed):
    bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)
    assert bootstrap.sync(bootstrap.TEST_LOCK, installed.append)
    assert not bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)


def test_an_interrupted_installation_is_done_again(checkout, installed):
    bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)
    bootstrap.SERVE_LOCK.write_text("# newer\n")

    def interrupted(lock):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bootstrap.sync(bootstrap.SERVE_LOCK, interrupted)
    assert bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)


def test_of_several_at_once_one_installs(checkout, installed):
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: bootstrap.sync(bootstrap.SERVE_LOCK, installed.append), range(4)))
    assert sorted(done) == [False, False, False, True]
    assert len(installed) == 1


def test_an_environment_that_does_not_run_is_made_anew(checkout, installed):
    bootstrap.VENV.joinpath("bin").mkdir(parents=True)
    bootstrap.PYTHON.symlink_to("/nonexistent/python3")
    bootstrap.sync(bootstrap.SERVE_LOCK, installed.append)
    prefix = subprocess.check_output([bootstrap.PYTHON, "-c", "import sys; print(sys.prefix)"], text=True)
    assert prefix.strip() == str(bootstrap.VENV)


def test_what_cannot_be_installed_ends_in_one_plain_message(checkout, monkeypatch):
    def refuse(command):
        works = "venv" in command
        return subprocess.CompletedProcess(command, 0 if works else 1, "", "no such host")

    bootstrap.VENV.mkdir()
    monkeypatch.setattr(bootstrap, "_quietly", refuse)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(SystemExit, match="needs pip"):
        bootstrap.prepare(bootstrap.SERVE_LOCK)


def test_packages_without_wheels_for_musl_can_be_left_out():
    text = "# top\na==1 \\\n    --hash=sha256:1\n    # via b\nb==2 \\\n    --hash=sha256:2\n"
    assert bootstrap.without({"a"}, text) == "# top\nb==2 \\\n    --hash=sha256:2\n"
    assert bootstrap.without(set(), text) == text


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-boot.lock"])
def test_lock_files_name_no_host_and_no_path(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "http" not in text
    assert " /" not in text


@pytest.mark.long
@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_a_bare_copy_sets_itself_up_in_a_path_with_spaces(tmp_path, uv):
    copy = tmp_path / "fresh copy"
    shutil.copytree(ROOT / "bin", copy / "bin")
    for lock in ROOT.glob("requirements*.lock"):
        shutil.copy(lock, copy)
    forbid = "" if uv else "bootstrap.find_uv = lambda: None; "
    code = f"import bootstrap; {forbid}bootstrap.prepare(bootstrap.SERVE_LOCK); bootstrap.run('-c', 'import flask')"
    environment = {**os.environ, "PYTHONPATH": str(copy / "bin")}
    base_python = Path(sys.base_prefix) / "bin" / "python3"
    subprocess.run([base_python, "-c", code], env=environment, check=True, timeout=LIMIT)
