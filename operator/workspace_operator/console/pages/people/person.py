"""The page of one person, and what its forms do."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.people.content import PersonReader
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.people.profiles import Attempt
from workspace_operator.console.views.people.values import identifying_text, is_confirmed
from workspace_operator.errors import Conflict, InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import Mode


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    actions, profiles = dependencies.person_actions, dependencies.profiles

    def show(request: PageRequest) -> Page | Redirect:
        reader = PersonReader(dependencies=dependencies, request=request)
        found = profiles.find(request.workspace_id, request.cio_id)
        return reader.missing() if found is None else reader.page(found)

    def correct(request: PageRequest) -> Page | Redirect:
        reader, email = PersonReader(dependencies=dependencies, request=request), request.field("email").strip()
        try:
            actions.correct_email(request.workspace_id, request.cio_id, email, actor=request.actor)
        except InvalidInput as error:
            return _address_refused(reader, email, str(error))
        return Redirect(location=f"{reader.href}?done=corrected")

    def delete(request: PageRequest) -> Page | Redirect:
        return _remove(PersonReader(dependencies=dependencies, request=request), "delete", actions.delete, "deleted")

    def suppress(request: PageRequest) -> Page | Redirect:
        reader = PersonReader(dependencies=dependencies, request=request)
        return _remove(reader, "suppress", actions.suppress, "suppressed")

    def undo_merge(request: PageRequest) -> Page | Redirect:
        return _undo_merge(PersonReader(dependencies=dependencies, request=request))

    view, edit, manage, root = Permission.VIEW, Permission.EDIT, Permission.APPLY, "/w/{workspace}/people/{person}"
    return (
        Route(method="GET", pattern=root, access=view, handler=show, is_costly=True),
        Route(method="POST", pattern=f"{root}/address", access=edit, handler=correct),
        Route(method="POST", pattern=f"{root}/delete", access=manage, handler=delete),
        Route(method="POST", pattern=f"{root}/suppress", access=manage, handler=suppress),
        Route(method="POST", pattern=f"{root}/unmerge", access=manage, handler=undo_merge),
    )


def _refused(reader: PersonReader, attempt: Attempt, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> Page:
    return reader.page(reader.person(), attempt, status)


def _address_refused(reader: PersonReader, email: str, refusal: str) -> Page:
    """The page with the reason, and with the person that has the address, if that is the reason."""
    key = email_key(email)
    owners: Sequence[Person] = ()
    if key is not None and reader.request.workspace.workspace.mode is not Mode.ID_ONLY:
        owners = reader.dependencies.profiles.people.find_by_email(reader.number, key, limit=1)
    owner = next((each for each in owners if each.cio_id != reader.request.cio_id), None)
    return _refused(reader, Attempt(form="address", refusal=visible(refusal), email=visible(email), owner=owner))


def _undo_merge(reader: PersonReader) -> Page | Redirect:
    """Undo a merge, and go to the person that it restores."""
    merge_id, actor = reader.request.field("merge"), reader.request.actor
    try:
        result = reader.dependencies.person_actions.undo_merge(reader.number, merge_id, actor=actor)
    except Conflict as error:
        return _refused(reader, Attempt(form="merge", refusal=visible(str(error))), HTTPStatus.CONFLICT)
    missing = ",".join(kind for kind, _ in result.unavailable)
    restored = f"{reader.workspace_root}/people/{result.restored.cio_id}"
    return Redirect(location=f"{restored}?done=restored" + (f"&missing={missing}" if missing else ""))


def _remove(reader: PersonReader, form: str, remove: Callable[..., Person], done: str) -> Page | Redirect:
    """Delete or suppress the person, if somebody typed what identifies it."""
    person, typed = reader.person(), reader.request.field("typed")
    if not is_confirmed(person, typed):
        name = visible(identifying_text(person))
        refusal = text("person.wrong_name", typed=visible(typed, limit=60), name=name)
        return _refused(reader, Attempt(form=form, refusal=refusal))
    remove(reader.number, person.cio_id, actor=reader.request.actor)
    return Redirect(location=f"{reader.workspace_root}/people?done={done}")
