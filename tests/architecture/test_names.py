"""Identifiers use the vocabulary of docs/glossary.md: no word that only this project would understand."""

import io
import re
import tokenize
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE, TESTS = REPOSITORY / "operator" / "workspace_operator", REPOSITORY / "tests"

# Private vocabulary for what has a standard name: words of no identifier at all.
_BANNED_EVERYWHERE = """
    arenas attend attendant attending complain couples crews crowds deeds demands departure departures dispute duties
    fences footing footings forgetting gathering hang hurry inquiry journals judging lanes leftovers mending mention
    met mishap mortals objection objections opinions parting performing previewing recall rehearsal rehearsals ruling
    saying sayings seniority sought soundness spools stance stretch stretches suits surroundings takings thrown tidy
    trail trails unwritten ward wards wishes witness witnesses
"""
# Words that the source has none of any more, and some tests still have.
_BANNED_IN_SOURCE = """
    ask asks belonging belongings cleaning confirming crowd crowding doomed eldest elder everybody fold
    folded folding folds forecasts hear heard importing intention intentions judge judged look looking mend mended
    mends nobody noted obstacle planning says somebody spooled strangers telling tells those told twins unfold
    unfolded verdict verdicts violating wish wished
"""
BANNED = frozenset(_BANNED_EVERYWHERE.split())


@pytest.mark.parametrize(
    ("folder", "banned"), [(SOURCE, BANNED.union(_BANNED_IN_SOURCE.split())), (TESTS, BANNED)], ids=["source", "tests"]
)
def test_identifiers_have_no_private_words(folder: Path, banned: frozenset[str]) -> None:
    found = {
        f"{file.relative_to(REPOSITORY)}: {name}"
        for file in folder.rglob("*.py")
        for name in identifiers(file.read_text(encoding="utf-8")) | {file.stem, file.parent.name}
        if not banned.isdisjoint(words(name))
    }

    assert found == set()


@pytest.mark.parametrize("name", ["_wishes", "WISHES", "allWishesOfA", "HTTPWishes2", "x_wishes_y"])
def test_words_are_found_in_every_style(name: str) -> None:
    assert "wishes" in words(name)


def identifiers(source: str) -> set[str]:
    return {token.string for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type == 1}


def words(identifier: str) -> set[str]:
    """The words of snake_case, CamelCase and acronyms, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}
