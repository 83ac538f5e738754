"""An account "acme" of namespace "team" with admins and members, and its workspace "crm"."""

from collections.abc import Sequence

from workspace_operator.access.model import AccountMembers, Member, Role, WorkspaceName

CRM = WorkspaceName(cluster="c1", namespace="team", account="acme", name="crm")


def member(email: str, *workspaces: str, role: Role = Role.VIEWER) -> Member:
    return Member(email=email, workspaces=frozenset(workspaces), role=role)


def account(
    *,
    admins: Sequence[str] = (),
    members: Sequence[Member] = (),
    cluster: str = "c1",
    namespace: str = "team",
    name: str = "acme",
) -> AccountMembers:
    return AccountMembers(cluster=cluster, namespace=namespace, name=name, admins=tuple(admins), members=tuple(members))
