#!/usr/bin/env python3
"""Every check of tidy is shown to fire on a small faulty tree and to stay silent on its correct twin."""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from checks import arrows, borders, cited, lengths, openings, paths, rows, test_names  # noqa: E402
from functions import functions_of  # noqa: E402
from tree import Tree  # noqa: E402

LIBRARIES = {"src/base/CMakeLists.txt": "drydock_library(base LIBS fmt::fmt)",
             "src/mem/CMakeLists.txt": "drydock_library(mem SEES base)",
             "src/io/CMakeLists.txt": "drydock_library(io SEES mem LIBS other)",
             "src/io/deep/CMakeLists.txt": "drydock_library(deep SEES io)",
             "src/base/a.h": "", "src/mem/m.h": "", "src/io/i.h": "", "src/io/deep/d.h": "", "src/machine/m.h": "",
             "include/drydock/machine.h": "", "include/wdk/ntdef.h": "", "include/wdk/crt/string.h": ""}
SPEC = {"docs/spec.md": "- **ST-40** [D] One. — page\n- **ST-43** [S] Two. — page\n- **LAY-01** Three. — page\n"}


def lines(count):
    return "int f(int x) {\n" + "  x++;\n" * (count - 2) + "}\n"


# (check, name of the case, faulty tree, what its message must say, correct twin)
CASES = [
    (arrows, "upward include", {**LIBRARIES, "src/mem/x.cpp": '#include "io/i.h"\n'}, "mem does not see io",
     {**LIBRARIES, "src/io/x.cpp": '#include "base/a.h"\n#include "mem/m.h"\n#include "i.h"\n'}),
    (arrows, "a nested library is not its parent", {**LIBRARIES, "src/io/x.cpp": '#include "io/deep/d.h"\n'},
     "io does not see deep", {**LIBRARIES, "src/io/deep/x.cpp": '#include "io/i.h"\n'}),
    (arrows, "wdk leaves itself", {**LIBRARIES, "include/wdk/wdm.h": "#include <stdio.h>\n"}, "nothing but itself",
     {**LIBRARIES, "include/wdk/wdm.h": "#include <ntdef.h>\n#include <string.h>\n#include <stdarg.h>\n"}),
    (arrows, "a front end reaches below", {**LIBRARIES, "frontends/cli/x.cpp": '#include "mem/m.h"\n'}, "front end",
     {**LIBRARIES, "frontends/cli/x.cpp": '#include <drydock/machine.h>\n#include "machine/m.h"\n#include <fmt/core.h>\n'}),
    (arrows, "the embedding API reaches below", {**LIBRARIES, "include/drydock/x.h": '#include "mem/m.h"\n'},
     "include/drydock includes only", {**LIBRARIES, "include/drydock/x.h": '#include <span>\n#include <drydock/machine.h>\n'}),
    (arrows, "a driver sees drydock", {**LIBRARIES, "drivers/d/x.c": '#include "base/a.h"\n'}, "nothing of drydock",
     {**LIBRARIES, "drivers/d/x.c": '#include <ntdef.h>\n#include "own.h"\n'}),
    (borders, "a call inside", {"src/io/x.cpp": "void f() { IoFreeMdl(m); }\n"}, "IoFreeMdl",
     {"src/io/x.cpp": '// IoFreeMdl(m)\nvoid f() { g("IoFreeMdl(m)"); IrpStack(1); }\n'}),
    (borders, "a definition inside", {"src/hal/x.h": "int StorPortBusy(int);\n"}, "StorPortBusy",
     {"src/ddi/x.cpp": "int StorPortBusy(int);\n", "drivers/d.c": "KeBugCheck(1);\n",
      "src/io/y.h": "class IoManager { IoManager(); };\n"}),
    (lengths, "too long", {"src/io/x.cpp": lines(61)}, "61 lines", {"src/io/x.cpp": lines(60)}),
    (lengths, "a listed one grew", {"src/io/x.cpp": lines(80), lengths.LIST: "70 src/io/x.cpp f\n"}, "grew from 70 to 80",
     {"src/io/x.cpp": lines(70), lengths.LIST: "70 src/io/x.cpp f\n"}),
    (rows, "no page", {"src/ddi/x.cpp": 'return {routine<"StorPortBusy", kDispatch, &busy<int>>("storport.sys"),\n'
                                        'routine<"StorPortReady", kDispatch, &ready>("storport.sys", "nf-storport-storportready")};\n'},
     "StorPortBusy: a row without",
     {"src/ddi/x.cpp": 'return {routine<"StorPortBusy", kDispatch, &busy<int>>(kModule, "nf-storport-storportbusy", Coverage::full)};\n'}),
    (rows, "data without a page", {"src/ddi/x.cpp": 'data_row("NtBuildNumber", "ntoskrnl.exe", &build);\n'}, "NtBuildNumber",
     {"src/ddi/x.cpp": 'raw_routine("DbgPrint", "ntoskrnl.exe", f, kAny, "nf-wdm-dbgprint");\n'}),
    (cited, "an unknown rule", {**SPEC, "src/io/x.h": "// DOC: ST-99\n"}, "ST-99: no such rule",
     {**SPEC, "src/io/x.h": "// DOC: ST-40…43, LAY-01\n", "drivers/d.c": "/* DOC: ST-40 */\n", "tools/t.py": "# DOC: ST-43\n"}),
    (cited, "a finding of an unknown rule", {**SPEC, "src/io/x.cpp": 'call.broken("ST-98", "");\n'}, "ST-98: no such rule",
     {**SPEC, "src/io/x.cpp": 'call.broken("ST-40", "");\nf("AST-98", "see ST-98");\n'}),
    (cited, "a citation of nothing", {**SPEC, "src/io/x.h": "// DOC: see there\n"}, "names no rule",
     {**SPEC, "src/io/x.h": "// DOC: nf-wdm-ioallocatemdl\n", "src/io/y.h": '"DOC: nothing"\n'}),
    (paths, "a workplace", {"README.md": "cd /work/" + "main\n"}, "one machine", {"README.md": "cd src/work/main\n"}),
    (paths, "a scratch folder", {"a.sh": "cd /tmp" + "/xy\n"}, "one machine", {"a.sh": "cd ${TMPDIR:-/tmp}/x; mktemp\n"}),
    (paths, "a mirror", {"a.sh": "deb http://deb.debian" + ".org\n"}, "one machine", {"a.sh": "see debian documentation\n"}),
    (openings, "begins in the middle", {"src/io/x.cpp": "int x;  // late\n"}, "begins with neither", {"src/io/x.cpp": "// x\nint x;\n"}),
    (openings, "no guard", {"src/io/x.h": "// x\nint x;\n"}, "#pragma once", {"src/io/x.h": "#pragma once\n// x\nint x;\n"}),
    (openings, "no comment", {"src/io/x.h": "#pragma once\nint x;\n"}, "no comment says", {"src/io/x.h": "#pragma once\n/* x */\n"}),
    (test_names, "an orphan", {"src/io/x_test.cpp": ""}, "beside this test",
     {"src/io/x_test.cpp": "", "src/io/x.h": "", "src/io/y_test.cpp": "", "src/io/y/a.h": "",
      "src/io/x_power_cut_test.cpp": ""}),
    (test_names, "an aspect of nothing", {"src/io/power_cut_test.cpp": "", "src/io/x.h": ""}, "beside this test",
     {"src/io/x_power_cut_test.cpp": "", "src/io/x.h": ""}),
]

# What the reader of functions must cope with: (text, [(name, length)])
SHAPES = [
    ("namespace a::b {\nclass X final : public Y {\n  int f() const noexcept override {\n    return 1;\n  }\n};\n}\n", [("f", 3)]),
    ("X::X(int a)\n    : a_{a}, b_(2) {\n}\nint y;\nint g() {\n}\n", [("X::X", 3), ("g", 2)]),
    ('const T kTable[] = {\n  {1, f(2)},\n};\nstruct S { int a = 3; };\nextern "C" {\nvoid h(void)\n{\n}\n}\n', [("h", 3)]),
    ("TEST(Mdl, Spans) {\n  auto x = [&](int i) { return i; };\n}\n", [("Mdl.Spans", 3)]),
    ("#if A\nvoid f() {\n#else\nvoid f(int) {\n#endif\n}\n", [("f", 5)]),
    ("struct alignas(16) A {\n  int x;\n};\n[[gnu::target(\"avx2\")]] void w() {\n}\n", [("w", 2)]),
    ("char c = '{';\nconst char* s = \"{\";\n// {\nvoid k() {\n}\n", [("k", 2)]),
]


def expect(condition, name, detail=""):
    print(f"{'ok' if condition else 'not ok'} - {name}{'' if condition else ': ' + str(detail)}")
    return 0 if condition else 1


def main():
    failures = 0
    for check, name, faulty, message, correct in CASES:
        short = check.__name__.rsplit(".", 1)[-1]
        fired = [found[2] for found in check.check(Tree(files=faulty))]
        failures += expect(any(message in text for text in fired), f"{short}: {name} is found", fired)
        silent = list(check.check(Tree(files=correct)))
        failures += expect(not silent, f"{short}: {name}: its correct twin is silent", silent)
    for number, (text, expected) in enumerate(SHAPES):
        found = [(function.name, function.length) for function in functions_of(text)]
        failures += expect(found == expected, f"functions: shape {number} is read as written", found)
    shrunk = lengths.updated_list(Tree(files={"src/x.cpp": lines(62), lengths.LIST: "70 src/x.cpp f\n"}), False)
    failures += expect("62 src/x.cpp f" in shrunk.replace("  ", " "), "lengths: --update takes a shrunk function over", shrunk)
    grown = lengths.updated_list(Tree(files={"src/x.cpp": lines(62)}), False)
    failures += expect("src/x.cpp" not in grown, "lengths: --update alone takes no new function over", grown)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
