"""Inject every fault, or those whose names have one of the given words in them, and print what was seen.

Each fault's control runs the same check against a server with one mistake in it, which the check must find.
"""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from bench.faults import clock, database, disk, mail, worker
from bench.faults.judging import Report


def faults() -> Iterator[tuple[str, Callable[[str], Report], str]]:
    """All of them: a name, the check, and the mistake of its control ("" where another one of its kind has that)."""
    for name, (_, _, mistake) in database.FAULTS.items():
        yield f"database {name}", partial(database.check, name), mistake
    for name in mail.FAULTS:
        yield f"mail {name}", partial(mail.check, name), mail.MISTAKE if name == "answering 4xx" else ""
    for name, for_the_log in disk.FAULTS.items():
        yield f"disk {name}", partial(disk.check, name), disk.MISTAKE if for_the_log else ""
    for name in ("worker", "PostgreSQL"):
        yield f"{name} killed at each step", partial(worker.check, name), worker.MISTAKE if name == "worker" else ""
    yield "clock a day wrong", partial(clock.check, "moved"), clock.MISTAKE


def main() -> None:
    words, failed, began = sys.argv[1:], [], time.monotonic()
    print("| fault | meanwhile: right, 503 | slowest 503 | all right after | acknowledged, all found | control finds |")
    print("|---|---|---|---|---|---|", flush=True)
    for name, check, mistake in faults():
        if words and not any(word in name for word in words):
            continue
        report = check("")
        found = sorted({what.partition(":")[0] for what in check(mistake).wrong}) if mistake else []
        print(f"| {name} | {' | '.join(report.figures)} | {'; '.join(found)} |", flush=True)
        failed += [f"{name}: {wrong}" for wrong in report.wrong]
        failed += [f"{name}: the control found nothing"] if mistake and not found else []
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    sys.exit("\n".join(failed) or None)


if __name__ == "__main__":
    main()
