"""Templates as files: what they say, and every way in which they can be wrong."""

from pathlib import Path

import pytest

from tests.templates.folders import BROKEN, FakeParser, template
from workspace_operator.application.ports import DEFAULT_LANGUAGE, TemplateContent, TemplateDraft
from workspace_operator.application.sending.template_files import read_templates
from workspace_operator.errors import InvalidInput
from workspace_operator.sending.messages import MessageContent

EVERYTHING = """\
name: Receipt
description: After each purchase.
triggerName: Receipt of purchase
from: "{{ message_data.shop }} <shop@x.example>"
replyTo: help@x.example
subject: Your receipt
preheader: Thank you
cc: a@x.example
bcc: b@x.example, C <c@x.example>
fakeBcc: true
headers: {X-Kind: receipt}
sendToUnsubscribed: false
openTracking: Disabled
linkTracking: Disabled
hideBody: true
queueDrafts: true
languages:
  de: {subject: Ihre Quittung, preheader: Danke, from: laden@x.example, replyTo: hilfe@x.example}
  pt-BR: {subject: Seu recibo}
"""


def read(*folders: Path) -> list[TemplateDraft]:
    return list(read_templates(folders, FakeParser()))


def refused(*folders: Path) -> list[str]:
    """The problems, without the folder of the test."""
    with pytest.raises(InvalidInput) as raised:
        read(*folders)
    return str(raised.value).replace(f"{folders[0].parent}/", "").splitlines()


def test_subject_and_body_are_enough(tmp_path: Path) -> None:
    (draft,) = read(template(tmp_path / "welcome"))

    content = TemplateContent(content=MessageContent(subject="Hello", body="<p>Hello"))
    assert draft == TemplateDraft(trigger_name="welcome", name="welcome", contents={DEFAULT_LANGUAGE: content})


def test_every_field_reaches_the_template(tmp_path: Path) -> None:
    bodies = {"body_html": "H", "body_txt": "T", "body_amp.html": "A", "body_de_txt": "D", "body_pt-BR_html": "P"}
    (draft,) = read(template(tmp_path / "x", EVERYTHING, **bodies))

    default, german, portuguese = (draft.contents[language] for language in (DEFAULT_LANGUAGE, "de", "pt-BR"))
    assert draft == TemplateDraft(
        trigger_name="Receipt of purchase",
        name="Receipt",
        description="After each purchase.",
        send_to_unsubscribed=False,
        open_tracking=False,
        link_tracking=False,
        hide_body=True,
        queue_drafts=True,
        contents=draft.contents,
    )
    shop = "{{ message_data.shop }} <shop@x.example>"
    assert default.content == MessageContent(
        subject="Your receipt",
        sender=shop,
        reply_to="help@x.example",
        preheader="Thank you",
        headers=(("X-Kind", "receipt"),),
        body="H",
        body_plain="T",
        body_amp="A",
    )
    assert (german.content.subject, german.content.sender, german.content.body_plain) == (
        "Ihre Quittung",
        "laden@x.example",
        "D",
    )
    assert (german.content.preheader, german.content.reply_to, german.content.body) == (
        "Danke",
        "hilfe@x.example",
        None,
    )
    assert (portuguese.content.preheader, portuguese.content.sender) == ("Thank you", shop)
    for content in (default, german, portuguese):
        assert (content.cc, content.bcc, content.fake_bcc) == ("a@x.example", "b@x.example, C <c@x.example>", True)


def test_folder_of_templates_is_read_by_name(tmp_path: Path) -> None:
    template(tmp_path / "b")
    template(tmp_path / "a")
    (tmp_path / "images").mkdir()
    (tmp_path / "README.md").touch()

    assert [draft.trigger_name for draft in read(tmp_path)] == ["a", "b"]


def test_folder_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    folder = template(tmp_path / "a")

    assert len(read(folder, tmp_path, folder)) == 1


def test_line_ends_of_other_systems_change_nothing(tmp_path: Path) -> None:
    unix, windows = template(tmp_path / "unix" / "x"), template(tmp_path / "windows" / "x")
    (unix / "body.html").write_bytes(b"a\nb\n")
    (windows / "body.html").write_bytes(b"a\r\nb\r\n")

    assert read(unix) == read(windows)


def test_other_files_of_a_template_are_ignored(tmp_path: Path) -> None:
    folder = template(tmp_path / "a")
    for name in ("body.html~", ".body.html.swp", "logo.png", "bodyguard.txt"):
        (folder / name).write_text("x")

    assert read(folder) == read(template(tmp_path / "b" / "a"))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("", "must be one object with the fields of a template, such as subject"),
        ("- subject", "must be one object"),
        ("subject: a\n---\nsubject: b", "must be one object"),
        ("subject: [", "document 1, line 2: did not find"),
        ("name: x", "line 1: subject: is required"),
        ("subject: ''", "line 1: subject: must not be empty"),
        ("subject:", "line 1: subject: is required"),
        ("subject: 5", "line 1: subject: must be text, not 5: write it in quotes"),
        ("subject: a\nsubjekt: b", "line 2: subjekt: is not a field of a template: correct its spelling or remove it"),
        ("subject: a\nhideBody: 'yes'", "line 2: hideBody: must be true or false, not 'yes'"),
        ("subject: a\nopenTracking: Off", "line 2: openTracking: must be Enabled or Disabled, not false"),
        ("subject: a\nheaders: x", "line 2: headers: must be an object, not 'x'"),
        ("subject: a\nheaders:\n  Bcc: x@y.zz", "line 2: headers: the header 'Bcc' is reserved"),
        ("subject: a\nlanguages: {de: x}", "line 2: languages.de: must be an object, not 'x'"),
        ("subject: a\nlanguages: {de: {}}", "line 2: languages.de.subject: is required"),
        ("subject: a\nlanguages:\n  de: {subject: b, cc: c}", "line 3: languages.de.cc: is not a field"),
        ("subject: a\nlanguages: {d: {subject: b}}", "line 2: languages.d must be a language such as de or pt-BR"),
        ("subject: a\nfrom: nobody", "line 2: from 'nobody' is not a list of valid email addresses"),
        ("subject: a\nfrom: a@x.example, b@x.example", "line 2: from 'a@x.example, b@x.example' must be one address"),
        ("subject: a\nreplyTo: nobody", "line 2: replyTo 'nobody' is not a list"),
        ("subject: a\nbcc: '{{ who }}'", "line 2: bcc '{{ who }}' is not a list"),
        ("subject: a\ntriggerName: '12'", "line 2: triggerName '12' must not be a number"),
        ('subject: a\ntriggerName: "a\\u200b"', "contains invisible characters (U+200B): remove them"),
        ("subject: a\nname: " + 151 * "x", "bytes, 150 are allowed: shorten it"),
        ("subject: |\n  two\n  lines\n", "line 1: subject 'two\\nlines\\n' contains a control character"),
    ],
)
def test_bad_manifest_is_refused_with_its_line(tmp_path: Path, manifest: str, words: str) -> None:
    (problem,) = refused(template(tmp_path / "x", manifest))

    assert problem.startswith(f"x/template.yaml{',' if words.startswith('line') else ''}")
    assert words in problem


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    template(tmp_path / "all" / "a", "subject: 1\nname: 2\n")
    template(tmp_path / "all" / "b", "subject: a\n", body_de_html="x")

    problems = refused(tmp_path / "all")

    assert [problem.partition(":")[0] for problem in problems] == [
        "all/a/template.yaml, line 2",
        "all/a/template.yaml, line 1",
        "all/b/template.yaml",
        "all/b/body.de.html",
    ]


@pytest.mark.parametrize(
    ("bodies", "problems"),
    [
        ({"body_amp.html": "x"}, ["x/template.yaml: body.html and body.txt are missing: add one of them"]),
        (
            {"body_html": "x", "body_fr_txt": "y"},
            [
                "x/template.yaml: body.de.html and body.de.txt are missing: add one of them",
                "x/body.fr.txt: template.yaml has no languages.fr: add it, with a subject",
            ],
        ),
    ],
)
def test_languages_and_bodies_must_agree(tmp_path: Path, bodies: dict[str, str], problems: list[str]) -> None:
    languages = "languages: {de: {subject: a}}\n" if "body_fr_txt" in bodies else ""

    assert refused(template(tmp_path / "x", f"subject: a\n{languages}", **bodies)) == problems


@pytest.mark.parametrize("name", ["body.htm", "body.html.de", "Body.html", "body", "body.deutschland.html"])
def test_misnamed_body_is_refused(tmp_path: Path, name: str) -> None:
    folder = template(tmp_path / "x")
    (folder / name).write_text("x")

    (problem,) = refused(folder)

    assert problem.startswith(f"x/{name}: the name of a body is body.html, body.txt or body.amp.html")


def test_liquid_is_checked_in_every_file(tmp_path: Path) -> None:
    manifest = f"subject: '{BROKEN}'\nlanguages: {{de: {{subject: '{BROKEN}'}}}}\n"

    problems = refused(template(tmp_path / "x", manifest, body_html=BROKEN, body_de_html=BROKEN))

    tail = "line 1, column 1: the tag broken is unknown"
    assert problems == [
        f"x/template.yaml: subject, {tail}",
        f"x/template.yaml: languages.de.subject, {tail}",
        f"x/body.de.html: body, {tail}",
        f"x/body.html: body, {tail}",
    ]


def test_two_templates_of_one_trigger_name_are_refused(tmp_path: Path) -> None:
    template(tmp_path / "all" / "a", "subject: a\ntriggerName: Receipt\n")
    template(tmp_path / "all" / "receipt")

    (problem,) = refused(tmp_path / "all")

    assert problem == "all/receipt: its triggerName 'receipt' is already that of all/a: change one"


def test_folder_name_that_is_a_number_is_refused(tmp_path: Path) -> None:
    (problem,) = refused(template(tmp_path / "12"))

    assert problem.startswith("12: triggerName '12' must not be a number")


def test_body_without_manifest_is_refused(tmp_path: Path) -> None:
    (template(tmp_path / "all" / "x") / "template.yaml").unlink()

    assert refused(tmp_path / "all") == ["all/x/template.yaml: cannot be read: No such file or directory"]


def test_body_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    folder = template(tmp_path / "x")
    (folder / "body.html").write_bytes(b"gr\xfc\xdfe")

    assert refused(folder) == ["x/body.html: must be UTF-8, which byte 2 is not"]


@pytest.mark.parametrize("content", [(), ("body.txt",)])
def test_folder_without_templates_is_refused(tmp_path: Path, content: tuple[str, ...]) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for name in content:
        (folder / name).touch()

    (problem,) = refused(folder)

    assert problem.startswith("empty: no template found: a template is a folder with a template.yaml")
