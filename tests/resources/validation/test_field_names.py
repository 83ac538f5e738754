"""Names of fields in documents, which are made without pydantic."""

import pytest
from pydantic.alias_generators import to_camel

from workspace_operator.resources.accounts import Account
from workspace_operator.resources.documents import Document
from workspace_operator.resources.problems import ALIASES, field_alias
from workspace_operator.resources.workspaces import Workspace


def models(of: type[Document] = Document) -> set[type[Document]]:
    return {of}.union(*(models(subclass) for subclass in of.__subclasses__()))


FIELDS = sorted({name for model in models() for name in model.model_fields})


def test_there_are_fields_of_both_kinds() -> None:
    assert {Workspace, Account} < models()
    assert {"metadata", "display_name", "workspace_limit"} < set(FIELDS)


@pytest.mark.parametrize("field", FIELDS)
def test_field_has_the_alias_that_pydantic_would_give_it(field: str) -> None:
    assert field_alias(field) == ALIASES.get(field, to_camel(field))
