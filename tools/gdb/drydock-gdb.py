"""gdb on a driver that drydock runs: breakpoints by its source lines, stacks through its frames, a few commands.

    drydock run my.sys --gdb                      # starts gdb with this file
    gdb -x drydock-gdb.py --args drydock run my.sys
    (gdb) break my.c:40
    (gdb) run

gdb loads the file by itself when drydock is installed. What it does:
  * when an image has been loaded (drydock_image_loaded), its symbols are added and waiting breakpoints find their lines;
  * signals that are traffic between driver and drydock pass without a stop: faults (registers, memory a driver may not
    touch, privileged instructions) and the tick of the watchdog. SIGTRAP stays gdb's;
  * frames of the driver are unwound by the image's own tables (.pdata), so that stacks go on to drydock for every
    compiler, with and without debug information;
  * `drydock images`, `drydock srbs`.
"""
import os
import struct

import gdb
import gdb.unwinder

HOOK = "drydock_image_loaded"
FAULTS = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE")
WATCHDOG = "SIG41"  # SIGRTMIN + 7 (sched/watchdog.cpp), as gdb numbers them


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def number(address, size=8):
    return int.from_bytes(read(address, size), "little")


class Image:
    """A loaded .sys: what gdb needs of its headers."""

    def __init__(self, path, base):
        self.path, self.base = path, base
        header = base + number(base + 0x3C, 4)
        optional = header + 24
        self.size = number(optional + 56, 4)
        self.unwind_rva, self.unwind_size = struct.unpack("<II", read(optional + 112 + 3 * 8, 8))
        self.functions = None

    def link_base(self):
        """Where the linker meant it to be: in the file, as the loader has changed nothing there."""
        with open(self.path, "rb") as file:
            start = file.read(4096)
        header = struct.unpack_from("<I", start, 0x3C)[0]
        return struct.unpack_from("<Q", start, header + 24 + 24)[0]

    def contains(self, address):
        return self.base <= address < self.base + self.size

    def function_at(self, address):
        """(begin, end, unwind information) of a function, all RVAs; None for a leaf."""
        if self.functions is None:
            table = read(self.base + self.unwind_rva, self.unwind_size) if self.unwind_size else b""
            self.functions = [f for f in struct.iter_unpack("<III", table[:len(table) // 12 * 12]) if f[1]]
        rva = address - self.base
        return next((f for f in self.functions if f[0] <= rva < f[1]), None)


images = []


class Loaded(gdb.Breakpoint):
    """Sits on the hook; never stops."""

    def __init__(self):
        super().__init__(HOOK, internal=True)
        self.silent = True

    def stop(self):
        frame = gdb.newest_frame()
        path = gdb.parse_and_eval("(const char*)$rdi").string()
        base = int(frame.read_register("rsi")) & (2 ** 64 - 1)
        take(os.path.abspath(path), base)
        return False


def take(path, base):
    images[:] = [image for image in images if image.base != base]
    image = Image(path, base)
    images.append(image)
    try:
        gdb.execute(f'add-symbol-file "{path}" -o {base - image.link_base():#x}', from_tty=False, to_string=True)
    except gdb.error as error:
        gdb.write(f"drydock: no symbols from {path}: {error}\n")


# --- stacks ------------------------------------------------------------------------------------------------------------

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
PUSH, ALLOC_LARGE, ALLOC_SMALL, SET_FRAME, SAVE, SAVE_FAR, EPILOG, SPARE, SAVE_XMM, SAVE_XMM_FAR, MACHINE_FRAME = range(11)


def codes_of(info, header):
    """The operations of one unwind record: (offset in the prologue, operation, its argument, its further data)."""
    data = read(info + 4, header[2] * 2)
    at = 0
    while at + 1 < len(data):
        offset, op, argument = data[at], data[at + 1] & 15, data[at + 1] >> 4
        slots = {ALLOC_LARGE: 3 if argument else 2, SAVE: 2, SAVE_FAR: 3, EPILOG: 2, SPARE: 3, SAVE_XMM: 2, SAVE_XMM_FAR: 3}.get(op, 1)
        yield offset, op, argument, data[at + 2:at + 2 * slots]
        at += 2 * slots


def unwind(image, pc, registers):
    """One frame up by the image's tables. Epilogues are taken for bodies: gdb stops at statements, not inside them."""
    function = image.function_at(pc)
    if function is not None:
        into = pc - image.base - function[0]
        frame_done = True
        while True:
            info = image.base + function[2]
            header = read(info, 4)
            frame = header[3] & 15
            codes = list(codes_of(info, header))
            stack = registers["rsp"]
            if frame and (not frame_done or any(op == SET_FRAME and into >= offset for offset, op, _, _ in codes)):
                stack = registers[REGISTERS[frame]] - (header[3] >> 4) * 16
            base = stack
            for offset, op, argument, more in codes:
                if frame_done and into < offset:
                    continue
                if op == PUSH:
                    registers[REGISTERS[argument]] = number(stack)
                    stack += 8
                elif op == ALLOC_LARGE:
                    stack += int.from_bytes(more, "little") * (1 if argument else 8)
                elif op == ALLOC_SMALL:
                    stack += argument * 8 + 8
                elif op in (SAVE, SAVE_FAR):
                    registers[REGISTERS[argument]] = number(base + int.from_bytes(more, "little") * (8 if op == SAVE else 1))
                elif op == MACHINE_FRAME:
                    stack += 8 if argument else 0
            registers["rsp"] = stack
            if not header[0] >> 3 & 4:
                break
            function = struct.unpack("<III", read(info + 4 + (header[2] + 1) // 2 * 4, 12))
            frame_done = False
    registers["rip"] = number(registers["rsp"])
    registers["rsp"] += 8


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class DriverFrames(gdb.unwinder.Unwinder):
    def __init__(self):
        super().__init__("drydock")

    def __call__(self, pending):
        pc = int(pending.read_register("rip")) & (2 ** 64 - 1)
        image = next((image for image in images if image.contains(pc)), None)
        if image is None:
            return None
        try:
            kind = pending.read_register("rax").type
            registers = {name: int(pending.read_register(name)) & (2 ** 64 - 1) for name in REGISTERS}
            unwind(image, pc, registers)
        except gdb.MemoryError:
            return None
        found = pending.create_unwind_info(FrameId(gdb.Value(registers["rsp"]), gdb.Value(pc)))
        for name in ("rip", *REGISTERS):
            found.add_saved_register(name, gdb.Value(registers[name]).cast(kind))
        return found


# --- commands ----------------------------------------------------------------------------------------------------------

class Drydock(gdb.Command):
    """What drydock knows of the stopped machine: drydock images | srbs"""

    def __init__(self):
        super().__init__("drydock", gdb.COMMAND_DATA)

    def complete(self, text, word):
        return [name for name in ("images", "srbs") if name.startswith(word or "")]

    def invoke(self, argument, from_tty):
        if argument == "images":
            for image in images:
                gdb.write(f"{image.base:#x}-{image.base + image.size:#x} {image.path}\n")
        elif argument == "srbs":
            try:
                text = gdb.parse_and_eval('((const char*(*)(const char*))drydock_debugger_text)("srbs")')
            except gdb.error as error:
                raise gdb.GdbError(f"drydock: {error} (is a driver running, and this thread stopped in it?)")
            gdb.write(text.string())
        else:
            raise gdb.GdbError("drydock images | srbs")


def set_up():
    if not hasattr(gdb, "drydock_is_set_up"):
        gdb.drydock_is_set_up = True  # the file may be loaded twice: by gdb itself, and by --gdb
        for command in ("set breakpoint pending on", *(f"handle {name} nostop noprint pass" for name in (*FAULTS, WATCHDOG))):
            gdb.execute(command, from_tty=False, to_string=True)
        Loaded()
        gdb.unwinder.register_unwinder(None, DriverFrames(), replace=True)
        Drydock()


set_up()
