"""A test stands beside what it tests: x_test.cpp, or x_aspect_test.cpp, next to x.cpp, x.h, x.S or the folder x."""
import re

SUFFIXES = (".h", ".cpp", ".S", ".c")


def check(tree):
    folders = {path.rsplit("/", 1)[0] for path in tree.paths("src/.*/")}
    for path in tree.paths(r"(src|frontends)/.*_test\.cpp$"):
        folder, name = re.sub(r"_test\.cpp$", "", path).rsplit("/", 1)
        if not any(is_unit(tree, folders, folder, unit) for unit in prefixes(name)):
            yield path, 1, f"no {name}.h or .cpp beside this test"


def prefixes(name):
    """x_power_cut: itself, x_power, x."""
    words = name.split("_")
    return ["_".join(words[:count]) for count in range(len(words), 0, -1)]


def is_unit(tree, folders, folder, unit):
    path = f"{folder}/{unit}"
    return path in folders or folder.endswith(f"/{unit}") or any(tree.has(path + suffix) for suffix in SUFFIXES)
