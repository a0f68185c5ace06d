// Any sequence of requests a client of the disk may send, with any offset, length and flags, through class layer, port
// driver and a real miniport: what is written is read, what lies outside is refused, and no other byte changes.

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/seeded.h"
#include "drydock/machine.h"
#include "input.h"

namespace {

using namespace drydock;

constexpr std::uint64_t kDisk = 1u << 20;

Machine& machine() {
  static const auto started = [] {
    Options options;
    const char* driver = std::getenv("DRYDOCK_FUZZ_DRIVER");
    options.driver = driver ? driver : DRYDOCK_FUZZ_DRIVER;
    options.disk = "mem:1M";
    options.memory = 64u << 20;
    auto machine = Machine::start(options);
    CHECK(machine.machine != nullptr, "the machine starts: {}", machine.error.message);
    return machine;
  }();
  return *started.machine;
}

/// Near an edge that matters, most of the time.
std::uint64_t place(fuzz::Input& input) {
  static constexpr std::uint64_t kEdges[] = {0, 512, 4096, 65536, 1 << 19, kDisk - 4096, kDisk - 512, kDisk};
  const auto kind = input.byte();
  if (kind < 8) return input.take<std::uint64_t>();
  return kEdges[kind % 8] + static_cast<std::uint64_t>(input.take<std::int16_t>() % 1024);
}

struct Model {
  std::vector<std::byte> bytes = std::vector<std::byte>(kDisk);
  static bool inside(std::uint64_t offset, std::uint64_t length) { return length <= kDisk && offset <= kDisk - length; }
};

void read(Disk& disk, Model& model, std::uint64_t offset, std::uint64_t length) {
  std::vector<std::byte> got(length);
  const int error = disk.read(got, offset);
  CHECK((error == 0) == Model::inside(offset, length), "read of {} at {}: error {}", length, offset, error);
  if (error == 0) CHECK(std::equal(got.begin(), got.end(), model.bytes.begin() + static_cast<std::ptrdiff_t>(offset)), "read of {} at {}: wrong bytes", length, offset);
}

void write(Disk& disk, Model& model, std::uint64_t offset, std::uint64_t length, bool fua, Seeded& seeded) {
  std::vector<std::byte> data(length);
  for (auto& byte : data) byte = static_cast<std::byte>(seeded.next());
  const int error = disk.write(data, offset, fua);
  CHECK((error == 0) == Model::inside(offset, length), "write of {} at {}: error {}", length, offset, error);
  if (error == 0) std::copy(data.begin(), data.end(), model.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

void zero(Disk& disk, Model& model, std::uint64_t offset, std::uint64_t length, std::uint8_t flags) {
  const int error = disk.zero(offset, length, (flags & 1) != 0, (flags & 2) != 0);
  CHECK((error == 0) == Model::inside(offset, length), "zero of {} at {}: error {}", length, offset, error);
  if (error == 0) std::fill_n(model.bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, std::byte{});
}

/// What was trimmed is anything: the model learns it.
void trim(Disk& disk, Model& model, std::uint64_t offset, std::uint64_t length, std::uint8_t flags) {
  const int error = disk.trim(offset, length, (flags & 2) != 0);
  CHECK((error == 0) == Model::inside(offset, length), "trim of {} at {}: error {}", length, offset, error);
  if (error == 0 && length) CHECK(disk.read({model.bytes.data() + offset, length}, offset) == 0, "what was trimmed is read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Disk& disk = machine().disk();
  CHECK(disk.size() == kDisk, "the disk is as large as asked");
  CHECK(disk.zero(0, kDisk, true) == 0, "the disk starts empty");
  Model model;
  Seeded seeded(size);
  fuzz::Input input(data, size);
  for (int steps = 0; !input.empty() && steps < 64; ++steps) {
    const auto what = input.byte(), flags = input.byte();
    const std::uint64_t offset = place(input), length = input.take<std::uint32_t>() % (flags & 4 ? 300'000 : 5'000);
    switch (what % 8) {
      case 0: case 1: read(disk, model, offset, length); break;
      case 2: case 3: case 4: write(disk, model, offset, length, (flags & 2) != 0, seeded); break;
      case 5: zero(disk, model, offset, flags & 8 ? input.take<std::uint64_t>() : length, flags); break;
      case 6: trim(disk, model, offset, flags & 8 ? input.take<std::uint64_t>() : length, flags); break;
      default: CHECK(disk.flush() == 0, "a flush"); break;
    }
  }
  std::vector<std::byte> all(kDisk);
  CHECK(disk.read(all, 0) == 0 && all == model.bytes, "no other byte changed");
  return 0;
}
