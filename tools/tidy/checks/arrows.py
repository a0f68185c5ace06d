"""Nothing points up: the #include lines follow the SEES lists of src/**/CMakeLists.txt."""
import posixpath
import re

from tree import line_of

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
LIBRARY = re.compile(r"drydock_library\(\s*(\w+)([^)]*)\)")
SOURCE = r".*\.(c|cpp|h|S)$"

# What a compiler itself brings, without any C library.
COMPILERS_OWN = {"stddef.h", "stdarg.h", "stdint.h", "stdbool.h", "limits.h", "float.h", "stdalign.h", "stdatomic.h",
                 "immintrin.h", "emmintrin.h", "xmmintrin.h", "x86intrin.h", "x86gprintrin.h", "intrin.h"}


def check(tree):
    libraries = read_libraries(tree)
    for path in tree.paths(SOURCE):
        for form, name, line in includes_of(tree.text(path)):
            message = fault_of(tree, libraries, path, form, name)
            if message:
                yield path, line, message


def includes_of(text):
    for match in INCLUDE.finditer(text):
        yield match.group(1), match.group(2), line_of(text, match.start())


def fault_of(tree, libraries, path, form, name):
    if path.startswith("src/"):
        return fault_in_src(tree, libraries, path, name)
    if path.startswith("include/wdk/"):
        return fault_in_wdk(tree, path, name)
    if path.startswith("include/drydock/"):
        return fault_in_api(tree, form, name)
    if path.startswith("frontends/"):
        return fault_in_frontend(tree, path, name)
    if path.startswith("drivers/"):
        return fault_in_driver(tree, path, name)
    return None


def fault_in_src(tree, libraries, path, name):
    target = "src/" + name
    if not tree.has(target):
        target = beside(path, name)
    if not tree.has(target) or not target.startswith("src/"):
        return None
    here, there = owner_of(libraries, path), owner_of(libraries, target)
    if here is None or there is None or here == there or there in seen_by(libraries, here):
        return None
    return f'{name}: {here} does not see {there}'


def fault_in_wdk(tree, path, name):
    own = [f"include/wdk/{name}", f"include/wdk/crt/{name}", beside(path, name)]
    if any(tree.has(candidate) for candidate in own) or name in COMPILERS_OWN:
        return None
    return f"{name}: include/wdk includes nothing but itself and the compiler's own headers"


def fault_in_api(tree, form, name):
    if name.startswith("drydock/") or (form == "<" and "/" not in name):
        return None
    return f"{name}: include/drydock includes only itself and the standard library"


def fault_in_frontend(tree, path, name):
    if not tree.has("src/" + name) or name.startswith(("machine/", "base/")) or tree.has(beside(path, name)):
        return None
    return f"{name}: a front end sees include/drydock, machine and base, nothing between"


def fault_in_driver(tree, path, name):
    if tree.has("src/" + name) or tree.has("include/" + name):
        return f"{name}: a driver sees the WDK headers and its own folder, nothing of drydock"
    return None


def beside(path, name):
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def read_libraries(tree):
    """{name: (folder, names it sees directly)}"""
    libraries = {}
    for path in tree.paths(r"src/(.*/)?CMakeLists\.txt$"):
        for match in LIBRARY.finditer(tree.text(path)):
            libraries[match.group(1)] = (posixpath.dirname(path), sees_list(match.group(2)))
    return libraries


def sees_list(arguments):
    names, reading = [], False
    for word in arguments.split():
        if word in ("SEES", "LIBS"):
            reading = word == "SEES"
        elif reading:
            names.append(word)
    return names


def owner_of(libraries, path):
    """The library whose folder is the deepest one above the path."""
    owners = [(len(folder), name) for name, (folder, _) in libraries.items() if path.startswith(folder + "/")]
    return max(owners)[1] if owners else None


def seen_by(libraries, name):
    seen, waiting = set(), [name]
    while waiting:
        for lower in libraries.get(waiting.pop(), ("", []))[1]:
            if lower not in seen:
                seen.add(lower)
                waiting.append(lower)
    return seen
