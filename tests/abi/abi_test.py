#!/usr/bin/env python3
"""include/wdk: every header stands alone, has the specification's layouts with every compiler, and mingw-w64's where those
headers have the structure. Usage: abi_test.py [SOURCE_TREE]; ends with "N passed, 0 failed"."""
import concurrent.futures
import itertools
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
ROOT = ROOT if len(sys.argv) > 1 else ROOT.parents[2]
HERE, WDK = ROOT / "tests/abi", ROOT / "include/wdk"
MINGW_DDK = pathlib.Path("/usr/share/mingw-w64/include/ddk")
WARN = ["-Wall", "-Wextra", "-Werror"]
MSVC = ["clang-19", "--target=x86_64-pc-windows-msvc", "-ffreestanding"]
HOST = ["-DDRYDOCK_HOST=1", "-Wconversion", "-Wshadow"]

# name -> (command, language, host?)
COMPILERS = {
    "mingw gcc, C": (["x86_64-w64-mingw32-gcc"], "c", False),
    "mingw gcc, no system headers": (["x86_64-w64-mingw32-gcc", "-nostdinc", "-ffreestanding"], "c", False),
    "mingw g++": (["x86_64-w64-mingw32-g++"], "c++", False),
    "clang msvc, C": (MSVC, "c", False),
    "clang msvc, C++": ([*MSVC, "-std=c++20"], "c++", False),
    "host g++": (["g++", "-std=gnu++20", *HOST], "c++", True),
    "host clang++": (["clang++", "-std=gnu++20", *HOST], "c++", True),
    "host gcc, C": (["gcc", *HOST], "c", True),
}
PAIRS = {"poppack.h", "pshpack1.h", "pshpack2.h", "pshpack4.h", "pshpack8.h"}  # one opens, the other closes

passed, failures = 0, []


def check(good, what, detail=""):
    global passed
    if good:
        passed += 1
    else:
        failures.append(what)
        print(f"FAILED {what}\n{detail}".rstrip())


def available(command):
    return shutil.which(command[0]) is not None


def compiles(command, language, text):
    """The compiler's complaints about a text; empty if it has none."""
    done = subprocess.run([*command, *WARN, "-fsyntax-only", "-x", language, "-"], input=text, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def include(header, host):
    name = header.relative_to(WDK)
    return ["-I", str(WDK.parent if host else WDK)], f'#include "{"wdk/" if host else ""}{name}"\nextern int translation_unit;\n'


def every_header_stands_alone():
    headers = sorted(path for path in WDK.glob("*.h") if path.name not in PAIRS)
    jobs = []
    for (name, (command, language, host)), header in itertools.product(COMPILERS.items(), headers):
        if available(command):
            flags, text = include(header, host)
            jobs.append((f"{header.name} stands alone: {name}", [*command, *flags], language, text))
    run_all(jobs)


def layouts_are_the_specifications():
    jobs = []
    for name, (command, language, host) in COMPILERS.items():
        for port in ([],) if host else ([], ["-DSCSIPORT"]):
            if available(command):
                text = (HERE / "layout.c").read_text()
                jobs.append((f"section G holds: {name} {''.join(port)}".strip(),
                             [*command, *port, "-I", str(HERE), "-I", str(WDK)], language, text))
    run_all(jobs)


def run_all(jobs):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (what, *_), complaint in zip(jobs, pool.map(lambda job: compiles(*job[1:]), jobs)):
            check(not complaint, what, "\n".join(complaint.splitlines()[:6]))


def a_wrong_offset_is_noticed():
    """The test of the test: one number changed, and compilation fails."""
    command, language, _ = COMPILERS["host g++"]
    text = (HERE / "layout.c").read_text() + '\nASSERT_HERE(offsetof(SCSI_REQUEST_BLOCK, DataBuffer) == 25, "")\n'
    check(compiles([*command, "-I", str(HERE), "-I", str(WDK)], language, text), "a wrong offset stops the compiler")


def shared_structures():
    """mingw.txt: {type: [members]}, {what: (ours, theirs)}"""
    types, exceptions, last = {}, {}, None
    for line in (HERE / "mingw.txt").read_text().splitlines():
        if line.startswith("except "):
            _, what, ours, theirs, *_ = line.split()
            exceptions[what] = (int(ours), int(theirs))
        elif line.startswith("  "):
            types[last] += line.split()
        elif line and not line.startswith("#"):
            last, _, members = line.partition(":")
            types[last] = members.split()
    return types, exceptions


INCLUDES = "".join(f"#include <{name}>\n" for name in ("ntddk.h", "srb.h", "scsi.h", "ntddscsi.h", "ntddstor.h", "ntdddisk.h"))
OURS = ["x86_64-w64-mingw32-gcc", "-I", str(WDK)]
THEIRS = ["x86_64-w64-mingw32-gcc", "-D_WIN32_WINNT=0x0A00", "-I", str(MINGW_DDK)]


def numbers(command, expressions, scratch):
    """What the compiler makes of each expression."""
    table = ",\n".join(f"(unsigned long long)({expression})" for expression in expressions)
    source, binary = scratch / "table.c", scratch / "table.bin"
    source.write_text(f'{INCLUDES}\n__attribute__((section("table"))) const unsigned long long drydock_table[] = {{\n{table}\n}};\n')
    done = subprocess.run([*command, "-c", "-w", "-o", str(scratch / "table.o"), str(source)], capture_output=True, text=True)
    if done.returncode:
        check(False, f"the table compiles: {command[-1]}", "\n".join(done.stderr.splitlines()[:8]))
        return None
    subprocess.run(["x86_64-w64-mingw32-objcopy", "-O", "binary", "-j", "table", str(scratch / "table.o"), str(binary)], check=True)
    return struct.unpack(f"<{len(expressions)}Q", binary.read_bytes()[:8 * len(expressions)])


def numeric_macros(command):
    text = subprocess.run([*command, "-dM", "-E", "-x", "c", "-"], input=INCLUDES, capture_output=True, text=True).stdout
    body = r"[ 0-9a-fA-FxXuUlL()|<~+-]+|\(\(NTSTATUS\)\s*0x[0-9a-fA-F]+L?\)"
    return set(re.findall(rf"^#define (\w+) (?:{body})$", text, re.M))


def constants():
    prefixes = ("SRB_", "SCSI", "SP_", "IRP_", "MDL_", "STATUS_", "DO_", "FILE_", "SL_", "REG_", "KEY_", "PCI_", "MODE_", "VPD_",
                "DPFLTR_", "IO_ERR", "CmResource", "CM_RESOURCE", "RTL_REGISTRY", "RTL_QUERY", "OBJ_", "ATA_FLAGS", "MAXIMUM_CDB")
    names = numeric_macros(OURS) & numeric_macros(THEIRS)
    return sorted(name for name in names if name.startswith(prefixes))


def layouts_are_mingws():
    if not MINGW_DDK.is_dir() or not available(OURS):
        print("skipped: mingw-w64's DDK headers are not installed")
        return
    types, exceptions = shared_structures()
    expressions = {f"{name}.": f"sizeof({name})" for name in types}
    expressions |= {f"{name}.{member}": f"__builtin_offsetof({name}, {member})" for name in types for member in types[name]}
    expressions |= {name: name for name in constants()}
    with tempfile.TemporaryDirectory() as scratch:
        results = [numbers(command, expressions.values(), pathlib.Path(scratch)) for command in (OURS, THEIRS)]
    if None in results:
        return
    for what, ours, theirs in zip(expressions, *results):
        expected = exceptions.pop(what, None)
        good = (ours, theirs) == expected if expected else ours == theirs
        check(good, f"{what} is mingw-w64's", f"  ours {ours:#x}, theirs {theirs:#x}")
    check(not exceptions, "every listed exception exists", f"  {', '.join(exceptions)}")


if __name__ == "__main__":
    every_header_stands_alone()
    layouts_are_the_specifications()
    a_wrong_offset_is_noticed()
    layouts_are_mingws()
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)
