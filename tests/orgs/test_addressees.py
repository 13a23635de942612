"""The box of addresses: how it is read, and what is said of what is no address."""

import time

import pytest

from blueprints.orgs.addressees import read

MOST = 200


def keys(text):
    return [address.key for address in read(text, MOST).addresses]


@pytest.mark.parametrize(
    "text",
    [
        "ana@example.org ben@example.org",
        "ana@example.org,ben@example.org",
        "ana@example.org;\r\nben@example.org;",
        " ana@example.org\n\n\tben@example.org ,",
        "Ana Silva <ana@example.org>, Ben Ito <ben@example.org>",
        '"Silva, Ana" <ana@example.org>; "Ito, Ben" <BEN@example.org>',
        "<ana@example.org>\r<ben@example.org>",
        "ana@example.org Ben Ito <ben@example.org>",
    ],
)
def test_addresses_are_read_however_they_were_pasted(text):
    assert sorted(keys(text)) == ["ana@example.org", "ben@example.org"]


def test_what_is_misspelt_is_named_with_its_line():
    found = read("ana@example.org\nsam@\nbob\n\nx y@example.org", MOST)
    assert found.problems[0].startswith("Line 2: “sam@” is missing a domain, like ")
    assert found.problems[1].startswith("Line 3: “bob” is not an email address")
    assert found.problems[2].startswith("Line 5: “x” ")
    assert found.misspelt == ["sam@", "bob", "x"]
    assert [address.typed for address in found.addresses] == ["ana@example.org", "y@example.org"]


def test_an_address_that_is_listed_twice_counts_once():
    found = read("ana@example.org Ana@Example.org", MOST)
    assert len(found.addresses) == 1
    assert [address.key for address in found.twice] == ["ana@example.org"]


@pytest.mark.parametrize("text", ["a\0b@example.org", "\ufffd@example.org", "a\u202e@example.org", "@", "<>", "a@b@c"])
def test_what_no_address_can_have_is_misspelt(text):
    found = read(text, MOST)
    assert not found.addresses
    assert len(found.problems) == found.count == 1


def test_what_is_long_is_shown_short():
    assert len(read("x" * 10_000, MOST).problems[0]) < 150


def test_of_too_many_only_the_number_is_told():
    found = read(" ".join(f"a{n}@example.org" for n in range(201)), MOST)
    assert (found.count, found.addresses) == (201, [])


@pytest.mark.parametrize("text", ['"' * 500_000, "<" * 500_000, "<a" * 250_000, "," * 900_000, 'a "' * 300_000])
def test_hostile_text_is_read_in_time_proportional_to_it(text):
    """Ten times the text costs about ten times as much; a quadratic reader would take a hundred times."""
    tenth, whole = cost(text[: len(text) // 10]), cost(text)
    assert whole < 40 * max(tenth, 0.001)


def cost(text):
    """Seconds of processor time to read a text; the least of three tries, whatever else the machine does."""
    costs = []
    for _ in range(3):
        began = time.process_time()
        read(text, MOST)
        costs.append(time.process_time() - began)
    return min(costs)
