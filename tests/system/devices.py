#!/usr/bin/env python3
"""Every device, with each register interface, interrupt kind and number of queues, under a driver that speaks it; and several
adapters under one driver, each with its own disk."""
import os

from harness import MiB, Suite

LEGACY_DRIVERS = ("legacy_blk", "legacy_blk_direct", "legacy_blk_line")


def findings(report):
    return "\n".join(f"{f['rule']}: {f['message']}" for f in report.get("findings", []))


def check_clean(suite, driver, device, *arguments, interrupts=None, disk="mem:2M"):
    report_file = suite.scratch / "report.json"
    report_file.unlink(missing_ok=True)
    done = suite.drydock_run("--device", device, "--disk", disk, "--json", report_file, *arguments, driver=driver)
    report = suite.report(report_file)
    suite.check_status(done, 0, f"{driver.name} on {device}: clean")
    suite.check(report.get("findings") == [] and report.get("ios", 0) > 300, f"{driver.name} on {device}: hundreds of I/Os", findings(report))
    if interrupts is not None:
        suite.check(report.get("limits", {}).get("interrupt_messages") == interrupts,
                    f"{driver.name} on {device}: {interrupts or 'no'} messages", report.get("limits"))
    return report


def legacy(suite):
    for name in LEGACY_DRIVERS:
        for mode in ("legacy", "transitional"):
            for queues in (1, 3, 8):
                messages = 0 if name == "legacy_blk_line" else queues + 1
                check_clean(suite, suite.driver(name), f"virtio-blk,mode={mode},queues={queues}", interrupts=messages)
            check_clean(suite, suite.driver(name), f"virtio-blk,mode={mode},msix=off,queue_size=64", interrupts=0)
    done = suite.drydock_run("--device", "virtio-blk", driver=suite.driver("legacy_blk"))
    suite.check_status(done, 3, "a legacy driver does not start on a modern device")


def read_only(suite):
    """A driver that tells write protection, and one that does not: who asks for a disk that refuses writes gets one."""
    for name, device in (("ddvioblk", "virtio-blk"), ("legacy_blk", "virtio-blk,mode=legacy")):
        for words in (["--device", device, "--read-only"], ["--device", device + ",ro=on"]):
            done = suite.drydock_run(*words, "--disk", "mem:2M", driver=suite.driver(name))
            suite.check_status(done, 0, f"{name} {' '.join(words)}: the self-check only reads")
    disk = suite.new_disk("ro.img", 2 * MiB)
    done, _ = suite.serve(disk, 'nbdinfo --is read-only "$uri" && qemu-io -r -f raw -c "read -P 0 0 4k" "$uri"', "--device", "virtio-blk,mode=legacy", "--read-only",
                          driver=suite.driver("legacy_blk"))
    suite.check_status(done, 0, "its export says that it is read-only, and can be read")


def modern(suite):
    for mode in ("transitional", "modern"):
        for queues in (1, 8):
            check_clean(suite, suite.driver(), f"virtio-blk,mode={mode},queues={queues}", "--cpus", "8", interrupts=queues + 1, disk="mem:8M")
        check_clean(suite, suite.driver(), f"virtio-blk,mode={mode},msix=off", interrupts=0, disk="mem:8M")
    done = suite.drydock_run("--device", "virtio-blk,mode=legacy")
    suite.check_status(done, 3, "a modern driver does not start on a legacy device")


def several(suite):
    one, two = suite.new_disk("one.img", 4 * MiB), suite.new_disk("two.img", 8 * MiB)
    command = ('nbdinfo --list "$unixuri" > names; qemu-io -f raw "$uri0" -c "write -P 17 0 1M" >/dev/null && '
               'qemu-io -f raw "$uri1" -c "write -P 34 1M 2M" >/dev/null && nbdinfo --size "$uri0" > sizes && nbdinfo --size "$uri1" >> sizes && '
               'nbdinfo --size "$uri" >> sizes; nbdinfo --size "nbd+unix:///disk2?socket=$unixsocket" 2>/dev/null && echo found >> sizes; true')
    command = 'unixuri="nbd+unix:///?socket=$unixsocket"; ' + command
    done, report = suite.serve(one, command, "--device", "virtio-blk", "--disk", two, "--device", "virtio-blk,mode=transitional")
    suite.check_status(done, 0, "two devices, two disks: clean")
    sizes = (suite.scratch / "sizes").read_text().split() if (suite.scratch / "sizes").exists() else []
    suite.check(sizes == [str(4 * MiB), str(8 * MiB), str(4 * MiB)], "each export is its own disk, the default one the first, another there is not", sizes)
    names = (suite.scratch / "names").read_text() if (suite.scratch / "names").exists() else ""
    suite.check('"disk0"' in names and '"disk1"' in names and "mode=transitional on" in names, "the exports are listed with what they are", names)
    suite.check(one.read_bytes() == b"\x11" * MiB + bytes(3 * MiB), "the first disk has what was written to it, and nothing else")
    suite.check(two.read_bytes() == bytes(MiB) + b"\x22" * (2 * MiB) + bytes(5 * MiB), "the second disk has what was written to it, and nothing else")
    adapters = report.get("adapters", [])
    suite.check(len(adapters) == 2 and all(a["bytes"] >= MiB and a["interrupts"] > 0 for a in adapters), "the report tells both adapters", adapters)
    suite.check("adapter 0" in done.stdout and "adapter 1" in done.stdout and "two.img" in done.stdout, "and so does the summary", done.stdout)


def together(suite):
    """Both disks at the same time, through one driver."""
    one, two = suite.new_disk("one.img", 8 * MiB), suite.new_disk("two.img", 8 * MiB)
    pattern = [bytes((i * 7 + k) & 0xFF for i in range(4096)) * (8 * MiB // 4096) for k in (1, 2)]
    for k in (0, 1):
        (suite.scratch / f"in{k}").write_bytes(pattern[k])
    command = 'nbdcopy in0 "$uri0" & nbdcopy in1 "$uri1" & wait; nbdcopy "$uri0" out0 & nbdcopy "$uri1" out1 & wait'
    done, _ = suite.serve(one, command, "--disk", two)
    suite.check_status(done, 0, "one device named, two disks: an adapter for each")
    for k in (0, 1):
        out = suite.scratch / f"out{k}"
        suite.check(out.exists() and out.read_bytes() == pattern[k], f"what went to disk{k} while the other was busy came back")


def self_check(suite):
    report = check_clean(suite, suite.driver(), "virtio-blk", "--device", "virtio-blk,blk_size=4096", "--phys", "high", disk="mem:4M")
    suite.check([a["ios"] > 300 for a in report.get("adapters", [])] == [True, True], "the self-check checks every disk", report.get("adapters"))


def content_before_us(suite):
    """A write that fails leaves what the disk held before: the self-check, which does not know it, must not call it wrong."""
    for which in ("#1", "#3", "#5"):
        disk = suite.new_disk("full.img", 16 * MiB)
        disk.write_bytes(os.urandom(16 * MiB))
        done = suite.drydock_run("--disk", disk, "--fault", f"medium-error={which}")
        suite.check_status(done, 0, f"medium-error={which} on a disk with content: clean")


def usage(suite):
    file = suite.new_disk("one.img", MiB)
    for arguments, words in ((("--device", "virtio-blk", "--device", "virtio-blk", "--disk", file), "cannot both write"),
                             (("--disk", "mem:1M", "--disk", "mem:1M", "--disk", "mem:1M", "--device", "virtio-blk", "--device", "virtio-blk"), "2 devices and 3 disks"),
                             (("--device", "virtio-blk,mode=ancient"), "modern|transitional|legacy")):
        done = suite.drydock_run(*arguments)
        suite.check(done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, f"refused in one line: {words}", done.stderr)


if __name__ == "__main__":
    with Suite("nbdinfo", "nbdcopy", "qemu-io") as suite:
        legacy(suite)
        read_only(suite)
        modern(suite)
        several(suite)
        together(suite)
        self_check(suite)
        content_before_us(suite)
        usage(suite)
