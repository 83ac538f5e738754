"""What an apply of manifests would do, without doing it.

The decisions are those of a reconcile (``reconcile.deciding``), one after the other; what they ask for is carried out
on a rehearsal of the directory in memory. Where people decide, that is at identifier changes, they are looked at.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workspace_operator.application.applying import ManifestResources, as_resource, validated_beside
from workspace_operator.application.cluster_choice import refuse_other_clusters
from workspace_operator.application.ports import Previews
from workspace_operator.application.reading import resource_of
from workspace_operator.errors import NotFound
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import BEFORE_SWITCH, Stage
from workspace_operator.reconcile.deciding import decide
from workspace_operator.reconcile.forecasts import Forecast, IdentifierForecast, Orphan
from workspace_operator.reconcile.intentions import Intention, intentions_of
from workspace_operator.reconcile.observed import Owner, StoredWorkspace
from workspace_operator.reconcile.previews import Preview
from workspace_operator.reconcile.rehearsals import Directory, IsReleased, Rehearsal
from workspace_operator.reconcile.verdicts import Reason, Verdict
from workspace_operator.reconcile.wishes import Resource
from workspace_operator.resources.manifests import name_of
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.statuses import ConditionType

Document = Mapping[str, Any]

MAX_ORPHANS = 3
"""Workspaces of the same name that a plan names for one resource."""


@dataclass(frozen=True, slots=True)
class NothingYet:
    """Implements the port ``Previews`` for a database that has not been made yet."""

    def directory(self) -> Directory:
        """Nothing."""
        return Directory()

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:  # noqa: ARG002 - the port's signature
        """Raise NotFound."""
        raise NotFound(f"there is no workspace number {workspace_id}")


@dataclass(slots=True, kw_only=True)
class _Course:
    """What becomes of one resource in the course of a rehearsal; ``foreseen`` is the change that was asked about."""

    resource: Resource
    owner: Owner
    intentions: list[Intention] = field(default_factory=list)
    identifiers: IdentifierForecast | None = None
    foreseen: int | None = None


class Planner:
    """Plans for the manifests of one run.

    Args:
        previews: where the directory is from, as it is now, and what is known of its people.
        cluster_id: names the set of manifests in the store.
        now: aware.
        samples: how many people at most are shown for each violation.
    """

    def __init__(self, previews: Previews, *, cluster_id: str, now: datetime, samples: int) -> None:
        self._previews = previews
        self._cluster_id = cluster_id
        self._now = now
        self._samples = samples
        self._directory = previews.directory()
        self._rehearsal = Rehearsal(self._directory)

    def problems(self, manifest: Document) -> Sequence[Problem]:
        """What an apply would refuse a manifest for, before it does anything."""
        return validated_beside(manifest, self._stored(manifest))

    def plan(self, manifests: Sequence[Document]) -> Sequence[Forecast]:
        """What an apply would do for each manifest, in the order given; none of them may have problems.

        As an apply does, each is looked at once, and then again until nothing moves.
        """
        names = frozenset(map(name_of, manifests))
        gone = ManifestResources(cluster_id=self._cluster_id, names=names).is_released
        courses = [self._course(manifest) for manifest in manifests]
        for course in courses:
            self._look(course, gone)
        for course in courses:
            self._look(course, gone)
            while self._conclude(course):
                self._look(course, gone)
        return [self._forecast(course, names) for course in courses]

    def refuse_other_clusters(self, manifests: Sequence[Document]) -> None:
        """Refuse manifests if the database belongs to another cluster. Raises InvalidInput."""
        directory, names = self._directory, frozenset(map(name_of, manifests))
        refuse_other_clusters(
            directory.workspaces.values(), directory.beat_times.keys(), names, cluster_id=self._cluster_id
        )

    def without_manifest(self, manifests: Sequence[Document]) -> Sequence[StoredWorkspace]:
        """The workspaces of this cluster that no manifest is about: an apply keeps them as they are."""
        names = set(map(name_of, manifests))
        return [
            each
            for each in self._directory.workspaces.values()
            if each.owner.cluster == self._cluster_id and (each.owner.namespace, each.owner.name) not in names
        ]

    def _stored(self, manifest: Document) -> StoredWorkspace | None:
        metadata = manifest.get("metadata")
        if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
            return None
        namespace, name = name_of(manifest)
        return self._rehearsal.owned_by(Owner(cluster=self._cluster_id, namespace=namespace, name=name, uid=""))

    def _course(self, manifest: Document) -> _Course:
        document = as_resource(manifest, cluster=self._cluster_id, now=self._now.isoformat())
        resource = resource_of(document)
        stored = self._stored(manifest)
        if stored is not None and stored.owner.uid:
            # Of a cluster's resources only the cluster knows the UID: theirs are taken to be those in the store.
            generation = max(resource.generation, stored.spec_generation)
            resource = replace(resource, uid=stored.owner.uid, generation=generation)
        return _Course(resource=resource, owner=resource.owner(self._cluster_id))

    def _look(self, course: _Course, is_released: IsReleased) -> None:
        """Reconcile in the rehearsal, until there is nothing more to do just now."""
        while True:
            observed = self._rehearsal.observe(course.resource, course.owner, is_released)
            decision = decide(course.resource, observed, cluster_id=self._cluster_id, now=self._now)
            if not decision.actions:
                status = course.resource.status if decision.status is None else decision.status
                course.resource = replace(course.resource, status=status)
                return
            for action in decision.actions:
                course.intentions += intentions_of(action, observed)
                self._rehearsal.carry_out(action, now=self._now)

    def _conclude(self, course: _Course) -> bool:
        """Foresee how an open identifier change ends; False if there is none, or nothing comes of it."""
        change = self._rehearsal.open_change(course.owner)
        if change is None or change.number == course.foreseen:
            return False
        course.foreseen = change.number
        preview = self._preview(change) if change.stage in BEFORE_SWITCH else None
        course.identifiers = IdentifierForecast(change=change, stage=self._stage(change), preview=preview)
        if change.paused or _rests(change, course.resource):
            return False
        course.identifiers = replace(course.identifiers, change=self._rehearsal.conclude(change, preview))
        return True

    def _preview(self, change: Migration) -> Preview:
        return self._previews.preview(
            change.workspace_id, from_mode=change.from_mode, to_mode=change.to_mode, samples=self._samples
        )

    def _stage(self, change: Migration) -> Stage | None:
        known = self._directory.migrations.get(change.workspace_id)
        return known.stage if known is not None and known.number == change.number else None

    def _forecast(self, course: _Course, names: Collection[tuple[str, str]]) -> Forecast:
        ready = next(each for each in course.resource.previous.conditions if each.type == ConditionType.READY)
        workspace = self._rehearsal.owned_by(course.owner)
        number = None if workspace is None else workspace.workspace_id
        is_made = number is not None and number not in self._directory.workspaces
        return Forecast(
            title=course.resource.title,
            cluster=self._cluster_id,
            orphans=self._orphans(course.owner, names) if is_made else (),
            workspace_id=number if number in self._directory.workspaces else None,
            intentions=tuple(course.intentions),
            identifiers=course.identifiers,
            verdict=Verdict(reason=Reason(ready.reason), message=ready.message),
        )

    def _orphans(self, owner: Owner, names: Collection[tuple[str, str]]) -> tuple[Orphan, ...]:
        """Workspaces of the same name, whose namespace was renamed or whose cluster was made anew."""
        found = [each for each in self._directory.workspaces.values() if _may_be_meant(each.owner, owner, names)]
        return tuple(Orphan(workspace=each, people=self._people(each)) for each in found[:MAX_ORPHANS])

    def _people(self, workspace: StoredWorkspace) -> int:
        number, mode = workspace.workspace_id, workspace.mode
        return self._previews.preview(number, from_mode=mode, to_mode=mode, samples=0).people.total


def _may_be_meant(theirs: Owner, owner: Owner, names: Collection[tuple[str, str]]) -> bool:
    if theirs.name != owner.name:
        return False
    if theirs.cluster != owner.cluster:
        return theirs.namespace == owner.namespace
    return (theirs.namespace, theirs.name) not in names


def _rests(change: Migration, resource: Resource) -> bool:
    """Whether a blocked change is left as it is: nobody has asked for another try."""
    return change.stage is Stage.BLOCKED and change.retry_token != resource.reconcile_request
