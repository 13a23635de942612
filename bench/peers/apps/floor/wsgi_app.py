from urllib.parse import parse_qs

import core

core.pool.open(wait=True)
TEXT = {
    200: "200 OK",
    201: "201 CREATED",
    204: "204 NO CONTENT",
    302: "302 FOUND",
    400: "400 BAD",
    401: "401 UNAUTHORIZED",
    403: "403 FORBIDDEN",
    404: "404 NOT FOUND",
    409: "409 CONFLICT",
}


def reply(start, status, body=b"", headers=()):
    start(TEXT[status], [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))), *headers])
    return [body]


def form(environ):
    data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    return {k: v[0] for k, v in parse_qs(data).items()}


def app(environ, start):
    path = environ["PATH_INFO"]
    cookie = environ.get("HTTP_COOKIE", "")
    if path == "/hello":
        return reply(start, 200, b"hello")
    parts = path.split("/")
    if len(parts) >= 3 and parts[1] == "orgs":
        row = core.auth(cookie, parts[2], "admin")
        if isinstance(row, int):
            return reply(start, row)
        if len(parts) == 3:
            return reply(start, 200, core.page(row).encode())
        if parts[3] == "check":
            return reply(start, 204)
        if parts[3] == "invitations" and environ["REQUEST_METHOD"] == "POST":
            f = form(environ)
            core.invite(row, f["email"], f["role"])
            return reply(start, 201)
    if environ["REQUEST_METHOD"] == "POST":
        f = form(environ)
        if path == "/login":
            token = core.login(f["email"], f["password"])
        elif path == "/register":
            token = core.signup(f["email"], f["name"], f["password"])
        else:
            return reply(start, 404)
        if token is None:
            return reply(start, 400)
        return reply(
            start, 302, headers=[("Set-Cookie", f"sid={token}; HttpOnly; Path=/; SameSite=Lax"), ("Location", "/")]
        )
    return reply(start, 404)
