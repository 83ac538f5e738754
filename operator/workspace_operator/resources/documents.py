"""Base class of all parts of a resource: an immutable pydantic model with camelCase aliases.

The docstring of a field is its description in the CustomResourceDefinition and in ``kubectl explain``; ``schema.py``
reads them. Pydantic would read them for each class when it is imported, and build validators that most commands do not
use, which took a fifth of a command's start.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from workspace_operator.resources.problems import field_alias

INT64 = {"format": "int64"}
MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""

Count = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER, json_schema_extra=INT64)]


class Toggle(StrEnum):
    """On or off; words instead of booleans, so that values can be added."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class Document(BaseModel):
    """A part of a resource. Unknown fields are ignored, as the API server prunes them."""

    model_config = ConfigDict(
        frozen=True, alias_generator=field_alias, populate_by_name=True, extra="ignore", defer_build=True
    )

    def as_document(self) -> dict[str, Any]:
        """This part as JSON for the API server: camelCase names, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
