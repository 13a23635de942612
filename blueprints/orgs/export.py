"""The audit log as CSV: streamed in batches, however long it is, with no database connection held between them."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

from flask import g

from blueprints.orgs import events, sentences
from blueprints.orgs.filters import Asked, Meant
from models import release, tenant

BATCH = 1000
HEADER = (
    *("number", "time", "action", "what happened", "actor", "actor id", "subject", "subject id", "project"),
    *("project id", "before", "after", "address", "request", "hash"),
)
# What a spreadsheet would compute, the full-width signs of East Asia too (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def lines(asked: Asked, meant: Meant) -> Iterator[str]:
    """Give the header, then every event that matches, the newest first."""
    tenant.enter(g.org.id)  # the request's session ended with its headers; this is read in another one
    yield _csv([HEADER])
    while True:
        found = events.read(asked, meant, BATCH)
        release()  # whoever reads this may be slow
        yield _csv(map(_cells, found.rows))
        if not found.more:
            return
        asked = replace(asked, before=found.rows[-1].seq, after=None)


def neutral(cell: object) -> str:
    """Write a cell that no spreadsheet takes for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(row: Any) -> list[object]:
    said = sentences.sentence(row).striptags()
    return [
        *(row.seq, row.created_at.isoformat(), row.action, said, sentences.actor(row), row.actor_id, row.subject),
        *(row.subject_id, row.project, row.project_id, _json(row.before), _json(row.after)),
        *(row.ip, row.request_id, row.hash.hex()),
    ]


def _json(facts: Any) -> str:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True) if facts else ""


def _csv(rows: Any) -> str:
    text = StringIO()
    csv.writer(text).writerows([neutral(cell) for cell in row] for row in rows)
    return text.getvalue()
