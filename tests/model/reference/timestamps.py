"""The model's own reading of times (identity-rules §1): by the standard library, where the product has its own."""

from datetime import UTC, datetime


def parse_seconds(said: object) -> float | None:
    """Unix seconds; None if it is no time."""
    if isinstance(said, float) and said == said // 1:
        said = int(said)
    if isinstance(said, bool) or not isinstance(said, int | str):
        return None
    text = str(said).strip()
    if text.isdecimal():
        return _by_digits(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _by_digits(text: str) -> float | None:
    if text.startswith("0"):
        return None
    match len(text):
        case 9 | 10:
            return int(text)
        case 12 | 13:
            return int(text) / 1000
        case 8:
            return _seconds(text, "%Y%m%d")
        case 7:
            return _seconds(text, "%Y%j")
    return None


def _seconds(text: str, form: str) -> float | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
