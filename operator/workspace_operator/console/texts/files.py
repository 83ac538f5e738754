"""Texts of segments and files."""

from collections.abc import Mapping
from typing import Final

FILE_TEXTS: Final[Mapping[str, str]] = {
    "refused.download": "You can view this, but your role does not allow downloading.",
    # Segments
    "segments.link": "Segments",
    "segments.title": "Segments",
    "segments.segment": "Segment",
    "segments.people": "People",
    "segments.made": "Created",
    "segments.many": "more than {count} people",
    "segments.none": "No segment yet.",
    "segments.how": "A segment is created from a CSV file by the command",
    "segments.command": "workspacectl segments create --from-csv FILE --name NAME --workspace NAMESPACE/NAME",
    "segments.next": "Next segments →",
    "segments.back": "All segments",
    "segments.download": "Download list (CSV)",
    "segments.id": "Id",
    "segments.email": "Address",
    "segments.nobody": "Nobody is in this segment.",
    "segments.next_people": "Next people →",
    # Exports
    "exports.link": "Exports",
    "exports.title": "Exports",
    "exports.people": "All people with all attributes (CSV)",
    "exports.again": "Each file can be corrected in a spreadsheet and imported again. Downloads are in the history.",
    "exports.lists": "Lists of people who block an identifier change",
    "exports.number": "Number",
    "exports.what": "List",
    "exports.made": "Created",
    "exports.file": "File",
    "exports.download": "Download list (CSV)",
    "exports.decisions": "Download all decisions (CSV)",
    "exports.none": "No one has ever blocked an identifier change in this workspace.",
}
