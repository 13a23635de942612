"""How log lines look: JSON in production, for machines; text in development, for people.

No line holds a secret or an address. A request's line names its route, never its path; an exception is told by its kind
and the first line of its message, because PostgreSQL puts values on the next ones ("Key (email_key)=(…) exists").
"""

import json
import logging
import logging.config
import re
import sys
import time
import traceback
from contextvars import ContextVar
from functools import cache, lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:  # gunicorn.conf.py needs nothing but this file, and a reload must find the rest new
    from models.work import Work

REQUEST_ID = ContextVar("request id", default="")  # of the request that is being answered; what it logs carries it

_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;=]+@[^\s<>()\[\]\"',;]+")
# What gunicorn says of a request that it refused: the client's own words follow, which may be anything.
_REFUSED = re.compile(r"\w+ request from ip=\S+: [^:'\"]*")
_quoted = cache(json.dumps)


def configuration(*, production: bool) -> dict[str, Any]:
    """Return what logging.config.dictConfig() takes: all lines of all loggers go to the standard error stream."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": Json if production else Text}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "loggers": {
            "gunicorn.error": {"level": "WARNING", "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }


def init(*, production: bool) -> None:
    """Set logging up, unless the server that runs the application did."""
    if not logging.getLogger().hasHandlers():
        logging.config.dictConfig(configuration(production=production))


class _Plain(logging.Formatter):
    """What both have in common."""

    def formatException(self, ei: Any) -> str:
        """Tell where it happened and of what kind it is, with the causes; of messages the first line alone."""
        error: BaseException | None = ei[1]
        told = []
        while error is not None:
            told.append("".join(_lines(error, error.__traceback__)))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nwhile handling:\n".join(told)

    def message(self, record: logging.LogRecord) -> str:
        """Return what a line says, without the client's own words that gunicorn would repeat."""
        if record.name == "gunicorn.error":
            if record.msg == "Error handling request %s %s":
                return "Error handling a request"
            if refused := _REFUSED.match(record.getMessage()):
                return refused[0]
        return record.getMessage()


def _lines(error: BaseException, trace: TracebackType | None) -> list[str]:
    first = str(error).partition("\n")[0]
    return [*traceback.format_tb(trace), f"{type(error).__module__}.{type(error).__qualname__}: {first}"]


class Json(_Plain):
    """One line is one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line = {
            "time": _stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _ADDRESS.sub("(address)", self.message(record)),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = _ADDRESS.sub("(address)", self.formatException(record.exc_info))
        return json.dumps(line)


class Text(_Plain):
    """The time, and what is said."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        said = f"{_clock(record.created)} {record.levelname} {self.message(record)}"
        if request_id := REQUEST_ID.get():
            said += f" (request {request_id})"
        if record.exc_info:
            said += "\n" + self.formatException(record.exc_info)
        return said


# --- a request's line -----------------------------------------------------------------------------------------
# Written straight to the standard error stream, a line at a time. The logging module's record, lock and formatter, and
# a dictionary for json.dumps(), take several times as long, in every request (python -m bench.watching).


def as_json(request_id: str, method: str, route: str, status: str, work: "Work", seconds: float) -> None:
    """Tell a request that was answered, in production. See metrics.count(); ids, numbers and names need no escaping."""
    sys.stderr.write(
        f'{{"time":"{_stamp(time.time())}","level":"info","logger":"freehold.request","request_id":"{request_id}",'
        f'"user":{_id(work.user_id)},"organization":{_id(work.organization_id)},"method":"{method}",'
        f'"route":{_quoted(route)},"status":{status},"statements":{work.statements},'
        f'"database_ms":{work.seconds * 1000:.2f},"ms":{seconds * 1000:.2f}}}\n'
    )


def as_text(request_id: str, method: str, route: str, status: str, work: "Work", seconds: float) -> None:
    """Tell a request that was answered, in development."""
    who = f"user {work.user_id or '-'}, organization {work.organization_id or '-'}, request {request_id}"
    database = f"{work.statements} statements in {work.seconds * 1000:.1f} ms"
    line = f"{_clock(time.time())} {status} {method} {route or '-'} {seconds * 1000:.1f} ms, {database} ({who})"
    sys.stderr.write(line + "\n")


def _id(value: UUID | None) -> str:
    return f'"{value}"' if value else "null"


def _stamp(moment: float) -> str:
    """Write a time in UTC, to the millisecond, as RFC 3339 does."""
    second = int(moment)
    return f"{_second(second)}.{int((moment - second) * 1000):03d}Z"


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))
