"""Base class of all parts of a resource: an immutable pydantic model with camelCase aliases.

The docstring of a field is its description in the CustomResourceDefinition and in ``kubectl explain``.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

ALIASES = {
    "workspace_id": "workspaceID",
    "store_id": "storeID",
    "without_id": "withoutID",
    "people_without_id": "peopleWithoutID",
    "from_mode": "from",
    "to_mode": "to",
    "sender": "from",
}
"""Aliases that differ from the camelCase form of the Python name."""

INT64 = {"format": "int64"}
MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""

Count = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER, json_schema_extra=INT64)]


class Toggle(StrEnum):
    """On or off; words instead of booleans, so that values can be added."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


def field_alias(field: str) -> str:
    """The name of a field in documents."""
    return ALIASES.get(field) or to_camel(field)


class Document(BaseModel):
    """A part of a resource. Unknown fields are ignored, as the API server prunes them."""

    model_config = ConfigDict(
        frozen=True, alias_generator=field_alias, populate_by_name=True, extra="ignore", use_attribute_docstrings=True
    )

    def as_document(self) -> dict[str, Any]:
        """This part as JSON for the API server: camelCase names, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
