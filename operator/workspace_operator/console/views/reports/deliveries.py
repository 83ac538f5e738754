"""The deliveries of a workspace, newest first, and what of them the address of the page selects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import urlencode

from workspace_operator.application.ports import DeliveryQuery, DeliveryRecord
from workspace_operator.application.sending.explanations import gate_line
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.console.views.people_links import person_href
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.deliveries import Delivery, DeliveryState

SHOWN: Final = 50
"""Deliveries of a page."""

MAX_TEMPLATES: Final = 500
"""Templates that the filter offers, the first ones; others can be named in the address."""

_is_stored_id: Final = re.compile("[0-9A-Za-z]{1,64}").fullmatch
_is_number: Final = re.compile("[1-9][0-9]{0,17}").fullmatch
_PASSED: Final = 14
"""The line of the gate for a message that goes to its recipients: there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAddress:
    """What the address of the page selects.

    Attributes:
        state: only deliveries in this state; None for all. ``template`` and ``person`` likewise.
        person: a cio_id.
        before: a delivery id; only older ones.
    """

    workspace_id: int
    state: DeliveryState | None = None
    template: int | None = None
    person: str = ""
    before: str = ""

    @classmethod
    def parse(cls, workspace_id: int, query: Mapping[str, str]) -> Self:
        """Read the address. Raises InvalidInput with the parameter that is wrong."""
        state, template = query.get("state", ""), query.get("template", "")
        if state not in ("", *DeliveryState):
            message = f"state {quoted(state)} is unknown: use one of {', '.join(DeliveryState)}"
            raise InvalidInput(message, field="state")
        if template and not _is_number(template):
            message = f"template {quoted(template)} must be the number of a template, from 1"
            raise InvalidInput(message, field="template")
        return cls(
            workspace_id=workspace_id,
            state=DeliveryState(state) if state else None,
            template=int(template) if template else None,
            person=_stored_id(query, "person", "the cio_id of a person"),
            before=_stored_id(query, "before", "the id of a delivery"),
        )

    @property
    def root(self) -> str:
        """The page without a selection."""
        return f"/w/{self.workspace_id}/deliveries"

    @property
    def href(self) -> str:
        """The page with this selection."""
        named = {
            "state": self.state or "",
            "template": str(self.template or ""),
            "person": self.person,
            "before": self.before,
        }
        given = urlencode({name: value for name, value in named.items() if value})
        return f"{self.root}?{given}" if given else self.root

    @property
    def query(self) -> DeliveryQuery:
        """What to read: one more than a page shows."""
        return DeliveryQuery(
            limit=SHOWN + 1,
            before=self.before or None,
            cio_id=self.person or None,
            template=self.template,
            states=frozenset({self.state} if self.state else ()),
        )


def delivery_id_of(query: Mapping[str, str]) -> str:
    """The delivery that the address of its page names. Raises InvalidInput."""
    found = _stored_id(query, "id", "the id of a delivery")
    if not found:
        raise InvalidInput("the address of a delivery has an id", field="id")
    return found


def _stored_id(query: Mapping[str, str], name: str, meaning: str) -> str:
    value = query.get(name, "")
    if value and not _is_stored_id(value):
        raise InvalidInput(f"{name} {quoted(value)} must be {meaning}, in letters and digits", field=name)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """A delivery.

    Attributes:
        href: its page.
        person: id, address or cio_id; empty, as ``person_href``, for a recipient who is no person.
        template: name and number; empty without one.
        reason: why it is in its state, in words; empty if there is nothing to say.
        tries: how many attempts failed, in words; empty if none did.
    """

    href: str
    accepted: ShownTime
    subject: str
    person: str
    person_href: str
    template: str
    state: str
    reason: str
    tries: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A choice of a filter."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesView:
    """A page of deliveries.

    Attributes:
        person: the cio_id whose deliveries are shown; empty for those of everybody.
        empty: why there is no line; empty if there is one.
        first_href: the newest ones of the selection; empty if these are shown. ``next_href`` is empty behind the last.
    """

    root: str
    states: Sequence[Option]
    templates: Sequence[Option]
    person: str
    lines: Sequence[DeliveryLine]
    empty: str
    first_href: str
    next_href: str


def deliveries_view(
    address: DeliveryAddress, records: Sequence[DeliveryRecord], templates: Mapping[int, str]
) -> DeliveriesView:
    """A page of up to `SHOWN` deliveries, of which one more was read; ``templates`` are names by number."""
    shown, empty = records[:SHOWN], ""
    if not shown:
        is_filtered = address != DeliveryAddress(workspace_id=address.workspace_id)
        empty = text("deliveries.none_found" if is_filtered else "deliveries.none")
    following = ""
    if len(records) > SHOWN:
        following = replace(address, before=shown[-1].delivery.delivery_id).href
    return DeliveriesView(
        root=address.root,
        states=_state_options(address),
        templates=_template_options(address, templates),
        person=address.person,
        lines=[_line(address, record, templates) for record in shown],
        empty=empty,
        first_href=replace(address, before="").href if address.before else "",
        next_href=following,
    )


def _state_options(address: DeliveryAddress) -> Sequence[Option]:
    every = Option(value="", text=text("deliveries.all"), is_chosen=address.state is None)
    states = (Option(value=state, text=state_text(state), is_chosen=state is address.state) for state in DeliveryState)
    return [every, *states]


def _template_options(address: DeliveryAddress, templates: Mapping[int, str]) -> Sequence[Option]:
    every = Option(value="", text=text("deliveries.all"), is_chosen=address.template is None)
    named = dict(templates)
    if address.template is not None:
        named.setdefault(address.template, "")
    options = (
        Option(value=str(number), text=template_text(number, named), is_chosen=number == address.template)
        for number in sorted(named)
    )
    return [every, *options]


def _line(address: DeliveryAddress, record: DeliveryRecord, templates: Mapping[int, str]) -> DeliveryLine:
    delivery = record.delivery
    return DeliveryLine(
        href=f"{address.root}/message?id={delivery.delivery_id}",
        accepted=time(delivery.accepted_at),
        subject=visible(delivery.subject) or text("deliveries.no_subject"),
        person=person_text(record),
        person_href=person_href(address.workspace_id, delivery.cio_id) if delivery.cio_id else "",
        template=template_text(delivery.template, templates),
        state=state_text(delivery.state),
        reason=reason_text(delivery),
        tries=counted("deliveries.tries", delivery.tries) if delivery.tries else "",
    )


def person_text(record: DeliveryRecord) -> str:
    """The person of a delivery: id, address or cio_id; empty for a recipient who is no person."""
    return visible(record.id or record.email or record.cio_id or "")


def state_text(state: DeliveryState) -> str:
    """A state in words."""
    return text(f"delivery.{state.replace(' ', '_')}")


def template_text(number: int | None, names: Mapping[int, str]) -> str:
    """A template by name and number; empty for none."""
    if number is None:
        return ""
    return " ".join(filter(None, (visible(names.get(number, ""), limit=60), f"#{number}")))


def reason_text(delivery: Delivery) -> str:
    """Why a delivery is in its state: what failed, or what the gate decided; empty if it simply went out."""
    gate = delivery.gate
    if gate is not None and gate.diverted_to is not None:
        return text("deliveries.diverted", address=visible(gate.diverted_to))
    if delivery.failure:
        return visible(delivery.failure)
    return "" if gate is None or gate.rule == _PASSED else gate_line(gate.rule)
