"""Texts of rules: decisions about many people at once."""

from collections.abc import Mapping
from typing import Final

RULE_TEXTS: Final[Mapping[str, str]] = {
    "action.rule_removed": "Removed a rule",
    "cleanup.do.mergeIntoNewest": "Merge into the newest",
    # On the cleanup page
    "rules.none": "Rules: none.",
    "rules.some.one": "Rules: {count}.",
    "rules.some.other": "Rules: {count}.",
    "rules.add_link": "Add a rule",
    "rules.show_link": "Show the rules",
    "rules.busy.Counting": "Counting what rule {position} decides about: {groups} so far…",
    "rules.busy.Deciding": "Rule {position} is deciding: {groups} so far…",
    "rules.busy.Removing": "The decisions of rule {position} are being removed…",
    # The page of all rules
    "rules.title": "Rules",
    "rules.about": (
        "A rule decides about many people who share an address, in groups about which nothing is decided yet. It is "
        "counted first: you see how many before it decides anything. Nothing is changed until you press Apply."
    ),
    "rules.back": "Back to the cleanup",
    "rules.rule": "Rule",
    "rules.what": "What it does",
    "rules.state": "State",
    "rules.number": "Rule {position}",
    "rules.form": "Add a rule",
    "rules.action": "What happens to the people of a group",
    "rules.condition": "Which groups",
    "rules.max_people": "At most this many people",
    "rules.equal_attributes": "Attributes that are equal, with commas between",
    "rules.suffix": "Address ends with",
    "rules.calls": "Data from your systems, as far as it is recorded",
    "rules.calls.any": "any",
    "rules.calls.never": "no system has sent data about any of them",
    "rules.calls.days": "no system has sent data about any of them for",
    "rules.days": "days",
    "rules.count_button": "Count what it decides about",
    "rules.not_now": "No rule can be added now.",
    # One rule
    "rule.if.any": "Everybody who shares an address",
    "rule.if.max_people": "At most {people} people share the address",
    "rule.if.equal": "All of them have the same value of {name}, or none",
    "rule.if.never": "No system has sent data about any of them, as far as this is recorded",
    "rule.if.since": "No system has sent data about any of them since {time}, as far as this is recorded",
    "rule.if.suffix": "The address ends with {suffix}",
    "rule.nobody": "This rule decides about nobody: no group without a decision meets its condition.",
    "rule.counted": "This rule would decide about {groups} ({people}). It has not been added yet.",
    "rule.decided": "This rule has decided about {groups} ({people}).",
    "rule.settled": "It settles all of these groups.",
    "rule.open.one": "{count} group stays open because somebody has another problem, too.",
    "rule.open.other": "{count} groups stay open because somebody has another problem, too.",
    "rule.close": "You can close this page.",
    "rule.stale": "The numbers have changed since you looked at them. They are shown as they are now.",
    "rule.another": (
        "The rule that you saw has been removed in the meantime. This is another one with the same number: nothing was "
        "done with it. Check it before you go on."
    ),
    "rule.add": "Add rule",
    "rule.remove": "Remove rule",
    "rule.look": "Look at 25 of them",
    "rule.look_next": "Next groups →",
    "rule.groups": "Groups that this rule decides about",
    "rule.no_groups": "None of the groups read so far match this rule.",
    "rule.by": "Added by",
    "rule.all": "All rules",
}
