// A driver that is no miniport: load it, be its client, look at what it did. hello_driver ddmem.sys

#include <drydock/machine.h>

#include <cstdio>
#include <span>
#include <string_view>

namespace {

constexpr std::string_view kText = "kept by the driver";

/// What is written comes back, into a buffer that lies across two pages.
bool round_trip(drydock::Client& client, drydock::Device& device) {
  const auto bytes = std::as_bytes(std::span(kText));
  const drydock::Buffer from = client.allocate(static_cast<std::uint32_t>(bytes.size()));
  const drydock::Buffer to = client.allocate(from.length, {.offset = 4090, .pages = drydock::Layout::Pages::scattered});
  client.store(from, bytes);
  const drydock::Answer written = device.write(from, 100), read = device.read(to, 100);
  std::printf("written: status %#x, %llu bytes; read: status %#x, %llu bytes\n", written.status, static_cast<unsigned long long>(written.information),
              read.status, static_cast<unsigned long long>(read.information));
  return client.load(to) == client.load(from);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: hello_driver DRIVER.sys\n");
    return 2;
  }
  auto started = drydock::Machine::start({});
  if (const auto loaded = started.machine->load(argv[1]); !loaded) {
    std::fprintf(stderr, "hello_driver: %s\n", loaded.error.message.c_str());
    return static_cast<int>(loaded.error.outcome);
  }
  bool same = false;
  {
    const auto client = started.machine->client("hello_driver");
    const auto opened = client->open("\\\\.\\DdMem");
    if (opened) same = round_trip(*client, *opened.device);
    else std::fprintf(stderr, "hello_driver: \\\\.\\DdMem cannot be opened: %#x\n", opened.status);
  }
  const drydock::Report report = started.machine->stop();
  std::printf("%s, %zu findings\n", same ? "the same came back" : "something else came back", report.findings.size());
  for (const auto& finding : report.findings)
    std::printf("  %s at %s: %s\n", finding.rule.c_str(), finding.driver_location.c_str(), finding.message.c_str());
  return same ? static_cast<int>(report.outcome) : 1;
}
