"""Whatever anybody sends, every answer is one of ours (PROMISES.md P19, G1, G2, G4)."""

import logging

import pytest
from flask import render_template_string, request
from werkzeug.datastructures import Headers

from blueprints.gate import public
from blueprints.headers import ALWAYS
from tests.access.isolation import PRINCIPALS
from tests.doors import routes
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.oracle import Answer

log = logging.getLogger("freehold.proofs")  # shown with --log-cli-level=INFO
FEW, MANY = range(9), range(9, 85)  # of each button and page by each person: 2,800 and 54,000 in all


@pytest.fixture
def behind(app_with):
    """The application behind a proxy: it reads the headers that a proxy adds, as well."""
    return app_with(trusted_proxies=1)


def storm(app, query, who, numbers):
    """Send it all, and return what was wrong, each with what asks it again."""
    fuzzer, found, statuses = Fuzzer(app, query, who), [], {}
    static = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == "static")
    for rule in (*routes(), static):
        for method in sorted({"GET", "POST"} & rule.methods):
            for n in numbers:
                asked, answer = fuzzer.ask(rule, method, n)
                statuses[answer.status] = statuses.get(answer.status, 0) + 1
                found += [f"{who} {method} {rule.rule} {n}: {fault}\n  {asked}" for fault in answer.faults()]
    log.info("%s: %d requests, %s", who, sum(statuses.values()), dict(sorted(statuses.items())))
    return found


@pytest.mark.parametrize("who", ["visitor", "viewer", "owner"])
def test_nothing_that_is_sent_breaks_or_betrays_anything(who, behind, query):
    found = storm(behind, query, who, FEW)
    assert not found, f"{len(found)} faults, such as\n" + "\n".join(found[:10])


@pytest.mark.long
@pytest.mark.parametrize("who", [who for who in PRINCIPALS if who != "former"])
def test_nothing_breaks_when_much_more_is_sent(who, behind, query):
    found = storm(behind, query, who, MANY)
    assert not found, f"{len(found)} faults, such as\n" + "\n".join(found[:10])


@pytest.mark.parametrize("who", ["visitor", "owner"])
def test_no_text_is_put_in_order_before_its_length_is_known(who, app, query):
    fuzzer = Fuzzer(app, query, who)
    for rule in routes():
        if "POST" in rule.methods:
            asked, answer = fuzzer.flood(rule)
            assert len(asked.raw[0]) > 450_000  # the token keeps its share
            assert answer.status != 413
            assert not answer.faults(), f"{rule.rule}: {answer.faults()}"


# --- the controls: each fault is noticed, for what it is ----------------------------------------------------------

FAULTS = {
    "the status 500": lambda sent: str(sent.encode("ascii")),
    "it leads to": lambda sent: (sent, 302, {"Location": f"/{sent}".replace("\r", "").replace("\n", "")}),
    "markup that was sent": lambda sent: sent,
    "a template that was sent": render_template_string,
    "it tells 'psycopg'": lambda sent: "psycopg.DataError: a NUL" if "\0" in sent else "",
}


@pytest.mark.parametrize(("noticed", "faulty"), FAULTS.items(), ids=FAULTS)
def test_a_view_that_trusts_what_it_is_sent_is_noticed(noticed, faulty, app, query, monkeypatch):
    monkeypatch.setitem(app.view_functions, "health.healthz", public(lambda: faulty("".join(request.args.values()))))
    [rule] = [rule for rule in routes() if rule.endpoint == "health.healthz"]
    fuzzer = Fuzzer(app, query, "visitor")
    assert any(noticed in fault for n in range(3000) for fault in fuzzer.ask(rule, "GET", n)[1].faults())


def test_an_answer_without_headers_or_too_late_is_noticed():
    faults = Answer(502, Headers({"Server": "gunicorn/27.0.1"}), b"", 6.0).faults()
    assert {"the status 502", "6.0 seconds", "no Cache-Control", "the server's name or version"} <= set(faults)
    assert {f"no {name}" for name in ALWAYS} <= set(faults)
