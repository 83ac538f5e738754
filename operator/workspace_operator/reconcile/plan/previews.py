"""What changing a workspace's identifiers would do to its people, as values; nothing here asks a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workspace_operator.migrations.model import OnConflict, Violation, ViolationCounts
from workspace_operator.workspaces.model import PeopleCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationSample:
    """Somebody who stands in the way, as an example.

    Attributes:
        sharing: how many people have this address, themselves included; 1 for who has none.
        shares_with: the cio_ids of the oldest few of the others.
    """

    cio_id: str
    id: str | None
    email: str | None
    sharing: int
    shares_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an identifier change would do to the people of one moment (identity-rules §7).

    Attributes:
        people: as they are before it.
        people_without_usable_identifier: who would be reached by cio_id only after it.
        violations: before any merge, whatever happens to people who share an address; zeros where nobody is checked.
        people_concerned_beside_sharing: people with a violation other than a duplicate email.
        groups: how many addresses several people share.
        people_to_merge: who becomes part of somebody else if they are merged.
        ids_given_up: ids that become free if they are merged, since whoever is left keeps one.
        samples: a bounded number of people by violation; of each address that is shared or suppressed the oldest.
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
        """Who would hold the change up; with Merge, nobody does for sharing an address."""
        if on_conflict is OnConflict.BLOCK:
            return self.violations
        return replace(self.violations, duplicate_email=0, people_concerned=self.people_concerned_beside_sharing)

    def passes(self, on_conflict: OnConflict) -> bool:
        """Whether nobody would hold the change up."""
        return self.blocking_violations(on_conflict).people_concerned == 0
