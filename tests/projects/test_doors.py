"""Every page and action of projects, as everybody: the answers written out by hand."""

import pytest

PEOPLE = ("owner", "admin", "operator", "viewer", "guest", "stranger", "visitor")

# The guest is Operator on the restricted project and has nothing on the open one.
ON_AN_OPEN_PROJECT = """
    GET   {list}                                    200 200 200 200 404 404 302
    GET   {list}/new                                200 200 403 403 404 404 302
    POST  {list}/new             name=Atlas         303 303 403 403 404 404 302
    GET   {open}                                    200 200 200 200 404 404 302
    GET   {open}/edit                               200 200 200 403 404 404 302
    POST  {open}/edit            name=Atlas         303 303 303 403 404 404 302
    POST  {open}/edit            access=restricted  303 303 403 403 404 404 302
    GET   {open}/archive                            200 200 403 403 404 404 302
    POST  {open}/archive                            303 303 403 403 404 404 302
    POST  {open}/restore                            303 303 403 403 404 404 302
    GET   {open}/delete                             200 200 403 403 404 404 302
    POST  {open}/delete          confirm={name}     303 303 403 403 404 404 302
    GET   {open}/access                             200 200 200 200 404 404 302
    GET   {open}/access/add                         200 200 403 403 404 404 302
    GET   {open}/access/{viewer}                    200 200 200 200 404 404 302
    POST  {open}/access/{viewer}  role=OPERATOR     303 303 403 403 404 404 302
    POST  {open}/access/{viewer}  inherit=1         303 303 403 403 404 404 302
    POST  {open}/access/{owner}   role=VIEWER       303 403 403 403 404 404 302
    POST  {open}/access/{viewer}/remove             303 303 403 303 404 404 302
    GET   {open}/access/{viewer}/why                200 200 200 200 404 404 302
    GET   {open}/access/{owner}/why                 200 200 200 200 404 404 302
    GET   {open}/access/{guest}                     404 404 404 404 404 404 302
    GET   {open}/access/{guest}/why                 404 404 404 404 404 404 302
    GET   {open}/access/{stranger}/why              404 404 404 404 404 404 302
    POST  {open}/access/{guest}   role=VIEWER       404 404 404 404 404 404 302
    GET   {open}/access/{stranger}                  404 404 404 404 404 404 302
    POST  {open}/access/{stranger}/remove           404 404 404 404 404 404 302
"""
ON_A_RESTRICTED_PROJECT = """
    GET   {restricted}                                   200 200 404 404 200 404 302
    GET   {restricted}/edit                              200 200 404 404 200 404 302
    POST  {restricted}/edit            name=Atlas        303 303 404 404 303 404 302
    POST  {restricted}/edit            access=organization  303 303 404 404 403 404 302
    POST  {restricted}/archive                           303 303 404 404 403 404 302
    GET   {restricted}/delete                            200 200 404 404 403 404 302
    GET   {restricted}/access                            200 200 404 404 200 404 302
    GET   {restricted}/access/add                        200 200 404 404 404 404 302
    GET   {restricted}/access/{guest}                    200 200 404 404 200 404 302
    GET   {restricted}/access/{owner}                    200 200 404 404 200 404 302
    GET   {restricted}/access/{admin}                    200 200 404 404 404 404 302
    GET   {restricted}/access/{guest}/why                200 200 404 404 200 404 302
    GET   {restricted}/access/{admin}/why                200 200 404 404 404 404 302
    GET   {restricted}/access/{viewer}/why               200 200 404 404 404 404 302
    POST  {restricted}/access/{guest}  role=VIEWER       303 303 404 404 403 404 302
    POST  {restricted}/access/{guest}  role=OWNER        303 403 404 404 403 404 302
    POST  {restricted}/access/{viewer}  role=VIEWER      303 303 404 404 404 404 302
    POST  {restricted}/access/{guest}/remove             303 303 404 404 303 404 302
"""
ON_AN_ARCHIVED_PROJECT = """
    GET   {open}                                    200 200 200 200 404 404 302
    GET   {open}/access                             200 200 200 200 404 404 302
    GET   {open}/access/{viewer}                    200 200 200 200 404 404 302
    GET   {open}/edit                               403 403 403 403 404 404 302
    POST  {open}/edit            name=Atlas         403 403 403 403 404 404 302
    GET   {open}/access/add                         403 403 403 403 404 404 302
    POST  {open}/access/{viewer}  role=OPERATOR     403 403 403 403 404 404 302
    POST  {open}/restore                            303 303 403 403 404 404 302
    POST  {open}/delete          confirm={name}     303 303 403 403 404 404 302
"""


def cases(table, *, changing):
    """The lines of a table with those people whom the server answers with a change, or with the others."""
    for line in filter(None, map(str.strip, table.splitlines())):
        *request, statuses = line.split(maxsplit=3 if "=" in line else 2)
        answers = dict(zip(PEOPLE, map(int, statuses.split()), strict=True))
        asked = {who: status for who, status in answers.items() if (status == 303) == changing}
        if changing:
            yield from ((request, {who: status}) for who, status in asked.items())
        elif asked:
            yield request, asked


def send(browser, northfield, at, who, request):
    method, address, *field = request
    ids = {name: northfield.person(name).id for name in PEOPLE[:6]}
    places = {"list": at(), "open": at(northfield.project), "restricted": at(northfield.restricted)}
    url = address.format(**places, **ids)
    values = {"name": "Atlas"} if "/edit" in url else {}
    values |= dict(f.format(name=northfield.project.name).split("=") for f in field)
    visitor = browser(northfield.person(who))
    return visitor.get(url) if method == "GET" else visitor.post(url, **values)


def name_of(value):
    return " ".join(value)


OPEN, RESTRICTED, ARCHIVED = ON_AN_OPEN_PROJECT, ON_A_RESTRICTED_PROJECT, ON_AN_ARCHIVED_PROJECT


@pytest.mark.parametrize(("request_", "answers"), list(cases(OPEN + RESTRICTED, changing=False)), ids=name_of)
def test_doors_show_and_refuse(request_, answers, browser, northfield, at, state):
    before = state()
    for who, status in answers.items():
        assert send(browser, northfield, at, who, request_).status_code == status, who
    assert state() == before


@pytest.mark.parametrize(("request_", "answers"), list(cases(OPEN + RESTRICTED, changing=True)), ids=name_of)
def test_doors_open_for_whom_they_should(request_, answers, browser, northfield, at):
    for who, status in answers.items():
        assert send(browser, northfield, at, who, request_).status_code == status


@pytest.mark.parametrize(("request_", "answers"), list(cases(ARCHIVED, changing=False)), ids=name_of)
def test_an_archived_project_is_read_only(request_, answers, browser, northfield, at, archive, state):
    archive(northfield.project)
    before = state()
    for who, status in answers.items():
        response = send(browser, northfield, at, who, request_)
        assert response.status_code == status, who
        if status == 403 and who in ("owner", "admin"):
            assert "This project is archived. Restore it first." in response.text
    assert state() == before


@pytest.mark.parametrize(("request_", "answers"), list(cases(ARCHIVED, changing=True)), ids=name_of)
def test_an_archived_project_can_be_restored_and_deleted(request_, answers, browser, northfield, at, archive):
    archive(northfield.project)
    for who, status in answers.items():
        assert send(browser, northfield, at, who, request_).status_code == status
