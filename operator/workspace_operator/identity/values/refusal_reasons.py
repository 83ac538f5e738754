"""Reasons of refusals and rejections: fixed sentences, since callers compare them and reports group by them."""

from workspace_operator.identity.values.text_limits import quoted

OWNED_BY_ANOTHER_PERSON = "The identifier is already associated with a different profile."
SUPPRESSED = "The identifier is suppressed."
INVALID_EMAIL = "The email is not a valid address."
CIO_ID_IS_IMMUTABLE = "A cio_id cannot be set, changed or deleted."
CONFLICTING_VALUES = "The call gives the identifier two values."
DELETION_NOT_ALLOWED = "This call cannot delete the identifier."
LAST_IDENTIFIER = "A person keeps an id or an email: not both can be deleted."
ID_IS_ANOTHER_EMAIL = "An id that is an email address has to be the person's own email."
EMAIL_IS_THE_ID = "The person's id is this email address: change the id first."

EMAIL_BY_ID_OR_CIO_ID = "The email can be changed only by a call that names the person by id or cio_id."
EMAIL_BY_CIO_ID = "The email can be changed only by a call that names the person by cio_id."
EMAIL_BY_IMPORT = "An import can change an email only in update mode, with people named by cio_id."
ID_BY_CIO_ID = "The id can be changed only by a call that names the person by cio_id."
ID_BY_IMPORT = "An import cannot change an id."
ID_IS_IMMUTABLE = "An id that is set cannot be changed in this workspace."
ID_IS_GENERATED = "The id was generated and cannot be changed."

KIND_NOT_IN_MODE = "People of this workspace cannot be named by this kind of identifier."
UNKNOWN_CIO_ID = "No person has this cio_id."
UNKNOWN_GENERATED_ID = "No person has this id, and an id creates no person in this workspace."
UNKNOWN_IDENTIFIER = "No person has this identifier."
UPDATE_ONLY = "No person has this identifier, and only updates were requested."
ROW_MATCHES_TWO_PEOPLE = "The row matches two people, and an import merges no people."
TOO_MANY_ATTRIBUTES = "A person can have at most 300 attributes."
ALREADY_SUPPRESSED = "The identifier is already suppressed."
NOT_SUPPRESSED = "The identifier is not suppressed."
SAME_PERSON = "Both sides of the merge are the same person."
TOO_MANY_DEVICES = "A person can have at most 100 devices."
RESERVED_ID = "The value begins with cio_, which is reserved: send another id."
PLACEHOLDER = "The value looks like a variable that was not set: send the identifier itself."
NEW_ID_IS_AN_EMAIL = (
    "The value is an email address, and an id that is one has to be the person's own email: name the person by email,"
    " or send the address as email, too."
)
NOT_TEXT = "The value is neither text nor a number: send an email address as text."
NOT_A_TIME = "The value is no time: send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds."
IN_THE_FUTURE = "The value is more than a day in the future: send a time up to now."


def email_of_another_person(id_: str) -> str:
    """Why a row of a file with a new id is rejected; the only reason that contains another person's id."""
    return f"The row was rejected: its email belongs to the person with id {quoted(id_)}. Correct the id or the email."
