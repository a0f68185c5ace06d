// A program of your own around a driver: start a machine, write and read a block through the miniport, say what the
// driver claimed, stop, and print what it did wrong. hello_disk DRIVER.sys

#include <drydock/machine.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

/// A block written through the driver must come back through it. 0 or an errno value.
int round_trip(drydock::Disk& disk) {
  std::vector<std::byte> written(disk.block_size(), std::byte{0x5A}), read(disk.block_size());
  if (const int error = disk.write(written, 0, /*fua=*/true)) return error;
  if (const int error = disk.read(read, 0)) return error;
  return read == written ? 0 : EIO;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: hello_disk DRIVER.sys\n");
    return 2;
  }
  drydock::Options options;
  options.driver = argv[1];
  options.disk = "mem:16M";

  auto started = drydock::Machine::start(options);
  if (!started) {
    std::fprintf(stderr, "hello_disk: %s\n", started.error.message.c_str());
    return static_cast<int>(started.error.outcome);
  }
  drydock::Disk& disk = started.machine->disk();
  std::printf("%llu bytes in blocks of %u\n", static_cast<unsigned long long>(disk.size()), disk.block_size());
  const int error = round_trip(disk);
  std::printf("one block there and back: %s\n", error == 0 ? "same" : std::strerror(error));

  const drydock::Report report = started.machine->stop();
  std::printf("%s: %llu I/Os, at most %u bytes each, %zu findings\n", drydock::name_of(report.outcome),
              static_cast<unsigned long long>(report.ios), report.limits.maximum_transfer_length, report.findings.size());
  for (const auto& finding : report.findings)
    std::printf("  %s at %s: %s\n", finding.rule.c_str(), finding.driver_location.c_str(), finding.message.c_str());
  return error != 0 ? 1 : static_cast<int>(report.outcome);
}
