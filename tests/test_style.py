"""Texts keep the rules for sentences: their length, one word per thing, words in figures."""

import ast
import doctest
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_WORDS = 25  # of a sentence on a page
MOST_IN_A_CLAUSE = 30  # of a docstring, whose lists are parted by ; and :
PAGES = ("README.md", "GUIDE.md", "CLAIMS.md", "results/README.md", "notebooks/README.md")
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
MODULES = sorted((ROOT / "mode").rglob("*.py"))
# What not to write -> what to write. American spelling is a part of it.
FORBIDDEN = {
    r"mend(s|ed|ing)?|cure[sd]?|heal(s|ed)?": "repair, fix",
    r"blam(e|es|ed|ing)": "the selected layer",
    r"told": "estimated, shown, named",
    r"judg(e|es|ed|ing|ment|e?ment)": "diagnose, audit, rate",
    r"taken for|takes? it for|mistaken for": "predicted as; false positive, false negative",
    r"speaks? (for|against)": "above average, below average; evidence",
    r"but for|as far as|its being": "except for, if",
    r"near.miss|quota random|reborn|stimul(us|i)|silenced|unbent|minibatch": "see the terms",
    r"colour\w*|behaviour|centre[sd]?|grey\w*|favour\w*|labell\w+": "American spelling",
    r"\w+(?<!exerc)(?<!prom)(?<!prec)(?<!rev)(?<!adv)(?<!surpr)(?<!compr)(?<!superv)(?<!pairw)"
    r"(?<!ra)(?<!no)(?<!w)(?<!r)(?<!l)is(e[sd]?|ing|ation)": "American spelling: -ize",
    r"optimiz(tic|m)|per cent": "optimistic, optimism; percent",
}
NEVER = {re.compile(rf"\b({words})\b", re.I): instead for words, instead in FORBIDDEN.items()}
CODE = re.compile(r"```.*?```|`[^`]*`|https?:\S+|\]\([^)]*\)|<!--.*?-->", re.S)
# A mark that ends no sentence.
SHORT = re.compile(r"\b(et al|e\.g|i\.e|cf|vs|Fig|eq|sec)\.")
SECTIONS = re.compile(r"\n\s*(Args|Returns|Raises|Example|Examples|Attributes):")
# What a variable is not called: these say how a value came about, not what it is.
VAGUE = {"found", "known", "kept", "own", "given", "wanted", "told", "said"}
PUBLIC_FIELDS = {"Attempt.kept", "Repair.kept"}
LABELS = ("title", "set_title", "suptitle", "set_xlabel", "set_ylabel", "legend_above", "color_bar")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of Markdown that is no code, no heading and no table."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"```.*?```|<!--.*?-->", "\n\n", text, flags=re.S)
    text = SHORT.sub(r"\1", re.sub(r"`[^`]*`", "CODE", text))
    text = re.sub(r"^\s*(#|\|).*$", "", text, flags=re.M)
    for block in re.split(r"\n\s*>?\s*\n|\n\s*(?:[-*]|\d+\.) ", text):
        flat = " ".join(block.split())
        yield from re.split(r"(?<=[.!?])[*_)\"]*\s+(?=[-A-Z*_(\"0-9])", flat)


def words(sentence: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9][\w'’.,%-]*", sentence)


def long_ones(text: str, most: int = MOST_WORDS) -> list[str]:
    return [each for each in sentences(text) if len(words(each)) > most]


def forbidden(text: str) -> list[str]:
    """Return each forbidden word with what stands around it, and what to write."""
    plain = CODE.sub(" ", text)
    return [
        f"...{plain[max(0, hit.start() - 30) : hit.end() + 20]!r}: write {instead}"
        for pattern, instead in NEVER.items()
        for hit in pattern.finditer(plain)
    ]


def markdown(name: str) -> str:
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a module without their examples."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            yield re.sub(
                r"^\s*(>>>|\.\.\.).*$", "", re.split(r"\n\s*Examples?:", text)[0], flags=re.M
            )


def long_clauses(text: str) -> list[str]:
    """Return clauses of a docstring's prose that are too long; what is in brackets is an aside."""
    if "\b" in text or "\n    " in SECTIONS.split(text)[0]:  # laid out by hand
        return []
    prose = re.sub(r"\([^()]*\)", "", SECTIONS.split(text)[0])
    clauses = (part for each in sentences(prose) for part in re.split(r"[;:] ", each))
    return [part for part in clauses if len(words(part)) > MOST_IN_A_CLAUSE]


def identifiers(source: str) -> list[str]:
    """Return titles and labels of figures that hold an identifier, from a module's source."""
    strings = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [*node.args] * (name in LABELS)
        texts += [k.value for k in node.keywords if k.arg in ("xlabel", "ylabel", "title")]
        strings += [
            part.value
            for each in texts
            for part in ast.walk(each)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
    return [text for text in strings if re.search(r"[a-z0-9]_[a-z0-9]", text)]


def examples(source: str) -> Iterator[str]:
    """Yield the examples in the docstrings of a module's source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            parts = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
            yield from (part.source for part in parts)


def vague_names(source: str) -> list[str]:
    """Return the vague names of variables, parameters and fields; public fields are left out."""
    tree = ast.parse(source)
    public = {
        id(line.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.AnnAssign)
        and f"{node.name}.{ast.unparse(line.target)}" in PUBLIC_FIELDS
    }
    bound = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.arg) or isinstance(getattr(node, "ctx", None), ast.Store)
    ]
    names = [getattr(n, "arg", getattr(n, "id", "")) for n in bound if id(n) not in public]
    return [name for name in names if name in VAGUE]


@pytest.mark.parametrize("page", PAGES)
def test_sentences_of_a_page_are_short(page):
    assert long_ones((ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_sentences_of_a_notebook_are_short_and_have_no_forbidden_word(name):
    assert long_ones(markdown(name)) == []
    assert forbidden(markdown(name)) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_a_forbidden_word(page):
    assert forbidden((ROOT / page).read_text(encoding="utf-8")) == []


def test_docstrings_have_short_clauses_and_no_forbidden_word():
    violations = {}
    for path in MODULES:
        wrong = [w for text in docstrings(path) for w in (*long_clauses(text), *forbidden(text))]
        if wrong:
            violations[str(path.relative_to(ROOT))] = wrong
    assert violations == {}


def test_a_variable_is_named_by_what_it_holds():
    vague = {}
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        names = [name for part in (source, *examples(source)) for name in vague_names(part)]
        if names:
            vague[str(path.relative_to(ROOT))] = names
    assert vague == {}


def test_titles_and_labels_of_figures_have_words():
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "mode/figures").glob("*.py")]
    for name in NOTEBOOKS:
        text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] == "code":
                sources.append("".join(cell["source"]))
    assert [text for source in sources for text in identifiers(source)] == []


def test_a_long_sentence_is_found_wherever_it_stands():
    long = "This is " + "very " * 24 + "long."
    for text in (long, f"Short one. {long}", f"- a point\n- {long}", f"> {long}", f"Short; {long}"):
        assert len(long_ones(text)) == 1, text
    for text in (f"# {long}", f"| {long} |", f"```\n{long}\n```", "Short. " * 30):
        assert long_ones(text) == []
    assert long_clauses("one " * 31) != []
    assert long_clauses("one " * 20 + "; " + "one " * 20) == []


@pytest.mark.parametrize(
    "text",
    [
        "The fault was mended.",
        "the layer to blame",
        "It is told apart.",
        "inputs taken for another class",
        "a colour",
        "optimised weights",
        "optimiztic",
    ],
)
def test_a_forbidden_word_is_found(text):
    assert len(forbidden(text)) == 1
    assert forbidden(f"`{text}`") == []


def test_what_is_spelled_the_same_on_both_sides_is_allowed():
    assert forbidden("Otherwise precise noise; advised, revised, raised, a list; likewise.") == []


def test_an_identifier_in_a_title_or_a_label_is_found():
    assert identifiers("style.title(ax, 'table_1_published')") == ["table_1_published"]
    assert identifiers("ax.set(xlabel=f'{n} holm_p')") == [" holm_p"]
    assert identifiers("ax.set(xlabel='Holm p'); draw('label_accuracy')") == []


@pytest.mark.parametrize(
    "source",
    [
        "found = []",
        "found: list = []",
        "x, *found = 1, 2",
        "for found in []: pass",
        "with open('x') as found: pass",
        "[found for found in []]",
        "(found := 1)",
        "def f(found): pass",
        "def f(*, found=0): pass",
        "def f(**found): pass",
        "lambda found: 0",
        "class Other:\n    found: int = 0",
    ],
)
def test_a_vague_name_is_listed_wherever_it_is_bound(source):
    assert vague_names(source) == ["found"]


def test_a_vague_name_is_listed_in_an_example_but_not_where_it_is_public():
    source = 'def f():\n    """Do.\n\n    >>> found = 1\n    """'
    assert [vague_names(example) for example in examples(source)] == [["found"]]
    assert vague_names("class Repair:\n    kept: int = 0") == []
    assert vague_names("class Other:\n    kept: int = 0") == ["kept"]
    assert vague_names("f(repair.kept, kept=0)") == []
