"""Texts of the search for people, and of the page of one person."""

from collections.abc import Mapping
from typing import Final

PEOPLE_TEXTS: Final[Mapping[str, str]] = {
    # Search
    "people.link": "People",
    "people.title": "People",
    "people.find": "Id, cio_id or address",
    "people.search": "Find",
    "people.hint": (
        "Enter an id, a cio_id or an address, or the first 3 characters of an id or address. Names are not searched."
    ),
    "people.none": (
        "Nobody has the id, cio_id or address {find}, or one that begins so. Addresses are compared without upper and "
        "lower case. A person whose address is not valid is found by the id."
    ),
    "people.too_short": (
        "Nobody has the id {find}. To find the beginning of an id or address, enter at least {least} characters."
    ),
    "people.none_here": "Nobody else on this page.",
    "people.merged": "This person became part of {person}.",
    "people.deleted": "This person was deleted.",
    "people.why": "What is known of it",
    "people.caption": "People that match, exact matches first",
    "people.person": "Person",
    "people.id": "Id",
    "people.email": "Address",
    "people.made": "Made",
    "people.changed": "Last change",
    "people.no_change": "none kept",
    "people.without_id": "no id",
    "people.without_email": "no address",
    "people.without_name": "no name",
    "people.blocks": "blocks the change",
    "people.more": "More people →",
    "people.done.deleted": "The person was deleted. Their id and address can be used again.",
    "people.done.suppressed": "The person was deleted, and their id and address are suppressed.",
    # A person
    "person.note": "Note",
    "person.cio_id": "cio_id",
    "person.id": "Id",
    "person.email": "Address",
    "person.none": "none",
    "person.copy": "Copy {what}",
    "person.state.in_force": "in force",
    "person.state.generated": "generated",
    "person.state.attribute": "attribute: it identifies nobody",
    "person.state.invalid": "not a valid address",
    "person.state.suppressed": "suppressed",
    "person.blocks": "This person blocks the identifier change:",
    "person.violation.duplicateEmail": "somebody else has the same address",
    "person.violation.invalidEmail": "the address is not valid",
    "person.violation.suppressedEmail": "the address is suppressed",
    "person.violation.idIsAnotherEmail": "the id is another address",
    "person.clean_up": "Clean up →",
    "person.shared": "Others have this address, too:",
    "person.identifiers": "Identifiers",
    "person.made": "Made",
    "person.attributes": "Attributes",
    "person.name": "Name",
    "person.value": "Value",
    "person.since": "Since",
    "person.no_attributes": "This person has no attributes.",
    "person.devices": "Devices",
    "person.no_devices": "none",
    "person.segments": "Manual segments",
    "person.no_segments": "none",
    "person.segment": "segment {number}",
    "person.and_more": "and more",
    "person.merges": "Merges",
    "person.no_merges": "This person was never merged with another one.",
    "person.merge": "{secondary} became part of {primary}",
    "person.merge.automatic": "by a call",
    "person.merge.requested": "on request",
    "person.merge.migration": "by identifier change {number}",
    "person.undone": "undone on {day}",
    "person.comes_back": (
        "Undo brings back {person} with {what}. What was changed since the merge stays with {survivor}."
    ),
    "person.comes_back.attributes.one": "{count} attribute",
    "person.comes_back.attributes.other": "{count} attributes",
    "person.comes_back.devices.one": "{count} device",
    "person.comes_back.devices.other": "{count} devices",
    "person.comes_back.segments.one": "{count} segment",
    "person.comes_back.segments.other": "{count} segments",
    "person.if_free": "{what}, if nobody else has it by then",
    "person.undo_merge": "Undo",
    "person.undo_merge_of": "Undo the merge of {person}",
    "person.cleanups": "Cleanups",
    "person.no_cleanups": "No cleanup had a decision about this person.",
    "person.cleanup": "Cleanup {number}",
    "person.refusals": "Refused changes",
    "person.no_refusals": "none",
    "person.activities": "Activities",
    "person.no_activities": "None are kept.",
    "person.deliveries": "Deliveries",
    "person.no_deliveries": "This person got no message.",
    "person.at": "Time",
    "person.what": "What",
    "person.detail": "Detail",
    "person.subject": "Subject",
    "person.state": "State",
    "person.recipient": "To",
    "person.diverted": "diverted to {address}",
    "person.older": "Older ones →",
    "person.newest": "Back to the newest",
    # Activities
    "activity.attribute_change": "Changed",
    "activity.failed_attribute_change": "Change refused",
    "activity.profile_create": "Created",
    "activity.profile_delete": "Deleted",
    "activity.profile_merge": "Merged",
    "activity.skipped_update": "Update of an unknown person skipped",
    "activity.event": "Event",
    "activity.page": "Page viewed",
    "activity.screen": "Screen viewed",
    "activity.opened_email": "Opened a message",
    "activity.clicked_email": "Clicked in a message",
    "activity.more.one": "{count} more",
    "activity.more.other": "{count} more",
    # Actions
    "person.actions": "Actions",
    "person.may_not_edit": "You may look at this person, but not correct the address.",
    "person.may_not_manage": "You may look at this person, but not merge, delete or suppress.",
    "person.correct": "Correct the address…",
    "person.new_email": "New address",
    "person.correct_button": "Correct",
    "person.merge_with": "Merge with…",
    "person.other_person": "Id, cio_id or address of the other person",
    "person.look": "Compare",
    "person.delete": "Delete…",
    "person.delete_more": (
        "All data of this person is deleted, and cannot be restored. The id and the address can be used again. If a "
        "system goes on sending this person, it makes the person again."
    ),
    "person.suppress": "Suppress…",
    "person.suppress_more": (
        "This person is deleted, and no call can make a person with this id or address again. Use this when somebody "
        "asks to be forgotten."
    ),
    "person.type": "Type {name} to confirm",
    "person.delete_button": "Delete this person",
    "person.suppress_button": "Suppress this person",
    "person.wrong_name": "{typed} is not {name}. Nothing was changed.",
    "person.owner": "{person} has this address.",
    "person.merge_with_owner": "Merge with {person}",
    "person.done.corrected": "The address was corrected.",
    "person.done.restored": "This person was restored: the merge is undone.",
    "person.missing.id": "The id did not come back: somebody else has it, or it is suppressed.",
    "person.missing.email": "The address did not come back: somebody else has it, or it is suppressed.",
    "person.became_part": (
        "The person with the cio_id {cio_id} became part of this one on {day}. Its id was {id}, its address {email}."
    ),
    # A person that is not there any more
    "gone.title": "This person was deleted",
    "gone.on": "The person with the cio_id {cio_id} was deleted on {day}.",
    "gone.plain": "The person with the cio_id {cio_id} was deleted.",
    "gone.suppressed": "The id and the address were suppressed: no call can make such a person again.",
    "gone.cleanup": "Cleanup {number} deleted it",
    "gone.no_cleanup": (
        "No cleanup deleted it, but a call, a member of staff or a bulk deletion. The history may say more."
    ),
    "gone.history": "History",
    "gone.back": "Find somebody else",
    # A merge of two people
    "merging.title": "Merge",
    "merging.nobody": "Nobody else has the id, cio_id or address {find}.",
    "merging.several": "Several people have this address. Choose one:",
    "merging.explanation": (
        "The column on the right shows the person after the first button. A merge can be undone as long as the person "
        "who stays is not deleted."
    ),
    "merging.into": "Merge {secondary} into {survivor}",
    "merging.back": "Back to the person",
}
