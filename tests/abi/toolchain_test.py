#!/usr/bin/env python3
"""drydock-cc and make-implibs: the images they make, and what they say when they cannot. Needs no built drydock: the import
libraries come from a definition written here. Usage: toolchain_test.py [SOURCE_TREE]; ends with "N passed, 0 failed"."""
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
CC, IMPLIBS = ROOT / "tools/drydock-cc", ROOT / "tools/drivers/make-implibs"

DEFINITIONS = {
    "storport": "LIBRARY storport.sys\nEXPORTS\n  StorPortInitialize\n  StorPortNotification\n",
    "ntoskrnl": "LIBRARY ntoskrnl.exe\nEXPORTS\n  memset\n  memcpy\n  DbgPrint\n  InitSafeBootMode DATA\n  __C_specific_handler\n",
}
DRIVER = r"""
#include "Part\Limits.H"
#include <Storport.h>
static ULONG first = 1, second = 2, *table[] = {&first, &second};
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  volatile char large[3 * PAGE_SIZE];
  large[0] = (char)(*table[*InitSafeBootMode & 1] + FROM_THE_HEADER);
  DbgPrint("%d\n", large[0]);
  return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, NULL, NULL);
}
"""
CXX_DRIVER = """
#include <storport.h>
struct Shape { virtual ULONG corners() { return 0; } };
struct Square : Shape { ULONG corners() override { return 4; } };
static Square square;
extern "C" ULONG NTAPI DriverEntry(PVOID a, PVOID b) {
  Shape *shape = &square;
  HW_INITIALIZATION_DATA data = {};
  data.SrbExtensionSize = shape->corners() * (ULONG)(1.5 * (ULONG_PTR)a);
  return StorPortInitialize(a, b, &data, nullptr);
}
"""
SEH_DRIVER = """
#include <ntddk.h>
NTSTATUS DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING r) {
  __try { return *(volatile NTSTATUS *)d; }
  __except (EXCEPTION_EXECUTE_HANDLER) { return GetExceptionCode() + (r == NULL); }
}
"""


class Image:
    """The few facts of a PE image that a driver must have."""

    def __init__(self, path):
        self.data = path.read_bytes()
        pe = struct.unpack_from("<I", self.data, 0x3C)[0]
        self.machine, self.sections_count = struct.unpack_from("<HH", self.data, pe + 4)
        self.characteristics = struct.unpack_from("<H", self.data, pe + 22)[0]
        optional = pe + 24
        self.entry = struct.unpack_from("<I", self.data, optional + 16)[0]
        self.subsystem, self.dll_characteristics = struct.unpack_from("<HH", self.data, optional + 68)
        self.directories = [struct.unpack_from("<II", self.data, optional + 112 + 8 * i) for i in range(16)]
        table = optional + struct.unpack_from("<H", self.data, pe + 20)[0]
        self.sections = [self.data[table + 40 * i:table + 40 * i + 8].rstrip(b"\0").decode() for i in range(self.sections_count)]


class Toolchain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="drydock-toolchain-"))
        cls.implib = cls.scratch / "implib"
        for name, text in DEFINITIONS.items():
            (cls.scratch / f"{name}.def").write_text(text)
        subprocess.run([IMPLIBS, cls.implib, *(cls.scratch / f"{name}.def" for name in DEFINITIONS)], check=True)
        (cls.scratch / "part").mkdir()
        (cls.scratch / "part/limits.h").write_text("#define FROM_THE_HEADER 7\n")
        for name, text in (("driver.c", DRIVER), ("driver.cpp", CXX_DRIVER), ("seh.c", SEH_DRIVER)):
            (cls.scratch / name).write_text(text)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def build(self, *arguments, output="out.sys", environment=None):
        environment = {**os.environ, "DRYDOCK_IMPLIB": str(self.implib), **(environment or {})}
        return subprocess.run([CC, "-o", output, *arguments], cwd=self.scratch, env=environment, capture_output=True, text=True)

    def image(self, *arguments, output="out.sys"):
        done = self.build(*arguments, output=output)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return Image(self.scratch / output)

    def check_driver(self, image):
        self.assertEqual(image.machine, 0x8664)
        self.assertEqual(image.subsystem, 1, "native")
        self.assertEqual(image.characteristics & 0x2001, 0, "neither a DLL nor stripped of relocations")
        self.assertEqual(image.dll_characteristics & 0x140, 0x140, "dynamic base, no execution of data")
        self.assertNotEqual(image.entry, 0)
        self.assertNotEqual(image.directories[1][1], 0, "imports")
        self.assertNotEqual(image.directories[3][1], 0, "unwind tables")
        self.assertNotEqual(image.directories[5][1], 0, "relocations")

    def test_gcc_makes_a_native_relocatable_image_with_unwind_tables(self):
        self.check_driver(self.image("-Wall", "-Wextra", "-Werror", "driver.c"))

    def test_clang_makes_a_native_relocatable_image_with_unwind_tables(self):
        self.check_driver(self.image("--compiler=clang", "-Wall", "-Wextra", "-Werror", "driver.c"))

    def test_a_driver_has_dwarf_unless_it_asks_for_none(self):
        def has_dwarf(*arguments):
            return len(self.image(*arguments, "driver.c").data) > 2 * len(self.image(*arguments, "--no-debug", "driver.c").data)
        self.assertTrue(has_dwarf() and has_dwarf("--compiler=clang"))

    def test_pdb_lies_beside_the_image(self):
        self.check_driver(self.image("--compiler=clang", "--pdb", "driver.c", output="named.sys"))
        self.assertTrue((self.scratch / "named.pdb").exists())

    def test_the_same_source_gives_the_same_bytes(self):
        for compiler in ("gcc", "clang"):
            first = self.image(f"--compiler={compiler}", "driver.c").data
            self.assertTrue(first == self.image(f"--compiler={compiler}", "driver.c").data, compiler)

    def test_cxx_without_a_run_time_library(self):
        self.assertEqual(self.image("--compiler=clang", "driver.cpp").subsystem, 1)

    def test_structured_exceptions_with_clang(self):
        self.assertTrue(b"__C_specific_handler" in self.image("--compiler=clang", "seh.c").data, "a load alone is guarded")

    def test_one_object_alone(self):
        done = self.build("-c", "driver.c", output="driver.o")
        self.assertEqual((done.returncode, (self.scratch / "driver.o").exists()), (0, True), done.stderr)
        self.assertEqual(self.image("driver.o").subsystem, 1)

    def refused(self, status, text, *arguments, **keywords):
        done = self.build(*arguments, **keywords)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(text, done.stderr)

    def test_refusals_are_one_line(self):
        self.refused(2, "no source files")
        self.refused(2, "absent.c: no such file", "absent.c")
        self.refused(2, "--compiler=tcc: gcc or clang", "--compiler=tcc", "driver.c")
        self.refused(2, "-Q: unknown option", "-Q", "driver.c")
        self.refused(2, "--pdb needs --compiler=clang", "--pdb", "driver.c")
        self.refused(2, "exactly one source", "-c", "driver.c", "seh.c")
        self.refused(1, "no import libraries in /nonexistent", "driver.c", environment={"DRYDOCK_IMPLIB": "/nonexistent"})

    def test_a_routine_nobody_exports_is_named(self):
        (self.scratch / "unknown.c").write_text("#include <ntddk.h>\nNTSTATUS DriverEntry(PVOID d) { IoFreeIrp(d); return 0; }\n")
        for compiler in ("gcc", "clang"):
            done = self.build(f"--compiler={compiler}", "unknown.c", output="unknown.sys")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("IoFreeIrp", done.stderr)
            self.assertFalse((self.scratch / "unknown.sys").exists())


if __name__ == "__main__":
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
