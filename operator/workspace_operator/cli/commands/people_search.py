"""``workspacectl people find``: search for people."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated

import typer

from workspace_operator.application.people.search import PeopleSearch, text_of
from workspace_operator.cli.support.options import ClusterID, Database, Format, Output, WorkspaceName
from workspace_operator.cli.support.output import info, json_text, print_table
from workspace_operator.cli.support.records import PERSON_COLUMNS, person_document
from workspace_operator.cli.support.terminal import people_bar
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person import Person

EXAMPLES = """
Examples:

\b
  workspacectl people find ana@example.com -w default/crm
  workspacectl people find Berlin --attribute city -w default/crm
"""

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000


def find_people(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A cio_id, an id or an email, or the beginning of an id or email.")
    ],
    *,
    workspace: WorkspaceName,
    attribute: Annotated[
        str | None,
        typer.Option(
            "--attribute",
            metavar="NAME",
            help="Search all people instead, for TEXT anywhere in this attribute, id or email; case is ignored.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MAX_LIMIT, help="Maximum number of people to print.")
    ] = DEFAULT_LIMIT,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Find people.

    Works in every identifier mode and uses only indexes: exact matches first, then ids and emails that begin with TEXT.
    An email that is not a valid address is found only with --attribute email.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        search = PeopleSearch(people=context.store.people, workspace_id=context.workspace_id, text=text, min_prefix=1)
        people = _matches(context, search, attribute, limit + 1)
    if not people:
        searched_in = "an id, an email or a cio_id" if attribute is None else f"the attribute {attribute}"
        raise NotFound(f"no person in {workspace} has {text!r} in {searched_in}")
    _print_people(people[:limit], attribute, output)
    if len(people) > limit:
        info(f"there are more people than the first {limit}: give a longer TEXT, or a higher --limit")


def _matches(context: WorkspaceContext, search: PeopleSearch, attribute: str | None, limit: int) -> Sequence[Person]:
    if attribute is None:
        return search.page(limit=limit).people
    with people_bar("reading", context.store.people.count(context.workspace_id).total) as progress:
        return list(islice(search.by_attribute(attribute, progress), limit))


def _print_people(people: Sequence[Person], attribute: str | None, output: Format) -> None:
    if output is Format.JSON:
        print(json_text([person_document(person) for person in people]))
        return
    names = [] if attribute is None or attribute.upper() in PERSON_COLUMNS else [attribute]
    rows = ((person.cio_id, person.id, person.email, *(text_of(person, name) for name in names)) for person in people)
    print_table((*PERSON_COLUMNS, *(name.upper() for name in names)), rows)
