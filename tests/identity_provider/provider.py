"""An identity provider at a port of this machine, which lies on demand."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any, Final, Self
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwk, jws

from workspace_operator.identity_provider.provider import code_challenge

CLIENT_ID: Final = "console"
CLIENT_SECRET: Final = "a secret: with/signs"
EMAIL: Final = "ada@nordlicht.example"
NOW: Final = 1_795_900_000
DISCOVERY: Final = "/.well-known/openid-configuration"

RSA: Final = jwk.RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}, private=True)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer of the provider in place of the right one."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    seconds: float = 0.0


@dataclass(kw_only=True)
class FakeProvider:
    """A provider. Tests change its attributes to make it lie.

    Attributes:
        claims: changes of the claims of an ID token; None removes a claim.
        header: of an ID token, beside the algorithm of the key.
        sign: makes an ID token of a header and claims.
        metadata: changes of the discovery document.
        replies: what a path answers in place of the truth.
        asked: paths of all requests, in their order.
    """

    url: str
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: jwk.Key = field(default_factory=lambda: RSA)
    published: list[jwk.Key] = field(default_factory=lambda: [RSA])
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    email: str = EMAIL
    subject: str = "0001"
    algorithm: str = "RS256"
    now: Callable[[], float] = lambda: NOW
    tokens: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def serving(cls, **options: Any) -> Iterator[Self]:
        """A provider that listens."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.daemon_threads = True
        provider = cls(url=f"http://127.0.0.1:{server.server_port}", **options)
        server.provider = provider  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def authorize(self, url: str) -> dict[str, str]:
        """Sign in at an authorization URL; returns the query of the callback."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = token_urlsafe(8)
        self._codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.url}

    def respond(self, path: str, form: Mapping[str, str], authorization: str) -> Reply:
        """The true answer to a request."""
        if path == DISCOVERY:
            return _json(self._discovery())
        if path == "/keys":
            return _json({"keys": [key.as_dict(private=False) for key in self.published]})
        if path == "/token":
            return self._redeem(form, authorization)
        if path.startswith("/authorize?"):
            asked = parse_qs(path.partition("?")[2])
            location = f"{asked['redirect_uri'][0]}?{urlencode(self.authorize(path))}"
            return Reply(status=302, headers={"location": location})
        return Reply(status=404)

    def _discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return {name: value for name, value in {**document, **self.metadata}.items() if value is not None}

    def _redeem(self, form: Mapping[str, str], authorization: str) -> Reply:
        pair = f"{quote_plus(CLIENT_ID)}:{quote_plus(CLIENT_SECRET)}"
        in_header = authorization == f"Basic {b64encode(pair.encode()).decode()}"
        in_form = form.get("client_id") == CLIENT_ID and form.get("client_secret") == CLIENT_SECRET
        if in_header == in_form:
            return _json({"error": "invalid_client"}, status=401)
        asked = self._codes.pop(form.get("code", ""), None)
        is_same = asked is not None and form.get("redirect_uri") == asked["redirect_uri"]
        if asked is None or not is_same or code_challenge(form.get("code_verifier", "")) != asked["code_challenge"]:
            return _json({"error": "invalid_grant"}, status=400)
        self.tokens.append(self.id_token(asked["nonce"]))
        return _json({"access_token": "x", "token_type": "Bearer", "id_token": self.tokens[-1]})

    def id_token(self, nonce: str) -> str:
        """The ID token of whoever signs in."""
        now = int(self.now())
        claims = {
            "iss": self.url,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": self.email,
            "email_verified": True,
        }
        said = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid, **self.header}
        header = {name: value for name, value in header.items() if value is not None}
        return (
            self.sign(header, said)
            if self.sign
            else jws.serialize_compact(header, json.dumps(said), self.key, [self.algorithm])
        )


def _json(document: object, *, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode())


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self._answer({name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()})

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""

    def _answer(self, form: Mapping[str, str]) -> None:
        provider: FakeProvider = self.server.provider  # type: ignore[attr-defined]
        provider.asked.append(self.path)
        reply = provider.replies.get(self.path) or provider.respond(
            self.path, form, self.headers.get("authorization", "")
        )
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        try:
            if reply.seconds:  # a byte now and then, so that no single read waits for long
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.seconds / len(reply.body))
            else:
                self.wfile.write(reply.body)
        except OSError:
            self.close_connection = True
