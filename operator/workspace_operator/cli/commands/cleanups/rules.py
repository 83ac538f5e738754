"""``workspacectl cleanups rules``: decisions about many people who share an address, at once."""

from datetime import timedelta
from typing import Annotated, Final

import typer

from workspace_operator.application.cleanups.rules import MAX_ATTRIBUTES, MAX_PEOPLE, RuleMaker, parse_rule
from workspace_operator.cleanups.model import DRAFTS
from workspace_operator.cleanups.rules import Rule, RuleAction, RuleCounts, RuleState, StoredRule
from workspace_operator.cli.commands.cleanups.drafts import counted, find_cleanup
from workspace_operator.cli.commands.cleanups.output import RULE_COLUMNS, count_text, rule_document, rule_row
from workspace_operator.cli.support.options import (
    MAX_NUMBER,
    ClusterID,
    Database,
    Format,
    Output,
    WorkspaceName,
    text_option,
)
from workspace_operator.cli.support.output import echo, info, json_text, people_text, print_table
from workspace_operator.cli.support.workspace_context import WorkspaceContext, current_actor, open_workspace
from workspace_operator.errors import Conflict

app = typer.Typer(name="rules", help="Decide about many people who share an address, by rules.", no_args_is_help=True)

ADD_EXAMPLES = """
Examples:

\b
  workspacectl cleanups rules add --action mergeIntoOldest -w default/crm
  workspacectl cleanups rules confirm 1 -w default/crm
  workspacectl cleanups apply -w default/crm
"""
OPTIONS: Final = {"equal_attributes": "--equal", "suffix": "--suffix"}
"""The options that a rule is checked by, by its parts."""

Position = Annotated[
    int, typer.Argument(metavar="RULE", min=1, max=MAX_NUMBER, help="The rule, as in cleanups rules list.")
]
MaxPeople = Annotated[
    int | None,
    typer.Option("--max-people", metavar="N", min=2, max=MAX_PEOPLE, help="Only groups of at most N people."),
]
EqualAttributes = Annotated[
    list[str] | None,
    text_option(
        "--equal",
        metavar="NAME",
        help_text="Only groups whose people have equal values of this attribute. "
        f"Can be given up to {MAX_ATTRIBUTES} times.",
    ),
]
NotCalledFor = Annotated[
    int | None,
    typer.Option(
        "--not-called-for",
        metavar="DAYS",
        min=0,
        max=10_000,
        help="Only groups about which no request was recorded for DAYS.",
    ),
]
Suffix = Annotated[
    str | None,
    text_option("--suffix", metavar="TEXT", help_text="Only addresses that end with TEXT, such as @example.com."),
]


@app.command("list")
def list_rules(
    *, workspace: WorkspaceName, output: Output = Format.TABLE, cluster_id: ClusterID = None, database: Database
) -> None:
    """List the rules of the newest cleanup."""
    with open_workspace(database, workspace, cluster_id) as context:
        cleanup = counted(context, find_cleanup(context, None))
        rules = context.store.cleanup_rules.rules(context.workspace_id, cleanup.number)
    if output is Format.JSON:
        print(json_text([rule_document(stored) for stored in rules]))
    else:
        print_table(RULE_COLUMNS, [rule_row(stored) for stored in rules])


@app.command(epilog=ADD_EXAMPLES)
def add(
    *,
    workspace: WorkspaceName,
    action: Annotated[RuleAction, typer.Option("--action", help="What happens to the people of a group.")],
    max_people: MaxPeople = None,
    equal: EqualAttributes = None,
    not_called_for: NotCalledFor = None,
    suffix: Suffix = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Count what a rule would decide.

    A rule decides about people who share an address, in groups about which nothing is decided yet. It decides nothing
    until `workspacectl cleanups rules confirm`, and nothing happens to the people until `workspacectl cleanups apply`.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        parts = {
            "action": action.value,
            "max_people": max_people,
            "equal_attributes": equal,
            "not_called_since": _days_ago(context, not_called_for),
            "suffix": suffix,
        }
        stored = _add(context, parse_rule(parts, OPTIONS))
    _print_rule(stored, "would decide" if stored.state is RuleState.COUNTED else "is being counted, so far")
    if stored.state is RuleState.COUNTED and stored.groups:
        info(f"next: workspacectl cleanups rules confirm {stored.position} -w {workspace}")


def _days_ago(context: WorkspaceContext, days: int | None) -> int | None:
    """In Unix seconds."""
    return None if days is None else int((context.store.clock() - timedelta(days=days)).timestamp())


def _add(context: WorkspaceContext, rule: Rule) -> StoredRule:
    store = context.store
    maker = RuleMaker(rules=store.cleanup_rules, cleanups=store.cleanups, clock=store.clock)
    number, stored = maker.add(context.workspace_id, rule, actor=current_actor())
    return _worked(context, number, stored.position)


@app.command()
def confirm(
    position: Position,
    *,
    workspace: WorkspaceName,
    people: Annotated[
        int | None,
        typer.Option(
            "--people", metavar="N", min=0, max=MAX_NUMBER, help="Only if the rule still decides about N people."
        ),
    ] = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Make the decisions of a rule that was counted."""
    with open_workspace(database, workspace, cluster_id) as context:
        store, number = context.store, _draft_number(context)
        seen = store.cleanup_rules.get(context.workspace_id, number, position).counts
        if people is not None:
            seen = RuleCounts(seen.groups, people)
        store.cleanup_rules.confirm(
            context.workspace_id, number, position, seen, actor=current_actor(), now=store.clock()
        )
        _print_rule(_worked(context, number, position), "decided")
        echo(count_text(counted(context, store.cleanups.get(context.workspace_id, number))))


@app.command()
def remove(position: Position, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database) -> None:
    """Remove a rule and its decisions.

    Decisions that were changed since stay.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        store, number = context.store, _draft_number(context)
        store.cleanup_rules.remove(context.workspace_id, number, position, actor=current_actor(), now=store.clock())
        cleanup = counted(context, store.cleanups.get(context.workspace_id, number))
        echo(f"rule {position} is removed")
        echo(count_text(cleanup))


def _draft_number(context: WorkspaceContext) -> int:
    """The number of the draft. Raises Conflict if there is none."""
    cleanup = find_cleanup(context, None)
    if cleanup.state not in DRAFTS:
        raise Conflict(f"cleanup {cleanup.number} is {cleanup.state.value}: its decisions cannot be changed any more")
    return cleanup.number


def _worked(context: WorkspaceContext, number: int, position: int) -> StoredRule:
    """The rule after the work on it, which this process does unless another one does it."""
    counted(context, context.store.cleanups.get(context.workspace_id, number))
    return context.store.cleanup_rules.get(context.workspace_id, number, position)


def _print_rule(stored: StoredRule, what: str) -> None:
    groups = f"{stored.groups} {'group' if stored.groups == 1 else 'groups'}"
    echo(f"rule {stored.position} {what} about {groups} ({people_text(stored.people)}), {stored.groups_open} stay open")
