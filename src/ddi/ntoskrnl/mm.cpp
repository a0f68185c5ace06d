// ntoskrnl.exe: Mm…: addresses and registers.

#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"
#include "ddi/text.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

// Images and stacks are memory of the process, not of the machine: no device can reach them here.
// ASSUMED: 0, which no page of the machine has, and a finding, since DMA to a driver's image or stack is a bug in practice.
PHYSICAL_ADDRESS get_physical_address(Call& call, void* address) {
  PHYSICAL_ADDRESS result{};
  if (const auto physical = call.physical(address)) result.QuadPart = static_cast<LONGLONG>(physical->value);
  else call.broken("VER-36", "", "MmGetPhysicalAddress was given an address that is in no memory a device can reach: "
                                 "the driver's image or stack, or nothing at all");
  return result;
}

// DOC: VER-57 registers only: RAM is not mapped this way.
void* map_io_space(Call& call, PHYSICAL_ADDRESS address, SIZE_T bytes) {
  const auto at = static_cast<std::uint64_t>(address.QuadPart);
  if (call.memory().page_of_pfn(at >> kPageShift)) {
    call.broken("VER-57", "0x1A", fmt::format("{} was given {:#x}, which is RAM", call.name(), at));
    return nullptr;
  }
  const auto hit = call.services().bus.find_memory(at);
  if (!hit || bytes == 0 || bytes > hit->function->bar(hit->bar).size - hit->offset) return nullptr;
  return reinterpret_cast<void*>(call.services().mmio.map(*hit->function, hit->bar, hit->offset, static_cast<std::uint32_t>(bytes)));
}
void* map_io_space_cached(Call& call, PHYSICAL_ADDRESS address, SIZE_T bytes, MEMORY_CACHING_TYPE) { return map_io_space(call, address, bytes); }
void* map_io_space_ex(Call& call, PHYSICAL_ADDRESS address, SIZE_T bytes, ULONG) { return map_io_space(call, address, bytes); }

void unmap_io_space(Call& call, void* base, SIZE_T) {
  if (!call.services().mmio.unmap(reinterpret_cast<std::uint64_t>(base)))
    call.broken("VER-57", "0x1A", "MmUnmapIoSpace was given an address that MmMapIoSpace did not return");
}

// NULL for what the kernel does not export, which is how drivers find out what they run on.
void* get_system_routine_address(Call& call, const UNICODE_STRING* name) {
  const UNICODE_STRING* host = call.object<const UNICODE_STRING>(name, "SystemRoutineName");
  if (host == nullptr) return nullptr;
  const auto wanted = narrowed(driver_string(call, reinterpret_cast<const char16_t*>(host->Buffer), host->Length / 2u, "SystemRoutineName"));
  const Row* row = find_row(kModule, wanted);
  return row == nullptr ? nullptr : const_cast<void*>(row->address);
}

}  // namespace

std::vector<Row> mm_rows() {
  return {
      routine<"MmGetPhysicalAddress", kAnyIrql, &get_physical_address>(kModule, "nf-ntddk-mmgetphysicaladdress", Coverage::partial, "0 for the driver's own image and stacks"),
      routine<"MmMapIoSpace", kDispatchLevel, &map_io_space_cached>(kModule, "nf-wdm-mmmapiospace", Coverage::partial, "device registers only"),
      routine<"MmMapIoSpaceEx", kDispatchLevel, &map_io_space_ex>(kModule, "nf-wdm-mmmapiospaceex", Coverage::partial, "device registers only"),
      routine<"MmUnmapIoSpace", kDispatchLevel, &unmap_io_space>(kModule, "nf-wdm-mmunmapiospace"),
      routine<"MmGetSystemRoutineAddress", kPassiveLevel, &get_system_routine_address>(kModule, "nf-wdm-mmgetsystemroutineaddress"),
  };
}

}  // namespace drydock::ddi
