#!/usr/bin/env python3
"""Real file systems, ext4 and NTFS, copied in through the driver and out again by another run, are the same and sound."""
import filecmp

from harness import MiB, Suite

SIZE = 64 * MiB


def make_ext4(suite):
    image = suite.new_disk("ext4.img", SIZE)
    done = suite.run("mkfs.ext4", "-q", "-F", "-b", "4096", "-d", suite.source / "docs", image)
    suite.check_status(done, 0, "mkfs.ext4 makes an image with real files")
    return image


def make_ntfs(suite):
    image = suite.new_disk("ntfs.img", SIZE)
    suite.check_status(suite.run("mkntfs", "-q", "-Q", "-F", "-s", "512", image), 0, "mkntfs makes an image")
    done = suite.run("ntfscp", image, suite.source / "docs/spec.md", "spec.md")
    suite.check_status(done, 0, "ntfscp puts a real file into it")
    return image


def round_trip(suite, image, *arguments):
    """In by one run, compared there; out by a second one that has only the disk file."""
    name = image.stem
    disk, out = suite.new_disk("disk.img", SIZE), suite.scratch / "out.img"
    out.unlink(missing_ok=True)
    copy_in = f'nbdcopy --flush {image} "$uri" && qemu-img compare -f raw -F raw {image} "$uri"'
    done, report = suite.serve(disk, copy_in, *arguments)
    suite.check_status(done, 0, f"{name}: nbdcopy writes it and qemu-img finds it identical")
    suite.check(report.get("outcome") == "clean", f"{name}: the driver breaks no rule while writing", report)
    suite.check(filecmp.cmp(image, disk, shallow=False), f"{name}: the disk file holds the image")
    done, report = suite.serve(disk, f'nbdcopy "$uri" {out}', *arguments)
    suite.check_status(done, 0, f"{name}: nbdcopy reads it back")
    suite.check(report.get("outcome") == "clean", f"{name}: the driver breaks no rule while reading", report)
    suite.check(out.exists() and filecmp.cmp(image, out, shallow=False), f"{name}: what comes out is what went in")
    return out


def check_ext4(suite, out):
    suite.check_status(suite.run("e2fsck", "-fn", out), 0, "e2fsck finds nothing wrong")
    dumped = suite.scratch / "spec.md"
    suite.run("debugfs", "-R", f"dump /spec.md {dumped}", out)
    same = dumped.exists() and filecmp.cmp(dumped, suite.source / "docs/spec.md", shallow=False)
    suite.check(same, "a file inside the ext4 image is the file that was put there")


def check_ntfs(suite, out):
    suite.check_status(suite.run("ntfsfix", "-n", out), 0, "ntfsfix finds nothing to fix")
    shown = suite.run("ntfscat", out, "spec.md")
    suite.check(shown.stdout == (suite.source / "docs/spec.md").read_text(), "a file inside the NTFS image is the one put there")


def every_memory_layout(suite, image):
    """The same copy where buffers are low, high or contiguous: only the addresses that the device sees change."""
    for layout in ("low", "high", "contiguous"):
        disk = suite.new_disk("disk.img", SIZE)
        done, report = suite.serve(disk, f'nbdcopy --flush {image} "$uri"', "--phys", layout)
        suite.check_status(done, 0, f"--phys {layout}: the copy works")
        suite.check(filecmp.cmp(image, disk, shallow=False) and report.get("outcome") == "clean",
                    f"--phys {layout}: the disk file holds the image", report)


if __name__ == "__main__":
    with Suite("nbdkit", "nbdcopy", "qemu-img", "mkfs.ext4", "e2fsck", "debugfs", "mkntfs", "ntfscp", "ntfsfix", "ntfscat") as suite:
        ext4 = make_ext4(suite)
        check_ext4(suite, round_trip(suite, ext4))
        check_ntfs(suite, round_trip(suite, make_ntfs(suite)))
        every_memory_layout(suite, ext4)
