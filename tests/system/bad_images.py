#!/usr/bin/env python3
"""Files that are no driver, or a damaged one: one clear line in the user's words, exit status 2, from the command line
and from nbdkit alike. Truncation at every single byte is src/loader/pe_image_test.cpp; here it is met through the program."""
import os
import random
import re
import struct
import subprocess

from harness import Suite

# Offsets in the headers (PE Format): from the signature, from the optional header, from a section header.
MACHINE, SECTIONS, SYMBOLS, OPTIONAL_SIZE, CHARACTERISTICS = 4, 6, 12, 20, 22
ENTRY, BASE, SECTION_ALIGNMENT, IMAGE_SIZE, HEADERS_SIZE, SUBSYSTEM, DIRECTORIES = 16, 24, 32, 56, 60, 68, 112
IMPORTS, RELOCATIONS = 1, 5


class Image:
    """A driver's bytes, to be spoilt."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.pe = self.u32(0x3C)
        self.optional = self.pe + 24
        self.section = self.optional + self.u16(self.pe + OPTIONAL_SIZE)
        self.sections = self.u16(self.pe + SECTIONS)

    def u16(self, at):
        return struct.unpack_from("<H", self.data, at)[0]

    def u32(self, at):
        return struct.unpack_from("<I", self.data, at)[0]

    def put(self, form, at, value):
        struct.pack_into(form, self.data, at, value)
        return self

    def directory(self, index):
        return self.u32(self.optional + DIRECTORIES + 8 * index)

    def file_offset(self, rva):
        for i in range(self.sections):
            size, begin, _, offset = struct.unpack_from("<IIII", self.data, self.section + 40 * i + 8)
            if begin <= rva < begin + size:
                return offset + rva - begin
        raise ValueError(f"{rva:#x} lies in no section")

    def end_of_raw_data(self):
        headers = [struct.unpack_from("<II", self.data, self.section + 40 * i + 16) for i in range(self.sections)]
        return max(size + offset for size, offset in headers if size)


def endless_imports(image):
    """The list of imports leads into itself: its terminator is overwritten by a copy of the first entry, to the end."""
    at = image.file_offset(image.directory(IMPORTS))
    first = bytes(image.data[at:at + 20])
    end = image.end_of_raw_data()
    while at + 20 <= end:
        image.data[at:at + 20] = first
        at += 20
    return image


def wild_relocation(image):
    at = image.file_offset(image.directory(RELOCATIONS))
    return image.put("<I", at, 0x7FFF0000)


def relocation_block_without_end(image):
    at = image.file_offset(image.directory(RELOCATIONS))
    return image.put("<I", at + 4, 0xFFFFFFF0)


def overlapping(image):
    second = image.section + 40
    return image.put("<I", second + 12, image.u32(image.section + 12))


def cases(driver):
    """(name, bytes, what the line says)"""
    def spoilt(form, place, offset, value):
        image = Image(driver)
        return image.put(form, getattr(image, place) + offset, value).data

    yield "an empty file", b"", "is empty"
    yield "a text file", b"#!/bin/sh\nexit 0\n" * 40, "not a PE image"
    yield "a Linux program", open("/bin/sh", "rb").read(), "for Linux"
    yield "two bytes", b"MZ", "truncated"
    yield "an old DOS program", b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40) + b"code" * 16, "no PE signature"
    yield "a 32-bit driver", spoilt("<H", "pe", MACHINE, 0x14C), "32-bit x86"
    yield "an ARM64 driver", spoilt("<H", "pe", MACHINE, 0xAA64), "ARM64"
    yield "PE32 under an x86-64 header", spoilt("<H", "optional", 0, 0x10B), "32-bit"
    yield "a console program", spoilt("<H", "optional", SUBSYSTEM, 3), "console program"
    yield "a Windows program", spoilt("<H", "optional", SUBSYSTEM, 2), "not a kernel driver"
    yield "an EFI driver", spoilt("<H", "optional", SUBSYSTEM, 11), "EFI"
    yield "an object file", spoilt("<H", "pe", CHARACTERISTICS, 0), "not a linked image"
    yield "no sections", spoilt("<H", "pe", SECTIONS, 0), "no sections"
    yield "60 000 sections", spoilt("<H", "pe", SECTIONS, 60000), "60000 sections"
    yield "no entry point", spoilt("<I", "optional", ENTRY, 0), "no entry point"
    yield "an entry point nowhere", spoilt("<I", "optional", ENTRY, 0xFFFFF000), "lies in no section"
    yield "a size of 4 GiB", spoilt("<I", "optional", IMAGE_SIZE, 0xFFFFFFFF), "SizeOfImage"
    yield "a size of nothing", spoilt("<I", "optional", IMAGE_SIZE, 0), "SizeOfImage"
    yield "huge headers", spoilt("<I", "optional", HEADERS_SIZE, 0x7FFFFFFF), "truncated"
    yield "a section of 4 GiB", spoilt("<I", "section", 8, 0xFFFFF000), "lies outside the image"
    yield "a section beyond the file", spoilt("<I", "section", 20, 0xFFFFFE00), "truncated"
    yield "an alignment that is none", spoilt("<I", "optional", SECTION_ALIGNMENT, 0x1234), "power of two"
    yield "a base at the end of memory", spoilt("<Q", "optional", BASE, 0xFFFFFFFFFFFF0000), "no room"
    yield "sections that overlap", overlapping(Image(driver)).data, "overlaps"
    yield "imports without end", endless_imports(Image(driver)).data, "import"
    yield "imports nowhere", spoilt("<I", "optional", DIRECTORIES + 8 * IMPORTS, 0x7FFFF000), "import table"
    yield "a wild relocation", wild_relocation(Image(driver)).data, "wild relocation"
    yield "a relocation block without end", relocation_block_without_end(Image(driver)).data, "wild"


def one_line(suite, name, done, prefix):
    return suite.check(re.fullmatch(rf"{prefix}[^\n]+\n", done.stderr), f"{name}: one line", done.stderr)


def from_the_command_line(suite, name, path, says):
    done = suite.drydock_run(driver=path, timeout=30)
    suite.check_status(done, 2, f"{name}: exit status 2")
    one_line(suite, name, done, "drydock: ")
    suite.check(says in done.stderr and str(path) in done.stderr, f"{name}: says '{says}', and of which file", done.stderr)
    suite.check(done.stdout == "", f"{name}: and no table", done.stdout)
    return done.stderr.removeprefix("drydock: ")


def from_nbdkit(suite, name, path, line):
    socket = suite.scratch / "socket"
    socket.unlink(missing_ok=True)  # nbdkit leaves it when a plugin fails to start
    done = suite.run("nbdkit", "-f", "-U", socket, suite.plugin, f"driver={path}", "disk=mem:1M", timeout=30)
    suite.check(done.returncode != 0 and done.stderr == f"nbdkit: error: {line}", f"{name}: the same from nbdkit",
                f"{done.stderr!r} is not {line!r}")


def truncated(suite, driver, kind):
    """At the edges of every structure, and here and there."""
    image = Image(driver)
    end = image.end_of_raw_data()
    edges = [0, 1, 2, 0x3C, 0x40, image.pe, image.optional, image.section, image.section + 40 * image.sections]
    edges += [image.u32(image.section + 40 * i + 20) for i in range(image.sections)] + [end]
    lengths = {edge + by for edge in edges for by in (-1, 0, 1)} | set(random.Random(1).sample(range(end), 40))
    bad = []
    path = suite.scratch / "truncated.sys"
    for length in sorted(length for length in lengths if 0 <= length < end):
        path.write_bytes(driver[:length])
        done = suite.drydock_run(driver=path, timeout=30)
        if done.returncode != 2 or not re.fullmatch(r"drydock: [^\n]+\n", done.stderr):
            bad.append(f"{length} of {len(driver)} bytes: {done.returncode} {done.stderr}")
    suite.check(not bad, f"{kind}: truncated anywhere is one line and exit status 2", "\n".join(bad))


def real_programs(suite):
    """What mingw makes of a program and of a library, as nobody edited them."""
    source = suite.scratch / "program.c"
    source.write_text("int main(void) { return 0; }\n")
    for name, options, says in (("program.exe", [], "console program"), ("library.dll", ["-shared"], "DLL")):
        path = suite.scratch / name
        subprocess.run(["x86_64-w64-mingw32-gcc", *options, "-o", path, source], check=True)
        from_the_command_line(suite, f"a real {name}", path, says)


if __name__ == "__main__":
    with Suite("nbdkit", "x86_64-w64-mingw32-gcc") as suite:
        driver = suite.driver().read_bytes()
        path = suite.scratch / "bad.sys"
        for name, data, says in cases(driver):
            path.write_bytes(data)
            line = from_the_command_line(suite, name, path, says)
            from_nbdkit(suite, name, path, line)
        real_programs(suite)
        path.unlink()
        os.mkfifo(path)
        from_the_command_line(suite, "a pipe without a writer", path, "not a regular file")
        path.unlink()
        for name in ("instructions", "instructions_clang"):
            truncated(suite, suite.driver(name).read_bytes(), name)
