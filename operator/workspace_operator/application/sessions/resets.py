"""Resets of sign-ins: afterwards another identity may sign in with an address."""

from datetime import datetime

from workspace_operator.application.ports import ACCOUNT_WIDE, Actor, AuditAction, AuditEntry, SignInPins


def reset_sign_in(pins: SignInPins, email_key: str, *, actor: Actor, at: datetime, subject: str = "") -> bool:
    """Reset the sign-in of an address and end its sessions; False if nobody has signed in with it.

    ``subject`` is what the actor administers, as in the audit log.
    """
    entry = AuditEntry(
        workspace_id=ACCOUNT_WIDE,
        at=at,
        actor=actor,
        action=AuditAction.SIGN_IN_RESET,
        subject=subject,
        detail={"address": email_key},
    )
    return pins.reset(email_key, entry=entry)
