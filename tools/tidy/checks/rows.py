"""An export is a row with a documentation page: `row("StorPortBusy", ...)` in src/ddi names the page it follows."""
import re

from tree import line_of

ROW = re.compile(r'\brow\s*\(\s*"(?P<name>\w+)"(?P<rest>.*?)\)\s*[,;}]', re.S)
PAGE = re.compile(r'"(?P<page>(?:n[fscei]-[\w-]+|[a-z0-9]+(?:-[a-z0-9]+)+)(?:#[\w-]+)?)"')
SOURCE = r"src/ddi/.*\.(cpp|h)$"


def check(tree):
    for path in tree.paths(SOURCE):
        text = tree.text(path)
        for match in ROW.finditer(text):
            if not PAGE.search(match.group("rest")):
                yield path, line_of(text, match.start()), f"{match.group('name')}: a row without a documentation page"
