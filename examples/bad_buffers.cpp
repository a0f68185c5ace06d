// Sends a control code with every awkward pair of buffers a program could think of, and says what the driver made of each.
// bad_buffers DRIVER.sys DEVICE CODE [BYTES]     e.g.  bad_buffers ddmem.sys '\\.\DdMem' 0x222000 4

#include <drydock/machine.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Shape {
  std::string name;
  drydock::Buffer buffer;
};

/// Buffers of about `bytes`: right, short, long, absent, unmapped, protected, at the end of a page, above 4 GiB.
std::vector<Shape> shapes(drydock::Client& client, std::uint32_t bytes) {
  using drydock::Layout;
  std::vector<Shape> all;
  const auto add = [&](const char* name, drydock::Buffer buffer) { all.push_back({name, buffer}); return buffer; };
  add("none", {});
  add("NULL with a length", {0, bytes});
  add("no bytes", client.allocate(bytes).part(0, 0));
  add("one byte", client.allocate(1));
  add("one byte short", client.allocate(bytes).part(0, bytes - 1));
  add("right", client.allocate(bytes));
  add("before a guard page", client.allocate(bytes, {.offset = 4096 - bytes % 4096, .guarded = true}));
  add("scattered, above 4 GiB", client.allocate(bytes + 8192, {.offset = 5, .pages = Layout::Pages::scattered, .place = Layout::Place::above_4g}));
  client.unmap(add("unmapped", client.allocate(bytes)));
  client.protect(add("read-only", client.allocate(bytes)), drydock::Protection::read);
  add("kernel address", {0xFFFF'8000'0000'0000, bytes});
  add("4 GiB - 1", {client.allocate(bytes).address, 0xFFFF'FFFF});
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bad_buffers DRIVER.sys DEVICE CODE [BYTES]\n");
    return 2;
  }
  const auto code = static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 0));
  const auto bytes = static_cast<std::uint32_t>(argc > 4 ? std::strtoul(argv[4], nullptr, 0) : 64);
  auto started = drydock::Machine::start({});
  if (const auto loaded = started.machine->load(argv[1]); !loaded) {
    std::fprintf(stderr, "bad_buffers: %s\n", loaded.error.message.c_str());
    return static_cast<int>(loaded.error.outcome);
  }
  {
    const auto client = started.machine->client("bad_buffers");
    const auto opened = client->open(argv[2]);
    if (!opened) {
      std::fprintf(stderr, "bad_buffers: %s cannot be opened: %#x\n", argv[2], opened.status);
      return 2;
    }
    const std::vector<Shape> all = shapes(*client, bytes < 1 ? 1 : bytes);
    for (const Shape& in : all)
      for (const Shape& out : all) {
        const drydock::Answer answer = opened.device->control(code, in.buffer, out.buffer);
        std::printf("%-24s %-24s %#010x %llu%s\n", in.name.c_str(), out.name.c_str(), answer.status, static_cast<unsigned long long>(answer.information),
                    answer.reached_driver ? "" : "  (the driver never saw it)");
      }
  }
  const drydock::Report report = started.machine->stop();
  std::printf("%s: %zu findings\n", drydock::name_of(report.outcome), report.findings.size());
  for (const auto& finding : report.findings)
    std::printf("  %s at %s: %s\n", finding.rule.c_str(), finding.driver_location.c_str(), finding.message.c_str());
  return static_cast<int>(report.outcome);
}
