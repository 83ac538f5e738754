"""Metadata, kinds and versions that must be refused; read on in `bad_resources.py`."""

from tests.resources.cases.manifest_texts import HEAD, bad_metadata, bad_text, workspace

METADATA = [
    bad_metadata("a name in upper case", "metadata.name", "name: Shop", "RFC 1123", "must be lower-case letters"),
    bad_metadata("no name", "metadata.name", "labels: {a: b}", "name may not be empty", "must be given"),
    bad_metadata(
        "a resource name that is a number", "metadata.name", "name: 2026", "cannot unmarshal number", "the number 2026"
    ),
    bad_metadata("a name too long for anything", "metadata.name", f"name: {'a' * 254}", "Invalid value", "at most 253"),
    bad_text(
        "no metadata", "metadata.name", f"{HEAD}spec: {{displayName: Shop}}\n", "may not be empty", "must be given"
    ),
    bad_text(
        "metadata as text", "metadata", f"{HEAD}metadata: shop\nspec: {{displayName: Shop}}\n", "unmarshal", "an object"
    ),
    bad_metadata(
        "a label that is a boolean",
        "metadata.labels",
        "name: shop\nlabels: {paid: yes}",
        "unmarshal bool",
        "boolean true",
    ),
    bad_metadata(
        "a label with a space", "metadata.labels", "name: shop\nlabels: {team: our team}", "Invalid value", "'team'"
    ),
    bad_metadata(
        "a label's key with a space", "metadata.labels", "name: shop\nlabels: {our team: x}", "name part", "'our team'"
    ),
    bad_metadata(
        "a label's key with two slashes",
        "metadata.labels",
        "name: shop\nlabels: {a/b/c: x}",
        "optional DNS subdomain prefix",  # in the words of each version of the API server
        "'a/b/c'",
    ),
    bad_metadata(
        "a label's key with a bad prefix", "metadata.labels", "name: shop\nlabels: {A.b/c: x}", "prefix", "'A.b/c'"
    ),
    bad_metadata(
        "an annotation that is a number",
        "metadata.annotations",
        "name: shop\nannotations: {workspace-operator.dev/adopt: 12}",
        "cannot unmarshal number",
        "must be a string: quote it, since YAML reads it as the number 12",
    ),
    bad_metadata(
        "an annotation's key with a space",
        "metadata.annotations",
        "name: shop\nannotations: {confirm delete: Shop}",
        "name part",
        "'confirm delete'",
    ),
    bad_metadata(
        "a finalizer with a space", "metadata.finalizers", "name: shop\nfinalizers: [a b]", "name part", "'a b'"
    ),
    bad_metadata(
        "an owner without its uid",
        "metadata.ownerReferences.uid",
        "name: shop\nownerReferences: [{apiVersion: v1, kind: Secret, name: x}]",
        "must not be empty",
        "must be given",
    ),
    bad_metadata(
        "a namespace that cannot be", "metadata.namespace", "name: shop\nnamespace: Our_Team", "not found", "lower-case"
    ),
    bad_text(
        "another version",
        "apiVersion",
        workspace("displayName: Shop").replace("v1alpha1", "v1"),
        'no matches for kind "Workspace" in version "workspace-operator.dev/v1"',
        "must be workspace-operator.dev/v1alpha1",
    ),
    bad_text(
        "another kind",
        "kind",
        workspace("displayName: Shop").replace("kind: Workspace", "kind: Workspaces"),
        'no matches for kind "Workspaces"',
        "must be Workspace, not 'Workspaces'",
    ),
]
