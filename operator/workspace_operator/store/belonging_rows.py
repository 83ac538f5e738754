"""What hangs on people, as rows: for those who read it, and for those who move it."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Final

import sqlalchemy as sa

from workspace_operator.identity.devices import Device
from workspace_operator.identity.trail import ActivityType
from workspace_operator.store.dialects import among
from workspace_operator.store.rows import Row
from workspace_operator.store.tables import device, membership

TYPE_NUMBERS: Final[Mapping[ActivityType, int]] = {
    ActivityType.ATTRIBUTE_CHANGE: 1,
    ActivityType.FAILED_ATTRIBUTE_CHANGE: 2,
    ActivityType.PROFILE_CREATE: 3,
    ActivityType.PROFILE_DELETE: 4,
    ActivityType.PROFILE_MERGE: 5,
    ActivityType.SKIPPED_UPDATE: 6,
    ActivityType.EVENT: 7,
    ActivityType.PAGE: 8,
    ActivityType.SCREEN: 9,
}


def devices_of(
    connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]
) -> Mapping[str, Sequence[Device]]:
    """The devices of people, by cio_id, each person's by token; who has none is left out."""
    ours = sa.and_(device.c.workspace_id == workspace_id, among(device.c.cio_id, cio_ids))
    rows = connection.execute(sa.select(device).where(ours).order_by(device.c.cio_id, device.c.token))
    return {cio_id: tuple(map(_device_of, each)) for cio_id, each in groupby(rows, lambda row: row.cio_id)}


def segments_of(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Sequence[int]]:
    """The manual segments of people, by cio_id, in order; who is in none is left out."""
    ours = sa.and_(membership.c.workspace_id == workspace_id, among(membership.c.cio_id, cio_ids))
    order = (membership.c.cio_id, membership.c.segment)
    rows = connection.execute(sa.select(*order).where(ours).order_by(*order))
    return {cio_id: tuple(row.segment for row in each) for cio_id, each in groupby(rows, lambda row: row.cio_id)}


def _device_of(row: Row) -> Device:
    return Device(token=row.token, platform=row.platform, last_used=row.last_used, attributes=row.attributes)
