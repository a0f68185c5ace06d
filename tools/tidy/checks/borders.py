"""Microsoft's routine names stay at the border: defined or called only where a driver or the export tables are."""
import re

from tree import code_of, line_of

ALLOWED = r"(include/wdk/|src/ddi/|drivers/|tests/drivers/|tests/abi/|docs/|tools/)"
NAME = re.compile(r"\b((?:Io|Iof|Ke|Kei|Mm|Ex|Exf|Rtl|Hal|StorPort|ScsiPort|Zw|Nt|Ob|Obf|Ps|Dbg|Po|Se)[A-Z]\w*)\s*\(")
OWN_TYPE = re.compile(r"\b(?:class|struct|union|enum|concept|using)\s+(?:\[\[\w+\]\]\s*)?(\w+)")
SOURCE = r".*\.(c|cpp|h|S)$"


def check(tree):
    own_types = {name for path in tree.paths(SOURCE) if not re.match(ALLOWED, path)
                 for name in OWN_TYPE.findall(code_of(tree.text(path)))}
    for path in tree.paths(SOURCE):
        if re.match(ALLOWED, path):
            continue
        code = code_of(tree.text(path))
        for match in NAME.finditer(code):
            if match.group(1) not in own_types:
                yield path, line_of(code, match.start()), (
                    f"{match.group(1)}: a routine of Windows; inside drydock names are snake_case, "
                    "Microsoft's live in include/wdk and src/ddi")
