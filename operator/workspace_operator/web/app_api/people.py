"""The endpoint that finds people by an identifier, or by its beginning (track-api.md §2)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workspace_operator.application.cleanups.blocking import BlockingPeople
from workspace_operator.application.people.search import (
    MIN_PREFIX,
    PAGE,
    PeopleSearch,
    SearchPosition,
    SearchStage,
)
from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, MAX_VALUE_BYTES, check_text, quoted
from workspace_operator.migrations.model import Violation
from workspace_operator.web.app_api.app_routes import app_route
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Route

SEARCHES: Final = {
    "id": (SearchStage.ID,),
    "email": (SearchStage.EMAIL,),
    "prefix": (SearchStage.ID_PREFIX, SearchStage.EMAIL_PREFIX),
}
"""What each parameter is compared with."""

MAX_BYTES: Final = {"id": MAX_ID_BYTES, "email": MAX_VALUE_BYTES, "prefix": MAX_VALUE_BYTES}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleAPI:
    """The endpoint; it reads only the workspace of the caller's key."""

    dependencies: Dependencies

    def find(self, request: Request) -> Response:
        """``GET /v1/people?id&email&prefix&after``: people, in the order of the identifier."""
        search, number = self._search(request), request.caller.workspace_id
        page = search.page(after=SearchPosition.parse(request.query.get("after", "")), limit=PAGE)
        blocking = BlockingPeople(migrations=self.dependencies.migrations, listings=self.dependencies.listings)
        violations = blocking.violations(number, [person.cio_id for person in page.people])
        found = [_document(person, violations.get(person.cio_id, frozenset())) for person in page.people]
        return Response(document={"people": found, "next": "" if page.next is None else page.next.text()})

    def _search(self, request: Request) -> PeopleSearch:
        """The search that the parameters ask for. Raises InvalidInput."""
        given = [name for name in SEARCHES if name in request.query]
        if len(given) != 1:
            raise InvalidInput(f"give one of {', '.join(SEARCHES)}, not {len(given)} of them", field="prefix")
        [name] = given
        text = request.query[name]
        check_text(text, field=name, limit=MAX_BYTES[name])
        if name == "email" and email_key(text) is None:
            raise InvalidInput(f"email {quoted(text)} is not a valid email address: correct it", field="email")
        if name == "prefix" and len(text.strip()) < MIN_PREFIX:
            message = f"prefix {quoted(text)} is too short: send at least {MIN_PREFIX} characters"
            raise InvalidInput(message, field="prefix")
        return PeopleSearch(
            people=self.dependencies.people,
            workspace_id=request.caller.workspace_id,
            text=text,
            field=name,
            stages=SEARCHES[name],
        )


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    api = PeopleAPI(dependencies=dependencies)
    return [app_route("GET", "/v1/people", api.find, query=(*SEARCHES, "after"))]


def _document(person: Person, violations: Collection[Violation]) -> dict[str, Any]:
    return {
        "cio_id": person.cio_id,
        "id": person.id,
        "email": person.email,
        "created_at": person.created_at,
        "violations": [violation for violation in Violation if violation in violations],
    }
