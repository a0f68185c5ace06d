"""Reads docs/spec.md's rule ids and the `DOC:` and `ASSUMED:` comments that cite them. Shared by tidy and tools/docs."""
import re
from dataclasses import dataclass

from tree import comments_of, line_of

SPEC = "docs/spec.md"
SOURCE = r"(src|include|frontends|drivers|examples|tests|bench|tools)/.*\.(c|cpp|h|S|py|sh|inc|def)$|tools/drydock-cc$"
HASH_COMMENTS = (".py", ".sh", "drydock-cc")

RULE = re.compile(r"^- \*\*([A-Z]+-\d+[a-z]?)\*\*\s*(?:\[([SDB])\])?\s*(.*)$", re.M)
IDS = re.compile(r"\b((?:BUF|MDL|DMA|SP|ST|VER|LAY|DRY|H)-)(\d+)([a-z]?)((?:\s*(?:…|\.\.\.?|/)\s*(?:[A-Z]+-)?\d+[a-z]?)*)")
LITERAL = re.compile(r'"((?:BUF|MDL|DMA|SP|ST|VER|DRY)-\d+[a-z]?)"')  # code that names the rule it reports
CITATION = re.compile(r"\bDOC:[ \t]*([^\n]*)")


@dataclass(frozen=True)
class Rule:
    id: str
    who: str    # S: the system side, D: an obligation of drivers, B: both, "": neither (layouts, contradictions)
    text: str


@dataclass(frozen=True)
class Citation:
    path: str
    line: int
    ids: tuple
    text: str


def read_rules(tree):
    """{id: Rule} in the order of the document."""
    if not tree.has(SPEC):
        return {}
    return {m.group(1): Rule(m.group(1), m.group(2) or "", m.group(3)) for m in RULE.finditer(tree.text(SPEC))}


def citations_of(tree):
    for path in tree.paths(SOURCE):
        comments = commentary(path, tree.text(path))
        for match in CITATION.finditer(comments):
            text = re.sub(r"\*/.*", "", match.group(1)).strip()
            yield Citation(path, line_of(comments, match.start()), tuple(ids_in(text)), text)


def literals_of(tree):
    """Rule ids as whole string literals: findings that the code reports, or that a test expects."""
    for path in tree.paths(r"src/.*\.(cpp|h)$"):
        text = tree.text(path)
        for match in LITERAL.finditer(text):
            yield Citation(path, line_of(text, match.start()), (match.group(1),), match.group(1))


def commentary(path, text):
    if path.endswith(HASH_COMMENTS):
        return "\n".join(line[line.index("#"):] if "#" in line else "" for line in text.split("\n"))
    return comments_of(text)


def ids_in(text):
    """Every id that a citation names; ST-40…43, ST-40..ST-43 and ST-40/41 are spelled out."""
    found = []
    for match in IDS.finditer(text):
        family, first, suffix, rest = match.groups()
        found.append(family + first + suffix)
        last = int(first)
        for sign, number in re.findall(r"(…|\.\.\.?|/)\s*(?:[A-Z]+-)?(\d+)", rest):
            between = range(last + 1, int(number) + 1) if sign != "/" else [int(number)]
            found += [f"{family}{n:0{len(first)}}" for n in between]
            last = int(number)
    return found
