#include "ddi/call.h"

#include <algorithm>

#include "ddi/irql_rules.h"
#include "trace/events.h"

namespace drydock::ddi {

// DOC: VER-85 each routine at its documented IRQL.
MSABI void Call::note_entry(Irql irql_max) const noexcept {
  const Irql irql = services().scheduler.irql();
  if (irql > irql_max) tell_irql(irql, irql_max);
  services().trace.note([&] { return RoutineCalled{name_, services().scheduler.cpu().index, irql}; });
}

void Call::tell_irql(Irql irql, Irql irql_max) const {
  const IrqlRule rule = irql_rule_of(name_);
  broken(rule.rule, rule.code, fmt::format("{} was called at IRQL {}; its highest is {}", name_, irql, irql_max));
}

MSABI void Call::no_adapter() const noexcept {
  broken("ST-05", "", fmt::format("{} was given a HwDeviceExtension that is no adapter's", name_));
}

namespace {

// A length of 0 touches nothing, wherever the pointer points; drydock's code still wants an address.
constexpr std::byte kNothing{};

std::byte* as_host(const void* pointer) { return const_cast<std::byte*>(static_cast<const std::byte*>(pointer)); }

bool on_stack(const Fiber& fiber, std::uint64_t address, std::uint64_t size) {
  return fiber.owns_stack(address) && size <= fiber.stack_top() - address;
}

// Pages of the arena are mapped one after another: what the driver sees there, drydock sees too.
bool is_mapped(const SystemMappings& mappings, std::uint64_t address, std::uint64_t size, bool write) {
  if (!mappings.in_arena(address) || size > kArenaSize) return false;
  for (std::uint64_t page = address & ~kPageMask; page < address + size; page += kPageSize) {
    const auto place = mappings.look(page);
    if (!place || place->state != ArenaPlace::State::live || !allows(place->access, write)) return false;
  }
  return true;
}

/// The byte of a range at which the process's memory ends, or may not be touched so.
std::uint64_t first_bad(Kernel& kernel, std::uint64_t address, std::uint64_t size, bool write) {
  const Scheduler& scheduler = kernel.services().scheduler;
  const TouchJudgement judged = kernel.spaces().judge({address, size, write, scheduler.process(), scheduler.irql()});
  return judged.verdict == TouchVerdict::ok ? address : judged.address;
}

}  // namespace

MSABI std::byte* Call::range_in_memory(const void* pointer, std::uint64_t size, bool write, const char* what) const noexcept {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const auto found = memory().find(address);
  if (found && size <= memory().size() - found->offset) [[likely]] {
    if (found->view != View::system && !admit(address, size, *found, write))
      return refuse_user_range(first_bad(kernel_, address, size, write), write, what);
    return memory().system(0) + found->offset;
  }
  return other_range(pointer, size, write, what);
}

// DOC: VER-63 a structure that a routine of the kernel works on is the kernel's.
MSABI std::byte* Call::object_in_memory(const void* pointer, std::uint64_t size, bool write, const char* what) const noexcept {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const auto found = memory().find(address);
  if (found && found->view == View::system && size <= memory().size() - found->offset) [[likely]] return memory().system(0) + found->offset;
  if (kernel_.spaces().in_use() && kernel_.spaces().is_user(address))
    broken("VER-63", "0xC4/0xE0", fmt::format("{}: {} is a user-mode address", name_, what));
  return range_in_memory(pointer, size, write, what);
}

std::byte* Call::other_range(const void* pointer, std::uint64_t size, bool write, const char* what) const {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  if (size == 0) return as_host(&kNothing);
  const bool wraps = address + size < address;
  if (!wraps && (on_stack(services().scheduler.fiber(), address, size) || is_mapped(services().mappings, address, size, write) ||
                 kernel_.in_image(address, size, write) || services().scheduler.on_any_stack(address, size)))
    return as_host(pointer);  // any stack: a DPC may fill a local of the thread that waits for it
  if (!wraps && kernel_.spaces().is_user(address)) return mapped_user_range(address, size, write, what);
  if (services().mappings.look(address)) return bad_mapping_range(address, size, write, what);
  return address < kernel_.user_end() ? refuse_user_range(address, write, what) : refuse_range(write, what);
}

// DOC: BUF-67 what a client can take away at any time is an exception for its driver to handle, not a mistake of the driver.
std::byte* Call::refuse_user_range(std::uint64_t address, bool write, const char* what) const {
  UserFault* fault = kernel_.expected_fault();
  if (fault == nullptr) return refuse_range(write, what);
  if (!fault->happened) *fault = {true, write, address};
  return nullptr;
}

/// What pages of others look like in a process. DOC: MDL-33
std::byte* Call::mapped_user_range(std::uint64_t address, std::uint64_t size, bool write, const char* what) const {
  if (!kernel_.spaces().in_use() || !admit(address, size, {View::user, 0}, write))
    return refuse_user_range(first_bad(kernel_, address, size, write), write, what);
  std::byte* alias = kernel_.spaces().alias(address, size);
  return alias != nullptr ? alias : refuse_range(write, what);
}

/// A mapping that is over, or not to be touched so: told for the first byte it is about, and completed in one page at most.
std::byte* Call::bad_mapping_range(std::uint64_t address, std::uint64_t size, bool write, const char* what) const {
  std::uint64_t at = address;
  while (at - address < size && is_mapped(services().mappings, at, 1, write)) at = (at & ~kPageMask) + kPageSize;
  if (!services().mappings.look(at)) return refuse_range(write, what);
  std::byte* alias = kernel_.touch_mapping(at, std::min(size - (at - address), kPageSize - (at & kPageMask)), write, place());
  return alias != nullptr && at == address && size <= kPageSize - (at & kPageMask) ? alias : nullptr;
}

std::byte* Call::refuse_range(bool write, const char* what) const {
  broken("BUF-68", "", fmt::format("{}: {} points to memory that the driver may not {}", name_, what, write ? "write" : "read"));
  return nullptr;
}

/// May the routine go on? Memory of processes that is not accessible here and now, it may not touch.
bool Call::admit(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write) const {
  if (found.view != View::user) {
    note_touch(address, size, found, write);
    return true;
  }
  if (!kernel_.spaces().in_use()) return true;
  const TouchVerdict verdict = kernel_.touch_user(address, size, write, TouchBy{name_}, place());
  return verdict == TouchVerdict::ok || verdict == TouchVerdict::not_locked;
}

std::optional<PhysicalAddress> Call::physical(const void* pointer) const {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  if (const auto found = memory().physical(address)) [[likely]] return found;
  const auto page = services().mappings.page_at(address);
  if (!page) return std::nullopt;
  return PhysicalAddress{(memory().pfn(*page) << kPageShift) | (address & kPageMask)};
}

// DOC: ST-42 ST-43 ST-121 the same rules as for the driver's own loads and stores, charged to the routine's caller.
void Call::note_touch(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write) const {
  if (size == 0) return;
  kernel_.touch(address, size, found, write, place());
  const PhysicalMemory::Place last{found.view, found.offset + size - 1};  // a range may begin alive and end in what is not
  if (last.page() != found.page()) kernel_.touch(address + size - 1, 1, last, write, place());
}

}  // namespace drydock::ddi
