#!/usr/bin/env python3
"""The generators on a small made-up tree: what is cited is found, what is not is open."""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "tidy")]

import assumptions  # noqa: E402
import coverage  # noqa: E402
import rules  # noqa: E402
from citations import ids_in  # noqa: E402
from tree import Tree  # noqa: E402

TREE = Tree(files={
    "docs/spec.md": "# T\n## E. Storport\n### E.1 Model\n- **ST-01** [S] One.\n- **ST-02** [D] Two.\n- **ST-03** [B] Three.\n"
                    "- **ST-04** [D] Four.\n- **ST-05** [D] Five.\n",
    "docs/not-applicable.txt": "# why\nST-05  of another version\n",
    "src/port/x.cpp": "// Does it. DOC: ST-01\nint x;\n// ASSUMED: first line\n// second line\nint y;  // no part of it\n",
    "tests/drivers/y.c": "/* DOC: ST-01/02 */\n",
    "tests/drivers/expectations.json": '{"drivers": [{"driver": "z", "rules": ["ST-04"]}]}',
})
EXPORTS = [
    {"name": "IoB", "module": "ntoskrnl.exe", "kind": "function", "irql_max": 2, "coverage": "full", "raises": True, "doc": "p", "note": ""},
    {"name": "IoA", "module": "ntoskrnl.exe", "kind": "data", "irql_max": 0, "coverage": "partial", "raises": False, "doc": "", "note": "a|b"},
]


def expect(condition, name, detail=""):
    print(f"{'ok' if condition else 'not ok'} - {name}{'' if condition else ': ' + str(detail)}")
    return 0 if condition else 1


def main():
    page, pinned, exports = rules.render(TREE), assumptions.render(TREE), coverage.render(EXPORTS)
    cases = [
        ("| ST-01 | system | One. | [src/port/x.cpp](../src/port/x.cpp) | [tests/drivers/y.c](../tests/drivers/y.c) |" in page,
         "a rule names its code and its test"),
        ("| ST-02 | driver | Two. |  | [tests/drivers/y.c]" in page, "a rule may be tested alone"),
        ("| ST-03 | both | Three. | open | |" in page, "a rule that nothing cites is open"),
        ("| ST-04 | driver | Four. |  | [tests/drivers/z.c]" in page, "what a faulty driver must show is tested by it"),
        ("| all | 5 | 1 | 3 | 1 | 1 |" in page, "the summary adds up"),
        ("| ST-05 | driver | Five. | not applicable: of another version | |" in page, "a rule that is not applicable says why"),
        ("- first line second line\n" in pinned and "no part" not in pinned, "an assumption is its whole comment and no more"),
        (exports.index("| IoA |") < exports.index("| IoB |"), "exports are sorted"),
        ("| IoB | full | DISPATCH | p | raises |" in exports, "an export tells its ceiling and its page"),
        ("| IoA | partial |  |  | data; a\\|b |" in exports, "a note cannot break the table"),
        (ids_in("ST-40…42, LAY-01 and BUF-7/9") == ["ST-40", "ST-41", "ST-42", "LAY-01", "BUF-7", "BUF-9"], "ranges are spelled out"),
    ]
    return 1 if sum(expect(good, name, page + pinned + exports) for good, name in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
