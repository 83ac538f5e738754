"""Which statements may read a whole workspace, and why: everything else is found by its key."""

from typing import Final

from workspace_operator.store.tables import PER_WORKSPACE

READING: Final = {
    "it counts or lists everybody": {
        ("counting.count_people", "person"),
        ("counting.count_violations", "person"),
        ("people.all", "person"),
        ("previewing._row", "person"),
        ("previewing._rows", "person"),
        ("reporting._violations", "person"),
        ("sharing.sharers", "person"),
    },
    "it counts or lists all that is suppressed": {
        ("counting.count_violations", "suppression"),
        ("previewing._row", "suppression"),
        ("previewing._rows", "suppression"),
        ("reporting._violations", "suppression"),
    },
    "it counts the groups of people who share an address": {
        ("counting._people", "shared_email"),
        ("counting.merges_of", "shared_email"),
    },
    "it reads a whole export": {
        ("reporting._counts", "violation"),
        ("reporting._note_places", "violation"),
        ("violating.violations", "violation"),
    },
    "it counts or lists the people of segments, or looks for a number that none has": {
        ("belongings.members", "membership"),
        ("segments._count_one", "membership"),
        ("segments._counts", "membership"),
        ("segments._free_number", "membership"),
        ("segments._used", "membership"),
    },
    "it takes the first or last rows of a key, up to a number": {
        ("belongings._forget", "activity"),
        ("belongings._has_older", "activity"),
        ("belongings.activities", "activity"),
        ("clearing._remove", "changed_key"),
        ("clearing._remove", "identifier"),
        ("clearing._remove", "listed_person"),
        ("clearing._remove", "shared_email"),
        ("clearing._remove", "violation"),
        ("merging.merges", "merge"),
        ("preparing._end_of_stretch", "person"),
        ("preparing.is_obstructed", "shared_email"),
        ("preparing.take_entries", "changed_key"),
        ("unfolded.next_groups", "shared_email"),
    },
    "it destroys the workspace": {("workspaces.destroy", table.name) for table in PER_WORKSPACE}
    - {("workspaces.destroy", "fence")},
    "it looks whether a workspace holds anything, and stops at the first row": {
        ("ownership._is_empty", table.name) for table in PER_WORKSPACE
    }
    - {("ownership._is_empty", "fence")},
    "it is about all workspaces, which are a small table": {
        ("belongings.forget_activities", "workspace"),
        ("migrating.claim", "migration"),
        ("migrating.unfinished", "migration"),
        ("previewing.directory", "migration"),
        ("previewing.directory", "workspace"),
        ("workspaces.list", "workspace"),
    },
}
"""By reason: the function that makes the statement, and the table."""

SMALL: Final = frozenset({"fence", "export", "segment", "store_identity", "cluster_heartbeat"})
"""Tables of a few rows: 16, three exports and the named segments of a workspace; one row; a row for each cluster."""

SORTING: Final = {
    "belongings.activities": "of each type a few are read, and merged by their age",
    "belongings.members": "while people are merged, survivors stand in the places of others",
    "reporting._note_places": "they are written in the order of another key; it is sorted in files",
    "segments._count_one": "while people are merged, each is counted once",
}
"""What reads a whole workspace may still not sort it in memory, but for these."""

ALLOWED: Final = frozenset(each for entries in READING.values() for each in entries)
