"""What Liquid sees of a person (sending §5.1)."""

from tests.identity.builders import person
from workspace_operator.sending.messages import customer_variables


def test_customer_has_attributes_and_identifiers() -> None:
    ann = person("a1", "7", "ann@shop.example", plan="pro")

    assert customer_variables(ann) == {"cio_id": "a1", "id": "7", "email": "ann@shop.example", "plan": "pro"}


def test_identifier_that_is_missing_is_no_variable() -> None:
    assert "id" not in customer_variables(person("a1", None, "ann@shop.example"))
