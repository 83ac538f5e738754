"""What an apply would do for one resource, and how it would end; what the person who reads that should know."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.migrations.changes import disables_email
from workspace_operator.migrations.records import Migration, OnConflict
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.intentions import Intention
from workspace_operator.reconcile.messages import people
from workspace_operator.reconcile.observed import StoredWorkspace
from workspace_operator.reconcile.previews import Preview
from workspace_operator.reconcile.verdicts import Footing, Verdict


class Outcome(StrEnum):
    """What a plan comes to, for one resource and for all; values as in the JSON of a plan."""

    NOTHING = "nothing"
    CHANGES = "changes"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierForecast:
    """What would become of an identifier change.

    Attributes:
        change: as it would end.
        stage: where it stands now; None if it has not been asked for yet.
        preview: what it would do to the people of now; None once it has switched.
    """

    change: Migration
    stage: Stage | None = None
    preview: Preview | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether nobody stands in its way."""
        return self.preview is None or self.preview.is_clear(self.change.on_conflict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A workspace beside which a new one would be made: of another cluster, or of a namespace without a manifest."""

    workspace: StoredWorkspace
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What an apply would do for one resource.

    Attributes:
        title: NAMESPACE/NAME.
        cluster: the cluster that the manifests are of.
        workspace_id: None if a workspace would be made.
        verdict: how condition Ready would end.
        orphans: workspaces of the same name that nobody may be left to own, if a workspace would be made.
    """

    title: str
    cluster: str = ""
    workspace_id: int | None
    orphans: tuple[Orphan, ...] = ()
    intentions: tuple[Intention, ...] = ()
    identifiers: IdentifierForecast | None = None
    verdict: Verdict

    @property
    def outcome(self) -> Outcome:
        """What it comes to."""
        return next(outcome for rule, outcome in OUTCOMES if rule(self))

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do next, or to know before."""
        forecast, orphans = self.identifiers, tuple(_of_orphan(each, self) for each in self.orphans)
        if forecast is None or forecast.preview is None:
            return orphans
        facts = Facts(title=self.title, change=forecast.change, preview=forecast.preview)
        return orphans + tuple(told for rule in ADVICE if (told := rule(facts)) is not None)


def somebody_must_act(forecast: Forecast) -> bool:
    """The apply would end Stalled: people stand in the way, a conflict, an impossible wish, or suspended."""
    return forecast.verdict.footing is Footing.STALLED


def something_would_change(forecast: Forecast) -> bool:
    """There is something to do, or an identifier change under way that goes on."""
    return bool(forecast.intentions) or forecast.identifiers is not None


def all_is_in_force(forecast: Forecast) -> bool:  # noqa: ARG001 - a rule that always holds
    """Nothing is left to do."""
    return True


OUTCOMES: tuple[tuple[Callable[[Forecast], bool], Outcome], ...] = (
    (somebody_must_act, Outcome.BLOCKED),
    (something_would_change, Outcome.CHANGES),
    (all_is_in_force, Outcome.NOTHING),
)


def outcome_of_all(forecasts: Iterable[Forecast]) -> Outcome:
    """What a whole plan comes to: the worst of its resources."""
    found = {each.outcome for each in forecasts}
    return next((outcome for _, outcome in OUTCOMES if outcome in found), Outcome.NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What advice about an identifier change rests on."""

    title: str
    change: Migration
    preview: Preview

    @property
    def duplicates_block(self) -> bool:
        """Whether people who share an address stand in the way."""
        return bool(self.preview.in_the_way(self.change.on_conflict).duplicate_email)


def people_would_be_merged(facts: Facts) -> str | None:
    """With Merge: how many, and that it can be undone one by one."""
    if facts.change.on_conflict is OnConflict.BLOCK or not facts.preview.people_merged:
        return None
    return (
        f"{_merging(facts.preview)} `workspacectl merges list` names them afterwards, and each merge can be undone "
        "by itself."
    )


def merging_would_let_it_through(facts: Facts) -> str | None:
    """With Block, and nobody but people who share an address in the way."""
    if not facts.duplicates_block or not facts.preview.is_clear(OnConflict.MERGE):
        return None
    return f"With spec.identifiers.onConflict: Merge it would go through: {_merging(facts.preview)}"


def merging_would_not_be_enough(facts: Facts) -> str | None:
    """With Block, and others in the way, too."""
    if not facts.duplicates_block or facts.preview.is_clear(OnConflict.MERGE):
        return None
    left = people(facts.preview.people_concerned_beside_sharing)
    return (
        f"With spec.identifiers.onConflict: Merge, {left} would still stand in the way; once they are mended, "
        f"{_merging(facts.preview)}"
    )


def duplicates_can_be_cleaned(facts: Facts) -> str | None:
    """Without merging: keep one of each."""
    if not facts.duplicates_block:
        return None
    return (
        f"`workspacectl people dedupe --workspace {facts.title} --keep oldest --dry-run` counts who would go if only "
        "the oldest of those who share an address was kept."
    )


def violations_can_be_exported(facts: Facts) -> str | None:
    """A list of all is made when the change is asked for."""
    if facts.preview.is_clear(facts.change.on_conflict):
        return None
    return (
        f"Once applied, `workspacectl exports get --workspace {facts.title} --latest -o FILE` lists everybody who "
        "stands in the way. Mend them, or delete rows from the list and the people in the rest: `workspacectl "
        "segments create --from-csv`, then `workspacectl people delete --segment`."
    )


def people_without_id_stay(facts: Facts) -> str | None:
    """Addresses become plain attributes."""
    count = facts.preview.people.without_id
    if not disables_email(facts.change.from_mode, facts.change.to_mode) or not count:
        return None
    return f"{_have(count)} no id: they stay, and are reached by cio_id only, unless they get an id before."


def people_without_identifier_stay(facts: Facts) -> str | None:
    """Neither an id nor an address: that holds nothing up."""
    count = facts.preview.people_without_usable_identifier
    if disables_email(facts.change.from_mode, facts.change.to_mode) or not count:
        return None
    return f"{_have(count)} neither an id nor an address: they stay, and are reached by cio_id only."


ADVICE = (
    people_would_be_merged,
    merging_would_let_it_through,
    merging_would_not_be_enough,
    duplicates_can_be_cleaned,
    violations_can_be_exported,
    people_without_id_stay,
    people_without_identifier_stay,
)


def _of_orphan(orphan: Orphan, forecast: Forecast) -> str:
    """A workspace of the same name that may be what the manifest stands for, and how to give it to the resource."""
    owner, number = orphan.workspace.owner, orphan.workspace.workspace_id
    of_cluster = "" if owner.cluster == forecast.cluster else f" of cluster {owner.cluster}"
    place = "" if not of_cluster else f" --cluster-id {forecast.cluster}"
    return (
        f"A new workspace would be made beside workspace {number} of {owner.namespace}/{owner.name}{of_cluster}, which "
        f"has {people(orphan.people)}. If the manifest stands for that one: `workspacectl workspaces assign {number} "
        f"--to {forecast.title}{place}`."
    )


def _merging(preview: Preview) -> str:
    become = "becomes" if preview.people_merged == 1 else "become"
    ids = "1 id becomes" if preview.ids_given_up == 1 else f"{preview.ids_given_up} ids become"
    return f"{people(preview.people_merged)} {become} part of somebody else, and {ids} free."


def _have(count: int) -> str:
    return f"{people(count)} {'has' if count == 1 else 'have'}"
