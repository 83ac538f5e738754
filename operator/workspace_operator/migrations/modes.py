"""Which changes of identifiers there are (identity-rules §7)."""

from workspace_operator.identity.values.rules import Mode

ALLOWED_MODES: dict[Mode, frozenset[Mode]] = {
    Mode.ID_ONLY: frozenset({Mode.EMAIL_OR_ID}),
    Mode.EMAIL_ONLY: frozenset({Mode.EMAIL_OR_ID}),
    Mode.EMAIL_OR_ID: frozenset({Mode.ID_ONLY}),
}
"""By the mode in force: the modes that it may be changed to. EmailOnly can only be chosen at creation."""


def enables_email(before: Mode, after: Mode) -> bool:
    """Whether addresses become identifiers that were none: only then people are validated, and may be merged."""
    return before is Mode.ID_ONLY and after is Mode.EMAIL_OR_ID


def disables_email(before: Mode, after: Mode) -> bool:
    """Whether addresses become plain attributes: people without an id then stay, reached by cio_id only."""
    return before is Mode.EMAIL_OR_ID and after is Mode.ID_ONLY


def is_mode_allowed(in_force: Mode, desired: Mode) -> bool:
    """Whether the mode in force is what is wanted, or may be changed to it."""
    return desired is in_force or desired in ALLOWED_MODES[in_force]
