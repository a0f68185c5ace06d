// A driver that writes whatever it likes into its rings, tables and registers, at any time: the device touches nothing it
// was not given (the bus master looks every access up), ends every round, and works again after a reset.

#include <memory>

#include "base/check.h"
#include "devices/virtio_blk/test_driver.h"
#include "input.h"

namespace {

using namespace drydock;
using namespace drydock::virtio_blk;

struct World {
  World() : board({.device = "virtio-blk,queues=2", .disk = "mem:1M"}), driver(board), page(board, 4 * kPageSize, true) {
    driver.start(~virtio::Features{0}, 2, 16);
  }
  TestBoard board;
  TestDriver driver;
  Buffer page;
};

/// An address: inside the given page, inside the rings, or anything.
std::uint64_t address(World& world, fuzz::Input& input) {
  const auto where = input.byte();
  const std::uint64_t offset = input.take<std::uint16_t>();
  if (where < 160) return world.page.at(offset % (4 * kPageSize)).value;
  if (where < 200) return world.driver.queue().memory.at(offset % kPageSize).value;
  return input.take<std::uint64_t>();
}

virtio::Descriptor descriptor(World& world, fuzz::Input& input) {
  static constexpr std::uint32_t kLengths[] = {16, 1, 512, 4096, 0, 32, 48, 0xFFFFFFFF};
  virtio::Descriptor d{};
  d.address = address(world, input);
  const auto length = input.byte();
  d.length = length < 128 ? kLengths[length % 8] : input.take<std::uint32_t>();
  d.flags = input.byte() % 8;
  d.next = input.byte() % 20;
  return d;
}

void make_available(World& world, fuzz::Input& input) {
  TestDriver::Queue& queue = world.driver.queue();
  const auto head = static_cast<std::uint16_t>(input.byte() % 18);
  queue.memory.put(queue.available + virtio::available::entry(queue.available_index % queue.size), head);
  queue.available_index = static_cast<std::uint16_t>(queue.available_index + (input.byte() % 16 ? 1 : input.byte()));
  queue.memory.put(queue.available + virtio::available::kIndex, queue.available_index);
}

void write_register(World& world, fuzz::Input& input) {
  const auto bar = input.byte() % 6u;
  const std::uint64_t size = world.board.function().bar(bar).size;
  const unsigned width = 1u << input.byte() % 4;
  if (size < width) return;
  const auto offset = static_cast<std::uint32_t>(input.take<std::uint16_t>() % (size - width + 1));
  world.board.function().write_bar(bar, offset, width, input.take<std::uint32_t>());
  (void)world.board.function().read_bar(bar, offset, width);
}

void step(World& world, fuzz::Input& input) {
  TestDriver::Queue& queue = world.driver.queue();
  switch (input.byte() % 8) {
    case 0: case 1: queue.memory.put(16u * (input.byte() % 16), descriptor(world, input)); break;
    case 2: world.page.put(16u * input.byte(), descriptor(world, input)); break;
    case 3: {
      const auto type = input.byte() % 2 ? input.byte() % 16u : input.take<std::uint32_t>();
      const std::uint64_t sector = input.byte() % 2 ? input.byte() : input.take<std::uint64_t>();
      world.page.put(16u * input.byte(), Header{static_cast<Type>(type), 0, sector});
      break;
    }
    case 4: make_available(world, input); break;
    case 5: world.driver.doorbell(input.byte() % 3); break;
    case 6: world.board.timeline.jump_to_next(); break;
    default: write_register(world, input); break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  fuzz::Input input(data, size);
  for (int steps = 0; !input.empty() && steps < 2000; ++steps) step(world, input);
  for (int rounds = 0; world.board.timeline.jump_to_next(); ++rounds) CHECK(rounds < 10'000, "the device comes to rest");
  world.driver.start(~virtio::Features{0}, 1, 16);
  CHECK(world.driver.in(0, world.page, 512, 512) == Status::ok, "a reset makes the device work again");
  return 0;
}
