"""Running peers, and what their processes and PostgreSQL's take: CPU and memory, from /proc."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.peers.peers import HOME, Peer
from bench.peers.setup import directory, environment
from bench.peers.visits import Request

TICK = os.sysconf("SC_CLK_TCK")


class Running:
    """A peer that runs; its processes end with `stop()`."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        began = time.perf_counter()
        with (HOME / f"{peer.name}.log").open("ab") as log:
            told = environment(peer)
            self.process = subprocess.Popen(
                peer.command, cwd=directory(peer), env=told, stdout=log, stderr=log, start_new_session=True
            )
        while not self._answers():
            if self.process.poll() is not None or time.perf_counter() - began > 40:
                sys.exit(f"{peer.name} did not start; see {HOME}/{peer.name}.log")
            time.sleep(0.005)
        self.took = time.perf_counter() - began

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def cpu(self) -> float:
        """Seconds that its processes have used."""
        return cpu(self.process.pid)

    def shares(self) -> list[float]:
        """Seconds of each worker, least first: kept connections may all lie with one of them."""
        return sorted(_seconds(pid) for pid in tree(self.process.pid)[1:])

    def memory(self) -> list[tuple[float, float]]:
        """Resident and proportional MiB of each worker."""
        return [(_mib(pid, "Rss"), _mib(pid, "Pss")) for pid in tree(self.process.pid)[1:]]

    def _answers(self) -> bool:
        try:
            return Request("GET", "/hello", {}).send(self.peer.port).status == 200
        except OSError:
            return False


def cpu(pid: int) -> float:
    """Return the seconds that a process and its children have used, ended ones too."""
    return sum(_seconds(each) for each in tree(pid)) + _seconds(pid, ended_children=True)


def tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def _seconds(pid: int, *, ended_children: bool = False) -> float:
    stat = _stat(pid)
    user, system = (13, 14) if ended_children else (11, 12)
    return (int(stat[user]) + int(stat[system])) / TICK if stat else 0.0


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _mib(pid: int, kind: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"^{kind}:\s+(\d+)", text, re.M)
    return int(found[1]) / 1024 if found else 0.0
