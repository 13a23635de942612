"""The Undo button of a toast, as somebody without JavaScript presses it."""

import re
from html import unescape


def undo_on(page):
    """Return where the Undo button of a toast leads, and what its form sends."""
    form = re.search(r'<div class="toast .*?<form [^>]*action="([^"]+)".*?>(.*?)</form>', page, re.DOTALL)
    hidden = re.findall(r'name="(\w+)" value="([^"]*)"', form[2])
    assert "Undo" in form[2]
    return unescape(form[1]), {name: value for name, value in hidden if name != "csrf_token"}


def press_undo(person, page):
    """Press it, and return the answer."""
    url, fields = undo_on(page)
    return person.post(url, **fields)
