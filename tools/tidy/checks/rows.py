"""An export is a row with a documentation page: `routine<"StorPortBusy", …>(module, page)` in src/ddi."""
import re

from tree import code_of, line_of

# Where a row begins; it ends where the next one does, or with its list.
START = re.compile(r'\b(?:routine\s*<\s*|raw_routine\s*\(\s*|data_row\s*\(\s*)"(?P<name>\w+)"')
END = re.compile(r"[;}]")
PAGE = re.compile(r'"(?P<page>(?:n[fscei]-[\w-]+|[a-z0-9]+(?:-[a-z0-9]+)+)(?:#[\w-]+)?)"')
SOURCE = r"src/ddi/.*\.(cpp|h)$"


def check(tree):
    for path in tree.paths(SOURCE):
        text = tree.text(path)
        for match, end in rows_of(text):
            if not PAGE.search(text, match.end(), end):
                yield path, line_of(text, match.start()), f"{match.group('name')}: a row without a documentation page"


def rows_of(text):
    """Each row's beginning and the position where it ends at the latest."""
    code = code_of(text)
    starts = [match for match in START.finditer(text) if code[match.start()] != " "]  # not in a comment
    for match, following in zip(starts, [*starts[1:], None]):
        end = END.search(code, match.end())
        yield match, min(end.start() if end else len(text), following.start() if following else len(text))
