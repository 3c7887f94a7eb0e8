"""Format numbers as the pages show them: `{row:effect}`, `{share:.1%}`, `{count:word}`."""

from collections.abc import Iterable, Mapping
from string import Formatter

WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
WORDS += ("eleven", "twelve")


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, with its sign.

    Example:
        >>> points(0.0126), points(-0.0001)
        ('+1.3', '0.0')
    """
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def size(difference: float) -> str:
    """Return a difference in percentage points without its sign.

    Example:
        >>> size(-0.0126)
        '1.3'
    """
    return points(difference).lstrip("+-")


def extent(differences: Iterable[float]) -> str:
    """Return the smallest and the largest difference in points.

    Example:
        >>> extent([0.001, -0.02, 0.003])
        '-2.0 to +0.3'
    """
    ordered = sorted(differences)
    return f"{points(ordered[0])} to {points(ordered[-1])}"


def effect(row: Mapping) -> str:
    """Return a mean paired difference in points with its interval.

    Example:
        >>> effect({"mean difference": 0.016, "low": 0.0149, "high": 0.017})
        '+1.6 (+1.5 to +1.7)'
    """
    return f"{points(row['mean difference'])} ({extent([row['low'], row['high']])})"


def part(count: int, total: int) -> str:
    """Return a count with the 95 % interval (Clopper and Pearson) of its share.

    Example:
        >>> part(39, 40)
        '39 of 40 (87 to 100 %)'
    """
    from scipy.stats import binomtest

    ends = binomtest(int(count), int(total)).proportion_ci()
    return f"{count} of {total} ({100 * ends.low:.0f} to {100 * ends.high:.0f} %)"


def p_value(p: float) -> str:
    """Return a p-value.

    Example:
        >>> p_value(0.0000002), p_value(0.0253)
        ('p < 0.001', 'p = 0.025')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def word(count: int) -> str:
    """Return a small count as a word.

    Example:
        >>> word(0), word(7), word(40)
        ('none', 'seven', '40')
    """
    return WORDS[count] if count < len(WORDS) else str(count)


FORMATS = {
    "points": points,
    "size": size,
    "extent": extent,
    "effect": effect,
    "p": p_value,
    "word": word,
    "Word": lambda count: word(count).capitalize(),
}


class NumberFormatter(Formatter):
    """Python's format strings with the names in FORMATS; a percent sign gets a space before it.

    Example:
        >>> NumberFormatter().format("{n:word} of {share:.1%}", n=2, share=0.5)
        'two of 50.0 %'
    """

    def format_field(self, value, format_spec: str) -> str:
        if format_spec in FORMATS:
            return FORMATS[format_spec](value)
        text = format(value, format_spec)
        return text.replace("%", " %") if format_spec.endswith("%") else text
