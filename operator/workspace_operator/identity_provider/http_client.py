"""Requests to the identity provider, each bounded in time and size.

aiohttp is a dependency already, by Kopf, and limits the whole of a request: the standard library limits each read only,
so that a server could hold a thread of the console for ever with a byte a second. Proxies of the environment are used.
"""

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from workspace_operator.errors import IdentityProviderUnavailable
from workspace_operator.identity_provider.settings import is_safe_url

TIMEOUT_SECONDS: Final = 10.0
"""Of a whole request: connection, TLS, head and body."""

MAX_BODY: Final = 256_000
"""Bytes of an answer. The largest are sets of keys, of some ten kilobytes."""

MAX_REQUESTS: Final = 4
"""At once: a slow provider takes half of the console's threads, never all of them."""

USER_AGENT: Final = "workspace-operator"
_JSON_TYPES: Final = ("application/json", "application/jwk-set+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer: its status, and its JSON object."""

    status: int
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPClient:
    """Asks a provider, from a worker thread.

    Every method raises IdentityProviderUnavailable if there is no answer in time, or one that is too large, a
    redirection, or no JSON object.
    """

    timeout: float = TIMEOUT_SECONDS
    _slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MAX_REQUESTS))

    def get(self, url: str) -> Mapping[str, Any]:
        """Read a document."""
        answer = self._request("GET", url, {}, None)
        if answer.status != HTTPStatus.OK:
            raise IdentityProviderUnavailable(f"{url} answers with status {answer.status}")
        return answer.document

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Send a form. An error of the caller is an answer, too."""
        answer = self._request("POST", url, headers, form)
        if answer.status != HTTPStatus.OK and answer.status not in range(400, 500):
            raise IdentityProviderUnavailable(f"{url} answers with status {answer.status}")
        return answer

    def _request(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
        if not is_safe_url(url):
            raise IdentityProviderUnavailable(f"{url!r} is no URL with https")
        if not self._slots.acquire(blocking=False):
            raise IdentityProviderUnavailable(f"{MAX_REQUESTS} requests wait for the provider already")
        try:
            return asyncio.run(self._send(method, url, headers, form))
        except TimeoutError:
            raise IdentityProviderUnavailable(f"{url} does not answer within {self.timeout:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
            raise IdentityProviderUnavailable(f"{url}: {type(error).__name__}: {error}") from error
        finally:
            self._slots.release()

    async def _send(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
        timeout = aiohttp.ClientTimeout(total=self.timeout)
        # A compressed body could grow beyond any limit, so it is neither asked for nor unpacked.
        sent = {"accept": "application/json", "accept-encoding": "identity", "user-agent": USER_AGENT, **headers}
        async with (
            aiohttp.ClientSession(
                timeout=timeout, trust_env=True, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            ) as session,
            session.request(method, url, data=form, headers=sent, allow_redirects=False) as response,
        ):
            if response.status in range(300, 400):
                raise IdentityProviderUnavailable(f"{url} redirects, which is not followed")
            body = await _limited_body(response)
            if response.content_type not in _JSON_TYPES:
                raise IdentityProviderUnavailable(f"{url} answers with {response.content_type}, not with JSON")
            document = json.loads(body)
        if not isinstance(document, dict):
            raise IdentityProviderUnavailable(f"{url} answers with JSON that is no object")
        return Answer(status=response.status, document=document)


async def _limited_body(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise IdentityProviderUnavailable(f"{response.url} answers with more than {MAX_BODY} bytes")
    return body
