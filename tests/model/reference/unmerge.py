"""Taking a merge back (identity-rules §5, last **D**): the other person comes back with what is still free.

What the survivor took by the merge and still has as it was goes back, too; what was written since is the survivor's.
"""

from tests.model.reference.attributes import age_of
from tests.model.reference.permissions import id_is_another_email
from tests.model.reference.records import EMAIL_NAME, Merged, ModelPerson, Value
from tests.model.reference.working_copy import PeopleLookup, write
from workspace_operator.identity.values.rules import EMAIL, ID, IdentifierKind, Mode


def unmerge(
    people: PeopleLookup, merged: Merged, holder: ModelPerson, now: int
) -> tuple[ModelPerson, ModelPerson, set[Value]]:
    """Make two of one: the survivor, who is back, and which identifiers these could not have again."""
    kinds = _returning(people, merged, holder)
    survivor, restored = holder.copy(), merged.secondary.copy()
    for kind in kinds & _given(people, merged, holder):
        write(survivor, kind, None)
    for kind in {ID, EMAIL} - kinds:
        write(restored, kind, None)
    _give_attributes_back(survivor, merged, email_went=survivor.email != holder.email)
    _give_belongings_back(survivor, merged)
    survivor.age, restored.age = age_of(survivor, now), age_of(restored, now)
    return survivor, restored, {value for value in _wanted(merged.secondary) if value[0] not in kinds}


def _wanted(secondary: ModelPerson) -> set[Value]:
    """Also an email that is no address; nobody can have that where an email is an identifier."""
    emails: set[Value] = set() if secondary.email is None else {(EMAIL, secondary.key or secondary.email)}
    return emails | {value for value in secondary.values if value[0] is ID}


def _returning(people: PeopleLookup, merged: Merged, holder: ModelPerson) -> set[IdentifierKind]:
    secondary, mode = merged.secondary, people.rules.mode
    given = _given(people, merged, holder)
    kinds = {
        kind
        for kind, _ in _wanted(secondary)
        if (kind is EMAIL and mode is Mode.ID_ONLY) or _is_free(people, kind, secondary.own(kind), kind in given)
    }
    if mode is not Mode.EMAIL_OR_ID:
        return kinds
    # identity-rules §3, last D: an id that is an address stays with that address, or goes nowhere.
    id_left = None if ID in kinds & given else holder.id
    if id_is_another_email(id_left, None if EMAIL in kinds & given else holder.key):
        kinds -= {EMAIL}
    if ID in kinds and id_is_another_email(secondary.id, secondary.key if EMAIL in kinds else None):
        kinds -= {ID}
    return kinds


def _is_free(people: PeopleLookup, kind: IdentifierKind, key: str | None, is_given: bool) -> bool:
    if key is None or people.is_suppressed(kind, key):
        return False
    return is_given or people.find(kind, key) is None


def _given(people: PeopleLookup, merged: Merged, holder: ModelPerson) -> set[IdentifierKind]:
    """What the survivor lacked before the merge, took by it, and has."""
    primary, secondary, survivor = merged.primary, merged.secondary, merged.survivor
    kinds: set[IdentifierKind] = set()
    if primary.id is None and survivor.id is not None and holder.id == secondary.id:
        kinds.add(ID)
    if primary.email is not None or survivor.email is None:
        return kinds
    if people.rules.mode is Mode.ID_ONLY:
        is_as_it_was = holder.email == survivor.email and holder.times.get(EMAIL_NAME) == survivor.times.get(EMAIL_NAME)
        return kinds | ({EMAIL} if is_as_it_was else set())
    return kinds | ({EMAIL} if holder.key is not None and holder.key == secondary.key else set())


def _give_attributes_back(survivor: ModelPerson, merged: Merged, *, email_went: bool) -> None:
    """To what they were before the merge, value and time."""
    before, after = merged.primary, merged.survivor
    went = [
        name
        for name, value in after.attributes.items()
        if repr(before.attributes.get(name)) != repr(value)
        and repr(survivor.attributes.get(name)) == repr(value)
        and survivor.times.get(name) == after.times.get(name)
    ]
    for name in went:
        del survivor.attributes[name]
        if name in before.attributes:
            survivor.attributes[name] = before.attributes[name]
    for name in [*went, *([EMAIL_NAME] if email_went else ())]:
        survivor.times.pop(name, None)
        if name in before.times:
            survivor.times[name] = before.times[name]


def _give_belongings_back(survivor: ModelPerson, merged: Merged) -> None:
    before, secondary = merged.primary, merged.secondary
    for token, device in secondary.devices.items():
        if token not in before.devices and survivor.devices.get(token) == device:
            del survivor.devices[token]
    survivor.segments -= secondary.segments - before.segments
