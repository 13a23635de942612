"""A device with passkeys, in software: what a security key does between the browser's question and its answer."""

import hashlib
import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from html import unescape
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from werkzeug.test import TestResponse

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ORIGIN = "http://localhost"


class Authenticator:
    """One device with one key. It counts as often as it is used, and can be made to lie."""

    def __init__(self, origin: str = ORIGIN, *, counts: bool = True, flags: int = PRESENT | VERIFIED) -> None:
        self.origin, self.counts, self.flags = origin, counts, flags
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id, self.used = secrets.token_bytes(32), 0

    def create(self, options: str) -> str:
        """Answer what a page asks for a new passkey."""
        asked = json.loads(options)
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(cose)
        data = self._data(asked["rp"]["id"], self.flags | ATTESTED) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        told = self._told("webauthn.create", asked["challenge"])
        return self._answer(clientDataJSON=_coded(told), attestationObject=_coded(made))

    def get(self, options: str) -> str:
        """Answer what a page asks of a passkey."""
        asked = json.loads(options)
        self.used += self.counts
        data, told = self._data(asked["rpId"], self.flags), self._told("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=_coded(told), authenticatorData=_coded(data), signature=_coded(signature))

    def _data(self, domain: str, flags: int) -> bytes:
        return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + self.used.to_bytes(4)

    def _told(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: str) -> str:
        given: dict[str, Any] = {"id": _coded(self.id), "rawId": _coded(self.id), "type": "public-key"}
        return json.dumps({**given, "response": response, "clientExtensionResults": {}})


def asked_on(page: TestResponse) -> str:
    """What a page asks of a device."""
    found = re.search(r'data-options="([^"]+)"', page.text)
    assert found
    return unescape(found[1])


def challenge(options: str) -> bytes:
    """What a page's question carries."""
    text = json.loads(options)["challenge"]
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def with_challenge(options: str, other: bytes) -> str:
    """The same question with another challenge."""
    return json.dumps(json.loads(options) | {"challenge": _coded(other)})


def _coded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
