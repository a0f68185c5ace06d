"""A test stands beside what it tests: x_test.cpp next to x.cpp, x.h, x.S or the folder x."""
import re

SUFFIXES = (".h", ".cpp", ".S", ".c")


def check(tree):
    folders = {path.rsplit("/", 1)[0] for path in tree.paths("src/.*/")}
    for path in tree.paths(r"(src|frontends)/.*_test\.cpp$"):
        unit = re.sub(r"_test\.cpp$", "", path)
        own_folder = unit.rsplit("/", 2)[-2] == unit.rsplit("/", 1)[-1]
        if not any(tree.has(unit + suffix) for suffix in SUFFIXES) and unit not in folders and not own_folder:
            yield path, 1, f"no {unit.rsplit('/', 1)[-1]}.h or .cpp beside this test"
