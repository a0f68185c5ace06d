#include "ddi/call.h"

#include "trace/events.h"

namespace drydock::ddi {

// DOC: VER-85 each routine at its documented IRQL.
void Call::note_entry(Irql irql_max) const {
  const Irql irql = services_.scheduler.irql();
  if (irql > irql_max)
    broken("VER-85", "", fmt::format("{} was called at IRQL {}; its highest is {}", name_, irql, irql_max));
  services_.trace.note([&] { return RoutineCalled{name_, services_.scheduler.cpu().index, irql}; });
}

storport::Adapter* Call::adapter(const void* device_extension) const {
  storport::Adapter* found = kernel_.adapter_of(device_extension);
  if (found == nullptr) [[unlikely]]
    broken("ST-05", "", fmt::format("{} was given a HwDeviceExtension that is no adapter's", name_));
  return found;
}

std::byte* Call::range(const void* pointer, std::uint64_t size, bool write, const char* what) const {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const auto place_found = memory().find(address);
  if (place_found && place_found->offset + size <= memory().size()) [[likely]] {
    if (place_found->view == View::forbidden || place_found->view == View::lent) note_touch(address, *place_found, write);
    return memory().system(0) + place_found->offset;
  }
  const bool on_stack = services_.scheduler.fiber().owns_stack(address) && services_.scheduler.fiber().owns_stack(address + size);
  if (on_stack || kernel_.in_image(address, size)) return const_cast<std::byte*>(static_cast<const std::byte*>(pointer));
  broken("BUF-68", "", fmt::format("{}: {} points to memory that is not the driver's", name_, what));
  return nullptr;
}

// DOC: ST-42 ST-43 ST-121 the same rules as for the driver's own loads and stores, charged to the routine's caller.
void Call::note_touch(std::uint64_t address, PhysicalMemory::Place found, bool write) const {
  kernel_.touch(address, found, write, place());
}

}  // namespace drydock::ddi
