"""When something should be through that has come so far."""

from datetime import datetime


def estimated_completion(*, since: datetime | None, now: datetime, done: int, total: int) -> datetime | None:
    """When all should be done at the pace so far, in whole seconds; None while nobody can say.

    Args:
        since: when it began.
        now: the same clock.
        done: how much of it is done.
        total: how much there is.
    """
    if since is None or done <= 0 or now <= since:
        return None
    return (now + (now - since) * max(total - done, 0) / done).replace(microsecond=0)
