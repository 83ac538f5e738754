"""How a plan is printed: for people, as JSON for pipelines, and as Markdown for pull requests."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workspace_operator.cli.manifest_files import without_manifest_text
from workspace_operator.cli.output import tell
from workspace_operator.migrations.records import OnConflict, Violation
from workspace_operator.reconcile.forecasts import Forecast, IdentifierForecast, Outcome, outcome_of_all
from workspace_operator.reconcile.intentions import Intention, Verb
from workspace_operator.reconcile.messages import harmless, people, quoted
from workspace_operator.reconcile.observed import StoredWorkspace
from workspace_operator.reconcile.previews import Preview, Sample
from workspace_operator.reconcile.verdicts import Reason

HEADLINES = {
    Outcome.NOTHING: "nothing to do",
    Outcome.CHANGES: "would change",
    Outcome.BLOCKED: "would wait for a person",
}
VERBS = {
    Verb.CREATE: "create",
    Verb.TAKE_OVER: "take over",
    Verb.SET: "set",
    Verb.CHANGE_IDENTIFIERS: "change",  # told with all that comes of it
    Verb.TAKE_BACK: "take back the change of",
    Verb.PAUSE: "pause the change of",
    Verb.GO_ON: "go on with the change of",
    Verb.CHECK_AGAIN: "check the people again for",
    Verb.DESTROY: "destroy",
}


def document_of(forecasts: Sequence[Forecast], kept: Sequence[StoredWorkspace] = ()) -> Mapping[str, Any]:
    """A plan as JSON, with the workspaces that have no manifest; docs/operating.md has every field."""
    return {
        "outcome": outcome_of_all(forecasts),
        "resources": [_resource(each) for each in forecasts],
        "withoutManifest": [
            {"namespace": each.owner.namespace, "name": each.owner.name, "workspaceID": each.workspace_id}
            for each in kept
        ],
    }


def _resource(forecast: Forecast) -> Mapping[str, Any]:
    namespace, _, name = forecast.title.partition("/")
    return {
        "namespace": namespace,
        "name": name,
        "workspaceID": forecast.workspace_id,
        "outcome": forecast.outcome,
        "reason": forecast.verdict.reason,
        "message": forecast.verdict.message,
        "steps": [
            {"action": each.verb, "field": each.field or None, "from": each.before, "to": each.after}
            for each in forecast.intentions
        ],
        "identifierChange": None if forecast.identifiers is None else _identifiers(forecast.identifiers),
        "advice": list(forecast.advice),
    }


def _identifiers(forecast: IdentifierForecast) -> Mapping[str, Any]:
    change, preview = forecast.change, forecast.preview
    return {
        "from": change.from_mode,
        "to": change.to_mode,
        "onConflict": change.on_conflict,
        "stage": forecast.stage,
        "allowed": forecast.is_allowed,
        "preview": None if preview is None else _preview(preview, change.on_conflict),
    }


def _preview(preview: Preview, on_conflict: OnConflict) -> Mapping[str, Any]:
    return {
        "people": {
            "total": preview.people.total,
            "withEmail": preview.people.with_email,
            "withoutID": preview.people.without_id,
            "withoutIdentifier": preview.people.without_identifier,
        },
        "violations": {str(name): count for name, count in preview.violations.by_violation().items()},
        "peopleConcerned": preview.violations.people_concerned,
        "peopleInTheWay": preview.in_the_way(on_conflict).people_concerned,
        "sharedAddresses": preview.groups,
        "peopleMerged": preview.people_merged if on_conflict is OnConflict.MERGE else 0,
        "idsGivenUp": preview.ids_given_up if on_conflict is OnConflict.MERGE else 0,
        "ifMerged": {"peopleMerged": preview.people_merged, "idsGivenUp": preview.ids_given_up},
        "peopleWithoutUsableIdentifier": preview.people_without_usable_identifier,
        "samples": {str(name): [_sample(each) for each in samples] for name, samples in preview.samples.items()},
    }


def _sample(sample: Sample) -> Mapping[str, Any]:
    return {
        "cioID": sample.cio_id,
        "id": sample.id,
        "email": sample.email,
        "sharing": sample.sharing,
        "sharesWith": list(sample.shares_with),
    }


def print_forecasts(forecasts: Sequence[Forecast], kept: Sequence[StoredWorkspace] = ()) -> None:
    """Print a plan for people: a headline a resource, what would be done, and how it ends."""
    for forecast in forecasts:
        tell("\n".join(_lines(forecast)))
    tell(f"\n{_counts(forecasts)}. Nothing was changed.")
    if kept:
        tell(without_manifest_text(_titles(kept)))


def print_markdown(forecasts: Sequence[Forecast], kept: Sequence[StoredWorkspace] = ()) -> None:
    """Print a plan for a pull request: a table of all resources, and the steps of those that would change.

    What people have written stands in fenced blocks only, so none of it is taken for Markdown or HTML.
    """
    tell(f"### Plan: {_counts(forecasts)}\n")
    tell("| workspace | outcome | reason |\n| --- | --- | --- |")
    for forecast in forecasts:
        tell(f"| {forecast.title} | {HEADLINES[forecast.outcome]} | {forecast.verdict.reason} |")
    for forecast in forecasts:
        if forecast.outcome is not Outcome.NOTHING:
            tell(f"\n#### {forecast.title}\n\n{_fenced(_lines(forecast))}")
    tell(f"\nNothing was changed. {without_manifest_text(_titles(kept))}".rstrip())


def _fenced(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _counts(forecasts: Sequence[Forecast]) -> str:
    return ", ".join(
        f"{sum(each.outcome is outcome for each in forecasts)} {words}" for outcome, words in HEADLINES.items()
    )


def _titles(workspaces: Sequence[StoredWorkspace]) -> Sequence[str]:
    return sorted(f"{each.owner.namespace}/{each.owner.name}" for each in workspaces)


def _lines(forecast: Forecast) -> Iterator[str]:
    reason = forecast.verdict.reason
    because = f" ({reason})" if forecast.outcome is Outcome.BLOCKED else ""
    yield f"{forecast.title}: {HEADLINES[forecast.outcome]}{because}"
    yield from (f"  {_step(each)}" for each in forecast.intentions if each.verb is not Verb.CHANGE_IDENTIFIERS)
    if forecast.identifiers is not None:
        yield from (f"  {line}" for line in _change(forecast.identifiers))
    if forecast.outcome is Outcome.BLOCKED and reason is not Reason.MIGRATION_BLOCKED:
        yield f"  {forecast.verdict.message}"
    yield from (f"  → {advice}" for advice in forecast.advice)


def _step(each: Intention) -> str:
    verb = VERBS[each.verb]
    if not each.field and each.before is None:
        return f"{verb} {quoted(each.after or '')}"
    before, after = ("nothing" if value is None else harmless(value) for value in (each.before, each.after))
    return " ".join(filter(None, (verb, each.field, f"to {after}" if each.before is None else f"{before} → {after}")))


def _change(forecast: IdentifierForecast) -> Iterator[str]:
    change, preview = forecast.change, forecast.preview
    stands = "would be asked for" if forecast.stage is None else f"stands at {forecast.stage}"
    yield f"identifiers {change.from_mode} → {change.to_mode}, onConflict {change.on_conflict}: {stands}"
    if preview is None:
        return
    in_the_way = preview.in_the_way(change.on_conflict)
    verdict = "allowed" if forecast.is_allowed else f"blocked by {people(in_the_way.people_concerned)}"
    yield f"  {verdict}; there are {people(preview.people.total)}"
    for violation, count in preview.violations.by_violation().items():
        if count:
            yield f"  {violation}: {people(count)}{_sharing(violation, preview, change.on_conflict)}"
        yield from (f"    {_told(sample)}" for sample in preview.samples.get(violation, ()))


def _sharing(violation: Violation, preview: Preview, on_conflict: OnConflict) -> str:
    if violation is not Violation.DUPLICATE_EMAIL:
        return ""
    addresses = "1 address" if preview.groups == 1 else f"{preview.groups} addresses"
    return f" share {addresses}" + (", and would be merged" if on_conflict is OnConflict.MERGE else "")


def _told(sample: Sample) -> str:
    who = [f"cio_{sample.cio_id}"]
    who += [f"{kind} {quoted(value)}" for kind, value in (("id", sample.id), ("email", sample.email)) if value]
    others = sample.sharing - 1
    if others:
        more = others - len(sample.shares_with)
        named = ", ".join(f"cio_{each}" for each in sample.shares_with)
        who.append(f"shares it with {named}" + (f" and {more} more" if more else ""))
    return ", ".join(who)
