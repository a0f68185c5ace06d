"""A source file opens with what it promises: a comment, or the #pragma / #include that the comment follows."""
import re

OPENING = re.compile(r"(//|/\*|#\s*(pragma|include|define|if))")
PRAGMA = re.compile(r"^\s*#\s*pragma\s+once\b", re.M)


def check(tree):
    for path in tree.paths(r"src/.*\.(cpp|h)$"):
        text = tree.text(path)
        if not OPENING.match(text):
            yield path, 1, "begins with neither a comment nor #pragma/#include"
        if path.endswith(".h") and not PRAGMA.search(text):
            yield path, 1, "a header without #pragma once"
        if "//" not in text and "/*" not in text:
            yield path, 1, "no comment says what this file promises"
