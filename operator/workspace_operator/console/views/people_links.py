"""Links to people."""


def person_href(workspace_id: int, cio_id: str) -> str:
    """The address of the page of a person."""
    return f"/w/{workspace_id}/people/{cio_id}"
