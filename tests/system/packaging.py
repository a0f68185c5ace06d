#!/usr/bin/env python3
"""What is installed works where it is installed: programs, plugin, library, compiler wrapper; and so do the Debian packages."""
import os
import re
import shutil

from harness import Suite, tail

PACKAGES = {"drydock": "amd64", "libdrydock0": "amd64", "libdrydock-dev": "amd64", "drydock-wdk": "all"}
DRIVER_PROJECT = """cmake_minimum_required(VERSION 3.25)
project(my_driver NONE)
find_package(drydock-wdk REQUIRED)
file(GLOB sources *.c)
drydock_add_miniport(mine SOURCES ${sources})
drydock_add_miniport(mine_clang COMPILER clang SOURCES ${sources})
"""


def paths_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


def plugin_path(suite):
    return suite.run("pkg-config", "--variable=plugindir", "nbdkit").stdout.strip().lstrip("/") + "/nbdkit-drydock-plugin.so"


def install(suite, folder, *words):
    done = suite.run("cmake", "--install", suite.build, "--prefix", "/usr", *words, env={**os.environ, "DESTDIR": str(folder)})
    suite.check_status(done, 0, f"cmake --install {' '.join(words)}")
    return paths_below(folder)


def installed_files(suite, stage):
    files = install(suite, stage)
    wanted = ["usr/bin/drydock", "usr/bin/drydock-cc", plugin_path(suite), "usr/include/drydock/machine.h", "usr/include/drydock/inspect.h",
              "usr/share/drydock/include/wdk/storport.h", "usr/share/drydock/implib/libstorport.a", "usr/share/drydock/implib/storport.lib",
              "usr/share/bash-completion/completions/drydock", "usr/share/bash-completion/completions/drydock-cc",
              "usr/share/cmake/drydock-wdk/drydock-wdk-config.cmake"]
    wanted += [f"usr/share/man/man1/{page.name}.gz" for page in (suite.source / "docs").glob("*.1")]
    for path in wanted:
        suite.check(path in files, f"{path} is installed", sorted(files))
    for ending in ("pkgconfig/drydock.pc", "cmake/drydock/drydock-config.cmake", "libdrydock.so", "libdrydock.so.0"):
        suite.check(any(path.endswith(ending) for path in files), f"…/{ending} is installed", sorted(files))
    strangers = [path for path in files if path.endswith((".cpp", ".stamp", ".pyc")) or "/stamp" in path]
    suite.check(not strangers, "nothing of the build lies about", strangers)


def wdk_alone(suite):
    files = install(suite, suite.scratch / "wdk", "--component", "wdk")
    suite.check(files and all(re.match(r"usr/(bin/drydock-cc$|share/(drydock|man|doc/drydock-wdk|cmake/drydock-wdk|bash-completion)/)", path) for path in files),
                "the component wdk is drydock-cc and what it needs, nothing else", sorted(files))


def my_driver(suite):
    """A stranger's folder with a driver in it."""
    folder = suite.scratch / "my"
    shutil.copytree(suite.source / "drivers/ddvioblk", folder)
    (folder / "CMakeLists.txt").write_text(DRIVER_PROJECT)
    return folder


def compiler(suite, root, label):
    folder = my_driver(suite)
    sources = sorted(folder.glob("*.c"))
    for name in ("gcc", "clang"):
        image = suite.scratch / f"{label}-{name}.sys"
        done = suite.run(root / "usr/bin/drydock-cc", f"--compiler={name}", "-v", "-o", image, *sources, env={**os.environ, "DRYDOCK_IMPLIB": ""})
        suite.check_status(done, 0, f"{label}: drydock-cc --compiler={name} builds a driver")
        suite.check(f"-isystem {root}/usr/share/drydock/include/wdk" in done.stderr and str(suite.source / "include") not in done.stderr,
                    f"{label}: with the installed headers", tail(done.stderr, 3))
        suite.check(f"{root}/usr/share/drydock/implib" in done.stderr, f"{label}: and import libraries", tail(done.stderr, 3))
    shutil.rmtree(folder)
    return suite.scratch / f"{label}-gcc.sys"


def programs(suite, root, image, label):
    drydock = root / "usr/bin/drydock"
    suite.check_status(suite.run(drydock, "run", image, "--disk", "mem:4M"), 0, f"{label}: the self-check of that driver is clean")
    done = suite.run(drydock, "run", image, "--disk", "mem:4M", "--exec", 'nbdinfo --size "$uri"; tr "\\0" " " </proc/$(pgrep -f "remove-at-end=$unixsocket")/cmdline')
    suite.check(str(4 << 20) in done.stdout.split(), f"{label}: it serves", done.stdout + done.stderr)
    suite.check(os.path.realpath(root / plugin_path(suite)) in [os.path.realpath(word) for word in done.stdout.split() if word.startswith("/")],
                f"{label}: with the plugin that came with it", done.stdout)
    done = suite.run(drydock, "explain", "ST-43")
    suite.check("StorPortGetScatterGatherList" in done.stdout, f"{label}: it explains rules", done.stderr)
    page = suite.run("man", "-M", root / "usr/share/man", "drydock-run", env={**os.environ, "LC_ALL": "C.UTF-8", "MANPATH": ""})
    suite.check("Windows storage miniport" in page.stdout, f"{label}: man drydock-run", page.stderr)


def library(suite, root, image, label):
    """examples/ outside the tree, by CMake and by pkg-config."""
    folder = suite.scratch / f"{label}-examples"
    shutil.copytree(suite.source / "examples", folder)
    done = suite.run("cmake", "-S", folder, "-B", folder / "out", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={root}/usr", "-DCMAKE_BUILD_TYPE=Release")
    suite.check_status(done, 0, f"{label}: find_package(drydock)")
    suite.check_status(suite.run("cmake", "--build", folder / "out"), 0, f"{label}: an example builds")
    done = suite.run(folder / "out/hello_disk", image)
    suite.check(done.returncode == 0 and "there and back: same" in done.stdout, f"{label}: and runs", done.stdout + done.stderr)
    memory = suite.build / "drivers/ddmem.sys"
    done = suite.run(folder / "out/hello_driver", memory)
    suite.check(done.returncode == 0 and "the same came back, 0 findings" in done.stdout, f"{label}: so does one with a WDM driver", done.stdout + done.stderr)
    done = suite.run(folder / "out/bad_buffers", memory, "\\\\.\\DdMem", "0x222000", "4")
    suite.check(done.returncode == 0 and "clean: 0 findings" in done.stdout and len(done.stdout.splitlines()) > 100,
                f"{label}: and one that is hard on it", done.stdout + done.stderr)
    pc, = root.rglob("drydock.pc")
    flags = suite.run("pkg-config", "--cflags", "--libs", "drydock", env={**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}).stdout.split()
    suite.check(flags, f"{label}: pkg-config knows drydock")
    done = suite.run("g++", "-std=c++20", "-o", suite.scratch / "hello", folder / "hello_disk.cpp", *flags)
    suite.check_status(done, 0, f"{label}: an example builds by pkg-config")
    done = suite.run(suite.scratch / "hello", image, env={**os.environ, "LD_LIBRARY_PATH": str(pc.parent.parent)})
    suite.check_status(done, 0, f"{label}: and runs")


def driver_project(suite, root, label):
    folder = my_driver(suite)
    done = suite.run("cmake", "-S", folder, "-B", folder / "out", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={root}/usr")
    suite.check_status(done, 0, f"{label}: find_package(drydock-wdk)")
    done = suite.run("cmake", "--build", folder / "out")
    suite.check_status(done, 0, f"{label}: drydock_add_miniport() of a stranger's project")
    for name in ("mine", "mine_clang"):
        suite.check((folder / f"out/drivers/{name}.sys").is_file(), f"{label}: {name}.sys is there")
    shutil.rmtree(folder)


def field(suite, package, name):
    return suite.run("dpkg-deb", "--field", package, name).stdout.strip()


def packages(suite):
    folder = suite.scratch / "packages"
    done = suite.run("cpack", "--config", suite.build / "CPackConfig.cmake", "-B", folder, timeout=400)
    suite.check_status(done, 0, "cpack makes packages")
    found = {field(suite, path, "Package"): path for path in folder.glob("*.deb")}
    suite.check(set(found) == set(PACKAGES), f"they are {', '.join(PACKAGES)}", found)
    return found


def package_contents(suite, found):
    for name, path in found.items():
        suite.check(field(suite, path, "Architecture") == PACKAGES[name], f"{name} is for {PACKAGES[name]}")
        suite.check(field(suite, path, "Maintainer") and len(field(suite, path, "Description").splitlines()) > 2, f"{name} is described")
        described = suite.run("dpkg-deb", "--field", path).stdout.split("Description: ")[1].split("\n")[1:]
        described = described[:next(i for i, line in enumerate(described) if not line.startswith(" "))]
        suite.check(all(re.match(r" (\.$|[^ .])", line) for line in described), f"{name}: the description is paragraphs, not verbatim", described)
        listing = suite.run("dpkg-deb", "--contents", path).stdout.splitlines()
        suite.check(all(line.split()[1] == "root/root" for line in listing), f"{name}: everything belongs to root")
        suite.check(any(line.endswith(f"usr/share/doc/{name}/copyright") for line in listing), f"{name} has its copyright file")
        outside = [line for line in listing if not line.split()[5].startswith(("./usr/", "./usr")) and line.split()[5] != "./"]
        suite.check(not outside, f"{name}: all of it lies below /usr", outside)
        suite.check(not [line for line in listing if "/usr/local" in line], f"{name}: none below /usr/local")
    told = suite.run("dpkg-deb", "--info", found["libdrydock0"], "shlibs").stdout
    suite.check(re.match(r"libdrydock 0 libdrydock0 \(>= ", told), "libdrydock0 says what programs that use it depend on", told)


def dependencies(suite, found):
    depends = {name: field(suite, path, "Depends") for name, path in found.items()}
    for name, part in (("drydock", "libc6 (>="), ("drydock", "libfmt9"), ("drydock", "nbdkit"), ("libdrydock0", "libc6 (>="),
                       ("libdrydock-dev", "libdrydock0 (= "), ("drydock-wdk", "python3")):
        suite.check(part in depends[name], f"{name} depends on {part}", depends[name])
    for name, text in depends.items():
        for choice in text.split(","):
            names = [alternative.split()[0] for alternative in choice.split("|")]
            there = any(one in found or suite.run("dpkg-query", "-W", "-f", "${Status}", one).stdout.endswith(" installed") for one in names)
            suite.check(there, f"{name} depends on {' | '.join(names)}, which exists")


def unpacked(suite, found):
    """The packages installed by dpkg into a root of their own, or for users who are not root unpacked into one."""
    root = suite.scratch / "root"
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    if os.geteuid() == 0:
        done = suite.run("dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--install", *found.values())
        suite.check_status(done, 0, "dpkg installs them")
        states = suite.run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package} ${db:Status-Status}\n").stdout
        suite.check(sorted(states.split("\n")[:-1]) == sorted(f"{name} installed" for name in found), "all are installed", states)
    else:
        for path in found.values():
            suite.check_status(suite.run("dpkg-deb", "--extract", path, root), 0, f"{path.name} unpacks")
    sections = suite.run("readelf", "-S", "-W", root / "usr/bin/drydock").stdout
    suite.check(".text" in sections and ".debug_info" not in sections, "programs are without debug information")
    return root


if __name__ == "__main__":
    with Suite("cmake", "cpack", "dpkg-deb", "dpkg-shlibdeps", "pkg-config", "nbdkit", "nbdinfo", "man", "g++", "pgrep") as suite:
        stage = suite.scratch / "stage"
        installed_files(suite, stage)
        wdk_alone(suite)
        image = compiler(suite, stage, "installed")
        programs(suite, stage, image, "installed")
        library(suite, stage, image, "installed")
        driver_project(suite, stage, "installed")
        found = packages(suite)
        if set(found) == set(PACKAGES):
            package_contents(suite, found)
            dependencies(suite, found)
            root = unpacked(suite, found)
            image = compiler(suite, root, "package")
            programs(suite, root, image, "package")
            library(suite, root, image, "package")
