"""The words of the interface, wherever they come from (UX.md check 40)."""

import ast
import re

import pytest
from werkzeug.routing import Rule

from tests.browser_like import words
from tests.doors import door_id, routes, shows
from tests.test_architecture import ROOT, SOURCES, name_of

NEVER = (
    *("please", "sorry", "oops", "successfully", "valid", "invalid", "forbidden", "illegal"),
    *("click here", "are you sure", "whitelist", "blacklist"),
    *("sign in", "sign out", "log off", "logoff", "e-mail", "delete member", "cancel invitation"),
)
TEMPLATES = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
SCRIPTS = [ROOT / "static" / name for name in ("app.js", "forms.js")]
JUNK = dict.fromkeys(
    [
        *("access", "action", "confirm", "current_password", "description", "email", "emails", "from", "member"),
        *("message", "name", "offer", "password", "person", "project", "q", "role", "show", "slug", "sort", "to"),
    ],
    "\u202ejunk",
)


def never(text):
    """The words in a text that we do not use."""
    return [word for word in NEVER if re.search(rf"\b{word}\b", text, re.IGNORECASE)]


def said_in_python(path):
    """Every text of a module that people may read: its strings, but not its documentation, and refusals' own."""
    tree = ast.parse(path.read_text())
    silent = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
        and "Refusal" not in [ast.unparse(base) for base in getattr(node, "bases", ())]
    }
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return " … ".join(node.value for node in texts if node not in silent and " " in node.value)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_and_mails_use_our_words(path):
    code = r"\{[%{#].*?[%}#]\}"
    assert never(re.sub(rf"{code}|<[^>]*>", " ", path.read_text(), flags=re.S)) == []


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS], ids=name_of)
def test_messages_in_code_use_our_words(path):
    texts = (
        said_in_python(path)
        if path.suffix == ".py"
        else " … ".join(re.findall(r"'([^'\n]* [^'\n]*)'", path.read_text()))
    )
    assert never(texts) == []


@pytest.mark.parametrize("rule", routes(), ids=door_id)
def test_answers_to_nonsense_use_our_words(rule: Rule, url_of, browser, northfield):
    """Also those that libraries have ready for what cannot be used."""
    amara, url = browser(northfield.owner), url_of(rule)
    answers = [amara.client.get(url, query_string=JUNK)] if shows(rule) else []
    answers += (
        [amara.client.post(url, data=JUNK | {"csrf_token": amara.token()})] if "POST" in (rule.methods or ()) else []
    )
    assert [never(words(answer.text)) for answer in answers if answer.mimetype == "text/html"] in ([], [[]], [[], []])
