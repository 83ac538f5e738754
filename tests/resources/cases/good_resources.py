"""Manifests that must be accepted, by a kube-apiserver and by us, odd as some of them look."""

from tests.resources.cases.manifest_texts import workspace

GOOD = {
    "only what is required": workspace("displayName: Shop"),
    "everything": workspace(
        """
        displayName: Shop
        color: '#0a1B2c'
        accountName: acme-2
        identifiers: {mode: IDOnly, emailUpdates: ByCioID, idUpdates: ByCioID, onConflict: Merge}
        mergeOptions: {multiIdentifier: Disabled}
        sendBehavior: {mode: Test, testAddress: qa+shop@example.com}
        openTracking: Disabled
        credentials: {rotationGraceSeconds: 2592000, appKeyMay: Clean}
        deletionPolicy: Delete
        suspend: true
        """,
        """
        name: shop.example.com
        namespace: default
        labels: {app.kubernetes.io/part-of: shop, empty: ''}
        annotations: {Workspace-Operator.dev/confirm-delete: Shop, note: ''}
        """,
    ),
    "empty objects": workspace(
        "displayName: Shop\nidentifiers: {}\nmergeOptions: {}\nsendBehavior: {}\ncredentials: {}"
    ),
    "no grace at all": workspace("displayName: Shop\ncredentials: {rotationGraceSeconds: 0}"),
    "nulls where there is a default": workspace("displayName: Shop\ncolor: null\nidentifiers:\nsuspend: ~"),
    "nulls where there is none": workspace(
        "displayName: Shop\nidentifiers: {mode: null}\nsendBehavior: {testAddress: }"
    ),
    "a null where there is no field": workspace("displayName: Shop\nteam: null"),
    "nulls in metadata": workspace("displayName: Shop", "name: shop\ncreationTimestamp: null\nlabels: {a: null}"),
    "a date as a name": workspace("displayName: 2026-01-31"),
    "a time as a name": workspace("displayName: 1:30"),
    "a colour too large for a number": workspace("displayName: Shop\ncolor: 1e3000"),
    "a colour with letters and no quotes": workspace("displayName: Shop\ncolor: 00ff00"),
    "a quoted number": workspace("displayName: '2026'\ncolor: '000000'"),
    "a tagged number": workspace("displayName: !!str 2026"),
    "one character": workspace("displayName: X"),
    "a hundred characters of four bytes": workspace(f"displayName: {'🛒' * 100}"),
    "white space inside": workspace("displayName: My  Shop"),
    "a heart in colour": workspace(r'displayName: "\u2764\ufe0f Club 1\ufe0f\u20e3"'),
    "a name in Arabic": workspace("displayName: متجر"),
    "a decomposed name": workspace(r'displayName: "Cafe\u0301"'),
    "a folded name": workspace("displayName: >-\n  My\n  Shop"),
    "the longest name": workspace("displayName: Shop", f"name: {'a' * 241}"),
    "the longest account": workspace(f"displayName: Shop\naccountName: {'a' * 63}"),
    "the longest test address": workspace(
        f"displayName: Shop\nsendBehavior: {{mode: Test, testAddress: {'x' * 245}@shop.de}}"
    ),
    "a quoted local part": workspace(
        "displayName: Shop\nsendBehavior: {mode: Test, testAddress: '\"q@a\"@example.com'}"
    ),
    "an international address": workspace("displayName: Shop\nsendBehavior: {mode: Test, testAddress: иван@пример.рф}"),
    "a test address in Punycode": workspace(
        "displayName: Shop\nsendBehavior: {mode: Test, testAddress: qa@xn--bcher-kva.example}"
    ),
    "the longest transport": workspace(f"displayName: Shop\nsending: {{transport: {'a' * 63}}}"),
    "a sender without a name": workspace("displayName: Shop\nsending: {from: hello@shop.example}"),
    "a sender with a name": workspace("displayName: Shop\nsending: {from: Läden 🛒 <hello@shop.example>}"),
    "a sender with a quoted name": workspace(
        """displayName: Shop\nsending: {from: '"Shop, \\"Inc.\\"" <"a@b"@shop.example>'}"""
    ),
    "EmailOnly from the start": workspace("displayName: Shop\nidentifiers: {mode: EmailOnly}"),
    "a status, which nobody but the operator writes": workspace("displayName: Shop")
    + "status: {observedGeneration: x}\n",
    "an anchor": workspace("displayName: &name Shop", "name: shop\nannotations: {title: *name}").replace(
        "metadata:\n  name: shop\n  annotations: {title: *name}\nspec:\n  displayName: &name Shop\n",
        "metadata:\n  name: shop\n  annotations: {title: &name Shop}\nspec:\n  displayName: *name\n",
    ),
    "a merge key": workspace("<<: {displayName: Shop, color: '112233'}\ncolor: '445566'"),
    "JSON": '{"apiVersion": "workspace-operator.dev/v1alpha1", "kind": "Workspace", '
    '"metadata": {"name": "shop"}, "spec": {"displayName": "Shop"}}\n',
}
