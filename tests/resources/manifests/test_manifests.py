"""Files and folders of manifests, and where things stand in them."""

from pathlib import Path

import pytest

from tests.resources.cases.manifest_texts import workspace
from workspace_operator.errors import InvalidInput
from workspace_operator.resources.manifests import FILE_LIMIT_BYTES, Manifest, load_manifests
from workspace_operator.resources.problems import Problem

SHOP = workspace("displayName: Shop")
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"


def folder_of(path: Path, **texts: str) -> Path:
    """A folder with files; in names, two underscores stand for a dot."""
    for name, text in texts.items():
        (path / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInput) as refused:
        load_manifests(path)
    return str(refused.value)


def names(manifests: tuple[Manifest, ...]) -> list[str]:
    return [manifest.document["metadata"]["name"] for manifest in manifests]


def test_folder_is_read_in_order_of_names(tmp_path: Path) -> None:
    b, a = workspace("displayName: B", "name: b"), workspace("displayName: A", "name: a")
    folder = folder_of(tmp_path, b__yaml=b, a__yml=a, readme__md="# x", kustomization__yaml="resources: [a.yml]")
    (tmp_path / "change").mkdir()
    (tmp_path / "change" / "c.yaml").write_text("]")
    (tmp_path / "folder.yaml").mkdir()

    assert names(load_manifests(folder).ours) == ["a", "b"]


def test_single_file_may_have_any_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, workspaces__json='{"apiVersion": "workspace-operator.dev/v1", "kind": "X"}')

    (only,) = load_manifests(folder / "workspaces.json").ours

    assert only.title == "workspace-operator.dev/v1 X"


def test_objects_of_others_are_left_out_and_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, all__yaml=f"{NAMESPACE}---\n{SHOP}")

    found = load_manifests(folder)

    assert names(found.ours) == ["shop"]
    assert [other.title for other in found.others] == ["v1 Namespace team"]


def test_lists_are_taken_apart(tmp_path: Path) -> None:
    item = "\n".join(f"  {line}" for line in SHOP.splitlines()).replace("  api", "- api", 1)
    folder = folder_of(tmp_path, list__yaml=f"apiVersion: v1\nkind: List\nitems:\n{item}\n")

    (only,) = load_manifests(folder).ours

    assert only.document["spec"] == {"displayName": "Shop"}
    assert only.location("spec.displayName") == f"{folder}/list.yaml, document 1, line 9"


def test_kind_that_ends_in_list_is_no_list_without_items(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, list__yaml=SHOP.replace("kind: Workspace", "kind: WorkspaceList"))

    (only,) = load_manifests(folder).ours

    assert only.document["kind"] == "WorkspaceList"


def test_problem_is_reported_with_its_place(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, shop__yaml=f"{NAMESPACE}---\n{SHOP}")
    (only,) = load_manifests(folder).ours
    place = f"{folder}/shop.yaml, document 2, line"

    assert only.locate(Problem(path="spec.displayName", message="must be")) == f"{place} 10: spec.displayName: must be"
    assert only.location("spec.sendBehavior.testAddress") == f"{place} 9"
    assert only.location("status.conditions[0]") == f"{place} 5"
    assert only.location() == f"{place} 5"


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes(b"\xef\xbb\xbf" + SHOP.encode())

    assert names(load_manifests(tmp_path).ours) == ["shop"]


def test_every_unreadable_file_is_reported(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a__yaml="a: 1\na: 2", b__yaml=SHOP, c__yaml=f"{SHOP}---\n- 1\n")

    assert refusal(folder).splitlines() == [
        f"{folder}/a.yaml: document 1, line 2: a: is given twice: remove one of the two",
        f"{folder}/c.yaml: document 2, line 8: must be an object with apiVersion and kind",
    ]


@pytest.mark.parametrize("text", ["just text", "kind: Workspace", "apiVersion: 1\nkind: Workspace"])
def test_document_must_say_what_it_is(tmp_path: Path, text: str) -> None:
    assert "must be an object with apiVersion and kind" in refusal(folder_of(tmp_path, a__yaml=text))


def test_resource_may_have_one_manifest_only(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a__yaml=SHOP, b__yaml=SHOP)

    assert refusal(folder) == (
        f"{folder}/b.yaml, document 1, line 4: workspace-operator.dev/v1alpha1 Workspace shop "
        f"is already given in {folder}/a.yaml, document 1, line 1"
    )


def test_names_may_repeat_in_another_namespace(tmp_path: Path) -> None:
    elsewhere = workspace("displayName: Shop", "name: shop\nnamespace: team")

    assert names(load_manifests(folder_of(tmp_path, a__yaml=SHOP, b__yaml=elsewhere)).ours) == ["shop", "shop"]


def test_manifest_without_metadata_is_for_validation_to_refuse(tmp_path: Path) -> None:
    bare = "apiVersion: workspace-operator.dev/v1alpha1\nkind: Workspace\n"

    (first, _) = load_manifests(folder_of(tmp_path, a__yaml=f"{bare}---\n{bare}metadata: 5\n")).ours

    assert first.title == "workspace-operator.dev/v1alpha1 Workspace"


def test_folder_must_hold_a_workspace(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: no Workspace found"
    assert refusal(folder_of(tmp_path, a__yaml=NAMESPACE)) == f"{tmp_path}: no Workspace found"


def test_missing_file_is_reported(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml") == f"{tmp_path}/none.yaml: cannot be read: No such file or directory"


def test_file_must_be_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("é".encode("latin-1"))

    assert refusal(tmp_path) == f"{tmp_path}/a.yaml: must be UTF-8, which byte 0 is not"


def test_file_must_have_a_size_that_people_write(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"#" * (FILE_LIMIT_BYTES + 1))

    assert "is larger than 1048576 bytes" in refusal(tmp_path)


def test_long_list_is_read_in_one_pass(tmp_path: Path) -> None:
    """Each item with its own lines: 30 000 items that each looked at all lines took minutes."""
    items = "".join("- {apiVersion: v1, kind: X}\n" for _ in range(30_000))
    folder = folder_of(tmp_path, list__yaml=f"apiVersion: v1\nkind: List\nitems:\n{items}---\n{SHOP}")

    found = load_manifests(folder)

    assert found.others[-1].location("kind").endswith("document 1, line 30003")


def test_items_of_a_merge_key_have_the_line_of_the_list(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        list__yaml="#\n<<: {apiVersion: v1, kind: List, items: [{apiVersion: workspace-operator.dev/v1, kind: X}]}",
    )

    (only,) = load_manifests(folder).ours

    assert only.location("kind") == f"{folder}/list.yaml, document 1, line 2"


def test_folders_in_folders_are_read_on_request(tmp_path: Path) -> None:
    for name in ("b", "a", "a/c"):
        (tmp_path / name).mkdir()
        folder_of(tmp_path / name, shop__yaml=workspace("displayName: Shop", f"name: {name.replace('/', '-')}"))
    (tmp_path / "a" / "round").symlink_to(tmp_path, target_is_directory=True)

    assert names(load_manifests(tmp_path, recursive=True).ours) == ["a", "a-c", "b"]


def test_json_is_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, shop__json='{\n\t"apiVersion": "workspace-operator.dev/v1",\n\t"kind": "X"\n}')

    (only,) = load_manifests(folder).ours

    assert only.location("kind") == f"{folder}/shop.json, document 1, line 3"


def test_endless_words_of_a_title_are_cut(tmp_path: Path) -> None:
    long = "x" * 5_000
    folder = folder_of(
        tmp_path, a__yaml=f"apiVersion: workspace-operator.dev/v1\nkind: {long}\nmetadata: {{name: {long}}}"
    )

    (only,) = load_manifests(folder).ours

    assert len(only.title) < 600


def test_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, shop__yaml=SHOP)

    assert names(load_manifests(folder, folder / "shop.yaml").ours) == ["shop"]


def test_texts_are_read_beside_files(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, shop__yaml=SHOP)
    other = workspace("displayName: Other", "name: other")

    found = load_manifests(folder, texts={"standard input": other.encode()})

    assert [manifest.location().partition(",")[0] for manifest in found.ours] == [
        f"{folder}/shop.yaml",
        "standard input",
    ]
