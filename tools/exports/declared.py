#!/usr/bin/env python3
"""Every routine and variable that include/wdk declares as an import, as lines of a C++ table: {"name", "module", "header"},

    declared.py include/wdk

Which module an import comes from is told by its marker (STORPORT_API …); the kernel and the HAL find each other's.
"""
import pathlib
import re
import sys

MODULES = {"STORPORT_API": "storport.sys", "SCSIPORT_API": "scsiport.sys", "NTKERNELAPI": "ntoskrnl.exe",
           "NTSYSAPI": "ntoskrnl.exe", "NTHALAPI": "hal.dll"}
COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
DECLARATION = re.compile(r"^(?:extern\s+)?(%s)\b([^;{]*)[;{]" % "|".join(MODULES), re.M)
ROUTINE = re.compile(r"(\w+)\s*\(")
VARIABLE = re.compile(r"(\w+)\s*(?:\[\w*\])?\s*$")
C_LIBRARY = re.compile(r"^[\w][\w \t*]*?[ *](\w+)\([^;{]*\);", re.M)  # crt/string.h and its like have no marker
C_HEADERS = ("string.h", "wchar.h", "stdlib.h", "stdio.h")


def declared_in(text, header):
    for match in DECLARATION.finditer(COMMENTS.sub(" ", text)):
        name = ROUTINE.search(match.group(2)) or VARIABLE.search(match.group(2))
        if name:
            yield name.group(1), MODULES[match.group(1)], header


def main(folder):
    found = {}
    for path in sorted(folder.glob("*.h")):
        for name, module, header in declared_in(path.read_text(), path.name):
            found.setdefault((module, name), header)
    for file in C_HEADERS:
        if (folder / "crt" / file).exists():
            for name in C_LIBRARY.findall(COMMENTS.sub(" ", (folder / "crt" / file).read_text())):
                found.setdefault(("ntoskrnl.exe", name), f"crt/{file}")
    if not found:
        sys.exit(f"declared.py: {folder} declares nothing")
    for (module, name), header in sorted(found.items()):
        print(f'{{"{name}", "{module}", "{header}"}},')


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
