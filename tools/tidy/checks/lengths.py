"""A function fits a screen. Those that do not are listed with their length, and may only shrink."""
import re

from functions import functions_of

LIMIT = 60
LIST = "tools/tidy/long_functions.txt"
SOURCE = r"(src|include|frontends|drivers|examples|tests|bench)/.*\.(c|cpp|h)$"


def check(tree):
    allowed = read_list(tree)
    for (path, name), (line, length) in long_functions(tree).items():
        known = allowed.get((path, name))
        if known is None:
            yield path, line, f"{name}: {length} lines, a function has at most {LIMIT}"
        elif length > known:
            yield path, line, f"{name}: grew from {known} to {length} lines; a listed function may only shrink"


def long_functions(tree):
    """{(path, name): (line, length)}; of functions with one name in one file the longest."""
    found = {}
    for path in tree.paths(SOURCE):
        for function in functions_of(tree.text(path)):
            key = path, function.name
            if function.length > LIMIT and function.length > found.get(key, (0, 0))[1]:
                found[key] = function.line, function.length
    return found


def read_list(tree):
    if not tree.has(LIST):
        return {}
    rows = re.findall(r"^(\d+)\s+(\S+)\s+(.+)$", tree.text(LIST), re.M)
    return {(path, name): int(length) for length, path, name in rows}


def updated_list(tree, allow_growth):
    """The text of the list after shrunk and vanished entries were taken over, and new ones if growth is allowed."""
    allowed = read_list(tree)
    rows = []
    for (path, name), (_, length) in sorted(long_functions(tree).items()):
        if allow_growth or (path, name) in allowed:
            known = length if allow_growth else allowed[(path, name)]
            rows.append(f"{min(length, known):4} {path} {name}\n")
    return f"# Functions over {LIMIT} lines: LENGTH FILE NAME. Written by `tools/tidy/tidy.py --update`.\n" + "".join(rows)
