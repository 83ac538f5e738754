"""The table of exit codes names every command that has some of its own."""

import re
from collections.abc import Iterator, Mapping, Sequence

from tests.cli.command_tree import command_tree
from tests.docs.pages import text_of
from tests.docs.test_documents import commands

OWN_CODES = re.compile(r"[Ee]xit(?:s with| codes:).*?\b[23]\b", re.DOTALL)
NAME = re.compile(r"`workspacectl ([a-z ]+)`")


def rows() -> Iterator[Sequence[str]]:
    """The cells of each row about commands."""
    section = text_of("docs/operating.md").split("\n## Exit codes\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `workspacectl "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def helps() -> Mapping[str, str]:
    """The help of each command."""
    group = command_tree()
    found: dict[str, str] = {}
    for words in commands(group):
        command = group
        for word in words.split():
            command = command.commands[word]
        found[words] = str(command.help)
    return found


def test_commands_with_codes_of_their_own_are_in_the_table() -> None:
    documented = {name for cells in rows() for name in NAME.findall(cells[0])}
    with_codes = {name for name, text in helps().items() if OWN_CODES.search(text)}

    assert with_codes <= documented <= helps().keys()
    assert {"apply", "plan", "people import", "segments create", "people delete", "people dedupe"} <= with_codes


def test_each_row_says_what_is_done_and_what_is_left() -> None:
    assert all(len(cells) == 4 and cells[1] and cells[2] for cells in rows())
