#include "ddi/bytes.h"

#include <algorithm>
#include <cstring>

#include "ddi/hal/registers.h"

namespace drydock::ddi {

namespace {

bool is_register(const Call& call, const void* pointer) { return call.services().mmio.in_arena(reinterpret_cast<std::uint64_t>(pointer)); }

// All of [pointer, +count) lies in one mapping of registers.
bool are_registers(const Call& call, const void* pointer, std::uint64_t count) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const auto first = call.services().mmio.find(address), last = call.services().mmio.find(address + count - 1);
  return first && last && first->function == last->function && first->bar == last->bar && last->offset - first->offset == count - 1;
}

// The widest access of at most `left` bytes that is aligned at both addresses.
unsigned width_at(std::uint64_t a, std::uint64_t b, std::uint64_t left) {
  unsigned width = 8;
  while (((a | b) & (width - 1)) != 0 || width > left) width /= 2;
  return width;
}

// `memory_to` and `memory_from` are null where the side is registers.
void move_registers(Call& call, std::byte* to, const std::byte* from, std::uint64_t count, std::byte* memory_to, const std::byte* memory_from) {
  const auto address = [](const void* side, bool registers) { return registers ? reinterpret_cast<std::uint64_t>(side) : 0; };
  for (std::uint64_t done = 0; done < count;) {
    const unsigned width = width_at(address(to + done, memory_to == nullptr), address(from + done, memory_from == nullptr), count - done);
    std::uint64_t value = 0;
    if (memory_from != nullptr) std::memcpy(&value, memory_from + done, width);
    else value = read_register(call, from + done, width);
    if (memory_to != nullptr) std::memcpy(memory_to + done, &value, width);
    else write_register(call, to + done, width, value);
    done += width;
  }
}

struct Side {
  bool usable = false;
  std::byte* memory = nullptr;  ///< null: registers
};

Side side_of(Call& call, const void* pointer, std::uint64_t count, bool write, const char* name) {
  if (is_register(call, pointer) && are_registers(call, pointer, count)) return {true, nullptr};
  std::byte* memory = call.range(pointer, count, write, name);
  return {memory != nullptr, memory};
}

}  // namespace

bool move_bytes(Call& call, void* to, const void* from, std::uint64_t count, const char* to_name, const char* from_name) {
  if ((is_register(call, to) || is_register(call, from)) && count != 0) [[unlikely]] {
    const Side target = side_of(call, to, count, true, to_name), source = side_of(call, from, count, false, from_name);
    if (!target.usable || !source.usable) return false;
    move_registers(call, static_cast<std::byte*>(to), static_cast<const std::byte*>(from), count, target.memory, source.memory);
    return true;
  }
  std::byte* target = call.range(to, count, true, to_name);
  const std::byte* source = call.range(from, count, false, from_name);
  if (target == nullptr || source == nullptr) [[unlikely]] return false;
  std::memmove(target, source, count);
  return true;
}

void fill_bytes(Call& call, void* to, UCHAR value, std::uint64_t count, const char* name) {
  if (!is_register(call, to) || count == 0 || !are_registers(call, to, count)) [[likely]] {
    if (std::byte* target = call.range(to, count, true, name)) std::memset(target, value, count);
    return;
  }
  const std::vector<std::byte> bytes(count, std::byte{value});
  move_registers(call, static_cast<std::byte*>(to), bytes.data(), count, nullptr, bytes.data());
}

ReadableBytes::ReadableBytes(Call& call, const void* from, std::uint64_t count, const char* name) {
  const Side side = count == 0 ? Side{true, call.range(from, 0, false, name)} : side_of(call, from, count, false, name);
  bytes_ = side.memory;
  if (!side.usable || side.memory != nullptr) return;
  read_.resize(count);
  move_registers(call, read_.data(), static_cast<const std::byte*>(from), count, read_.data(), nullptr);
  bytes_ = read_.data();
}

}  // namespace drydock::ddi
