"""What the pages of one person read."""

from dataclasses import dataclass
from http import HTTPStatus

from workspace_operator.access.permissions import Permission
from workspace_operator.application.profiles.profiles import MergedPerson, ProfileRequest
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.errors import not_found_page
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.texts import text
from workspace_operator.console.views.people.gone import gone_view
from workspace_operator.console.views.people.profiles import Attempt, ProfileContent, profile_view
from workspace_operator.console.views.rights import Right, named_people
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person import Person

LINK = "people"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReader:
    """Reads the person of one request."""

    dependencies: Dependencies
    request: PageRequest

    @property
    def number(self) -> int:
        """The number of the workspace."""
        return self.request.workspace_id

    @property
    def workspace_root(self) -> str:
        """The path of the workspace."""
        return f"/w/{self.number}"

    @property
    def href(self) -> str:
        """The path of the person."""
        return f"{self.workspace_root}/people/{self.request.cio_id}"

    @property
    def may_manage(self) -> Right:
        """Whether the viewer may merge, delete and suppress people."""
        return self._right(Permission.APPLY, "person.may_not_manage")

    def person(self) -> Person:
        """The person. Raises NotFound."""
        found = self.dependencies.profiles.find(self.number, self.request.cio_id)
        if found is None:
            raise NotFound("there is no such person")
        return found

    def page(self, person: Person, attempt: Attempt | None = None, status: HTTPStatus = HTTPStatus.OK) -> Page:
        """The page of the person, with what was refused just now."""
        query, profiles = self.request.query, self.dependencies.profiles
        request = ProfileRequest(
            merges_before=query.get("merges") or None,
            activities_before=query.get("activities") or None,
            deliveries_before=query.get("deliveries") or None,
        )
        former = profiles.fate(self.number, query["merged"]) if query.get("merged") else None
        view = profile_view(
            ProfileContent(
                workspace_root=self.workspace_root,
                mode=self.request.workspace.workspace.mode,
                profile=profiles.profile(self.number, person, request),
                request=request,
                may_edit=self._right(Permission.EDIT, "person.may_not_edit"),
                may_manage=self.may_manage,
                done=query.get("done", ""),
                missing=query.get("missing", ""),
                merged=former if isinstance(former, MergedPerson) else None,
                attempt=attempt or Attempt(),
            )
        )
        return Page(template="person.html", title=view.title, view=view, link=LINK, status=status)

    def missing(self) -> Page | Redirect:
        """The answer if there is no such person: the one that it became part of, or why it is gone."""
        cio_id = self.request.cio_id
        fate = self.dependencies.profiles.fate(self.number, cio_id)
        if fate is None:
            return not_found_page()
        if isinstance(fate, MergedPerson):
            return Redirect(location=f"{self.workspace_root}/people/{fate.survivor.cio_id}?merged={cio_id}")
        view, title = gone_view(fate, cio_id, self.workspace_root), text("gone.title")
        return Page(template="person_gone.html", title=title, view=view, link=LINK, status=HTTPStatus.NOT_FOUND)

    def _right(self, permission: Permission, key: str) -> Right:
        seen = self.request.workspace
        if seen.decision.allows(permission):
            return Right(is_granted=True)
        return Right(is_granted=False, refusal=f"{text(key)} {named_people(seen, permission)}".rstrip())
