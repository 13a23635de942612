"""The mail that waits is found by its index, however much was sent before."""

import json
import re

import pytest

from models import OutgoingMail, transaction

PLACE = re.compile(r"%\(\w+\)s")  # of a parameter in a statement
QUESTIONS = {
    "the next mail": OutgoingMail.claim,
    "when the next is due": OutgoingMail.seconds_to_next,
    "how many wait": OutgoingMail.waiting,
}


@pytest.fixture
def plan_of(app, query, statements):
    """plan_of(question) -> how PostgreSQL answers it, by a plan for any values, as the application has it."""

    def explain(question):
        with statements() as sent, app.app_context(), transaction():
            question()
        asked = PLACE.sub("$1", next(statement for statement in sent if "FROM outgoing_mail" in statement))
        return json.dumps(query(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {asked}"))

    return explain


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_was_sent_is_not_read_for_it(question, plan_of, query):
    query(
        "INSERT INTO outgoing_mail (message, subject_id, state)"
        " SELECT 'signup', uuid_v7(), CASE n WHEN 1 THEN 'queued' ELSE 'sent' END FROM generate_series(1, 5000) n"
    )
    query("VACUUM ANALYZE outgoing_mail")
    plan = plan_of(QUESTIONS[question])
    assert "ix_outgoing_mail_due" in plan
    assert "Seq Scan" not in plan
