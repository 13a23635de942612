"""The browser in which somebody signed up: it remembers which attempt waits for its mail, and for how long."""

from typing import NamedTuple

from flask import request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from config import CONFIRMATION_LIFE, settings

COOKIE = "signup"


class Waiting(NamedTuple):
    """An attempt to sign up, as its browser remembers it. The signature keeps it ours."""

    signup_id: str
    email: str
    target: str | None = None
    sent_again_at: float = 0  # seconds since 1970; 0 while only the first mail was sent

    @classmethod
    def read(cls) -> "Waiting | None":
        """Return what this browser waits for, if it does."""
        try:
            return cls(*_signer().loads(request.cookies.get(_name(), "")))
        except BadSignature:
            return None

    def keep(self, response: Response) -> Response:
        """Remember it for as long as the mailed link works."""
        response.set_cookie(
            _name(),
            str(_signer().dumps(self)),
            max_age=CONFIRMATION_LIFE,
            secure=settings().https,
            httponly=True,
            samesite="Lax",
        )
        return response


def forget(response: Response) -> Response:
    """Remember nothing any more."""
    response.delete_cookie(_name(), secure=settings().https, httponly=True, samesite="Lax")
    return response


def _name() -> str:
    return settings().cookie_name(COOKIE)


def _signer() -> URLSafeSerializer:
    """It signs with the last of its keys and reads with all."""
    return URLSafeSerializer(settings().keys("waiting for a mail")[::-1])
