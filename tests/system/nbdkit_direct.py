#!/usr/bin/env python3
"""The plugin is an ordinary nbdkit plugin: what it can do it says, filters work on it, and errors are one clear line."""
import json

from harness import MiB, Suite

SIZE = 16 * MiB
CAPABLE = ("can_flush", "can_fua", "can_trim", "can_zero", "can_multi_conn")


def nbdkit(suite, disk, run, *words, driver=None, **options):
    return suite.run("nbdkit", "-U", "-", *[word for word in words if str(word).startswith("-")], suite.plugin,
                     f"driver={driver or suite.driver()}", f"disk={disk}",
                     *[word for word in words if not str(word).startswith("-")], "--run", run, **options)


def export_of(done):
    try:
        return json.loads(done.stdout)["exports"][0]
    except (ValueError, LookupError):
        return {}


def capabilities(suite, disk):
    done = nbdkit(suite, disk, 'nbdinfo --json "$uri"')
    suite.check_status(done, 0, "nbdkit runs the plugin and nbdinfo asks it")
    export = export_of(done)
    suite.check(export.get("export-size") == SIZE, "the size is the disk's", export)
    for name in CAPABLE:
        suite.check(export.get(name) is True, f"it says {name}", export)
    suite.check(export.get("is_read_only") is False, "it says that it can be written", export)


def filters(suite, disk):
    done = nbdkit(suite, disk, 'nbdinfo --size "$uri"', "--filter=offset", "offset=1M", "range=4M")
    suite.check(done.stdout.strip() == str(4 * MiB), "the offset filter shows a part of the disk", done.stdout + done.stderr)
    write = 'qemu-io -f raw -c "write -P 0x5a 0 64k" -c "read -P 0x5a 0 64k" "$uri"'
    done = nbdkit(suite, disk, write, "--filter=offset", "--filter=delay", "offset=1M", "range=4M", "rdelay=1ms")
    suite.check_status(done, 0, "a write through two filters reads back")
    with open(disk, "rb") as file:
        file.seek(MiB)
        suite.check(file.read(65536) == b"\x5a" * 65536, "and lies in the file where the filter puts it")


def faults(suite, disk):
    done = nbdkit(suite, disk, 'qemu-io -f raw -c "read 0 4k" "$uri"', "fault=medium-error=1")
    suite.check("Input/output error" in done.stdout + done.stderr, "an error of the medium is EIO for the client", done.stdout + done.stderr)
    done = nbdkit(suite, disk, 'qemu-io -f raw -c "write -P 7 0 4k" -c "read -P 7 0 4k" "$uri"', "fault=lost-interrupt=1/4", "fault=wrong-length=1")
    suite.check_status(done, 0, "lost interrupts are waited out in virtual time, and the client sees nothing of them")
    listed = suite.run("nbdkit", suite.plugin, "fault=list")
    suite.check(listed.returncode == 0 and "late-dma" in listed.stdout, "fault=list explains the faults", listed.stdout + listed.stderr)


def durability(suite, disk):
    done = nbdkit(suite, disk, 'qemu-io -f raw -c "write -f -P 0x11 8k 4k" -c "write -P 0x22 0 4k" -c flush "$uri"')
    suite.check_status(done, 0, "writes with FUA and a flush are accepted")
    with open(disk, "rb") as file:
        data = file.read(12288)
    suite.check(data[8192:] == b"\x11" * 4096 and data[:4096] == b"\x22" * 4096, "both are in the file")


def sparse(suite):
    disk = suite.new_disk("sparse.img", SIZE)
    done = nbdkit(suite, disk, 'qemu-io -f raw -c "write -P 1 4M 1M" -c flush "$uri" >&2; nbdinfo --map --totals "$uri"')
    suite.check_status(done, 0, "nbdinfo maps a sparse disk")
    suite.check("hole" in done.stdout and "data" in done.stdout, "the map tells holes from data", done.stdout + done.stderr)


def zeroing(suite):
    disk = suite.new_disk("zero.img", SIZE)
    commands = " ".join(f"-c '{c}'" for c in ("write -P 0xff 0 1M", "write -z 64k 128k", "discard 512k 64k", "read -P 0 64k 128k",
                                              "read -P 0xff 0 64k", "flush"))
    suite.check_status(nbdkit(suite, disk, f'qemu-io -f raw {commands} "$uri"'), 0, "zeroed ranges read as zeros, their neighbours do not")


def several_connections(suite):
    disk, source = suite.new_disk("many.img", SIZE), suite.scratch / "random.bin"
    source.write_bytes(bytes((i * 2654435761 >> 13) & 0xff for i in range(SIZE // 16)) * 16)
    done = nbdkit(suite, disk, f'nbdcopy --connections=4 --requests=16 --flush {source} "$uri"')
    suite.check_status(done, 0, "four connections at once copy")
    suite.check(disk.read_bytes() == source.read_bytes(), "and every byte is in its place")


def errors(suite, disk):
    for name, driver in {"a driver that is not there": suite.scratch / "nothing.sys",
                         "a driver that is no image": suite.source / "LICENSE"}.items():
        done = suite.run("nbdkit", "-f", "-U", suite.scratch / f"{driver.name}.sock", suite.plugin, f"driver={driver}", f"disk={disk}", timeout=20)
        told = [line for line in done.stderr.split("\n") if line.strip()]
        suite.check(done.returncode not in (0, -1) and 1 <= len(told) <= 2 and driver.name in done.stderr,
                    f"{name}: refused in a line that names it", done.stderr)
        done = nbdkit(suite, disk, 'nbdinfo "$uri"', driver=driver, timeout=20)
        suite.check(done.returncode not in (0, -1), f"{name}: a client is turned away, not left waiting", done.stderr)
    socket = suite.scratch / "refused.sock"
    done = suite.run("nbdkit", "-f", "-U", socket, suite.plugin, f"driver={suite.driver('returns_error')}", "disk=mem:2M", timeout=20)
    suite.check(done.returncode == 1 and "SP_RETURN_ERROR" in done.stderr, "a driver that refuses to start: told in the log, exit status 1", done.stderr)
    suite.check(not socket.exists(), "and its socket does not stay")
    # Known before nbdkit forks: `--run` of a command that never looks at the disk fails, too.
    for name, words, mentions in (("a driver that is not there", ["driver=/nonexist.sys"], "/nonexist.sys"),
                                  ("an unknown device", ["device=x"], "no device 'x'"),
                                  ("a disk that cannot be read", ["disk=/no/such.img"], "/no/such.img"),
                                  ("a trace that cannot be written", ["trace=/no/such/trace"], "/no/such/trace"),
                                  ("a driver given twice", [f"driver={suite.driver()}", f"driver={suite.driver()}"], "driver is given twice"),
                                  ("a seed given twice", ["seed=1", "seed=2"], "seed is given twice")):
        defaults = [] if any(word.startswith("driver=") for word in words) else [f"driver={suite.driver()}"]
        done = suite.run("nbdkit", "-U", "-", suite.plugin, *defaults, *words, "--run", "true", timeout=20)
        told = [line for line in done.stderr.split("\n") if line.strip()]
        suite.check(done.returncode == 1 and len(told) == 1 and mentions in told[0], f"{name}: refused before the fork, in one line", f"{done.returncode} {done.stderr}")
    done = nbdkit(suite, disk, 'test -n "$uri"', "device=virtio-blk", "device=virtio-blk,ro=on", "disk=mem:8M")
    suite.check_status(done, 0, "what may be given twice may be")
    done = nbdkit(suite, disk, "true", "colour=red")
    suite.check(done.returncode not in (0, -1) and "colour" in done.stderr, "an unknown parameter is refused by name", done.stderr)


if __name__ == "__main__":
    with Suite("nbdkit", "nbdinfo", "nbdcopy", "qemu-io") as suite:
        the_disk = suite.new_disk("disk.img", SIZE)
        capabilities(suite, the_disk)
        filters(suite, the_disk)
        faults(suite, the_disk)
        durability(suite, the_disk)
        sparse(suite)
        zeroing(suite)
        several_connections(suite)
        errors(suite, the_disk)
