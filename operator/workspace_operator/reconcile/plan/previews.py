"""Previews: the effect of an identifier change on the people of a workspace, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workspace_operator.migrations.model import OnConflict, Violation, ViolationCounts
from workspace_operator.workspaces.model import PeopleCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationSample:
    """An example of a person who blocks the change.

    Attributes:
        sharing: how many people have this address, this person included; 1 for a person without address.
        shares_with: the cio_ids of the oldest few of the others.
    """

    cio_id: str
    id: str | None
    email: str | None
    sharing: int
    shares_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The effect of an identifier change on the people of one moment (identity-rules §7).

    Attributes:
        people: their counts before the change.
        people_without_usable_identifier: people who can be reached by cio_id only after the change.
        violations: before any merge, whatever ``onConflict`` is; zeros if the change needs no check.
        people_concerned_beside_sharing: people with a violation other than a duplicate email.
        groups: addresses that several people share.
        people_to_merge: people who become part of another person, if people are merged.
        ids_given_up: ids that become free by that, since each survivor keeps one.
        samples: a bounded number of people by violation; the oldest person of each shared or suppressed address.
    """

    people: PeopleCounts
    people_without_usable_identifier: int = 0
    violations: ViolationCounts = field(default_factory=ViolationCounts)
    people_concerned_beside_sharing: int = 0
    groups: int = 0
    people_to_merge: int = 0
    ids_given_up: int = 0
    samples: Mapping[Violation, Sequence[ViolationSample]] = field(default_factory=dict)

    def blocking_violations(self, on_conflict: OnConflict) -> ViolationCounts:
        """The violations that block the change; with Merge, a shared address does not."""
        if on_conflict is OnConflict.BLOCK:
            return self.violations
        return replace(self.violations, duplicate_email=0, people_concerned=self.people_concerned_beside_sharing)

    def passes(self, on_conflict: OnConflict) -> bool:
        """Whether no person blocks the change."""
        return self.blocking_violations(on_conflict).people_concerned == 0
