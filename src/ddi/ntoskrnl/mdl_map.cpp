// ntoskrnl.exe: the pages of an MDL mapped into system space, into a process, or where the driver has reserved room.

#include "ddi/modules.h"
#include "ddi/ntoskrnl/mdl_support.h"
#include "ddi/raise.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr UCHAR kKernelMode = 0;
constexpr ULONG kNoMoreSystemPtes = 0x3F;

constexpr Refusal kMap[] = {
    {MdlFault::mapped_already, "MDL-35", "0xC4/0xB2", "the MDL is mapped into system space already; MmGetSystemAddressForMdlSafe finds that mapping"},
    {MdlFault::built_for_nonpaged, "MDL-25", "0xC4/0xB2", "the MDL was built by MmBuildMdlForNonPagedPool, which makes it mapped already"},
    {MdlFault::not_resident, "MDL-29", "0xC4/0xB3", "the MDL describes no locked pages: it is neither locked, nor built for nonpaged pool, nor partial"},
    {MdlFault::not_locked, "MDL-29", "0xC4/0x85", "the MDL names pages that nobody has locked"},
    {MdlFault::not_memory, "VER-58", "0xC4/0x89", "the MDL names pages that are not memory, and lacks MDL_IO_SPACE"},
};
constexpr Refusal kUnmap[] = {
    {MdlFault::built_for_nonpaged, "MDL-25", "", "the MDL was built by MmBuildMdlForNonPagedPool; that mapping is the buffer's own"},
    {MdlFault::is_partial, "MDL-37", "0xC4/0xB5", "the MDL is partial, and the mapping its source's"},
    {MdlFault::not_mapped, "MDL-37", "0xC4/0xB6", "the MDL is not mapped"},
};

// DOC: MDL-29 MDL-35 VER-57 VER-58 VER-60 DOC: MDL-31 of two threads that ask at once the second finds it mapped.
MdlFault look_at_pages(Call& call, const MdlView& mdl) {
  if (mdl.has(MDL_SOURCE_IS_NONPAGED_POOL)) return mdl.has(MDL_PARTIAL) ? MdlFault::mapped_already : MdlFault::built_for_nonpaged;
  if (mdl.has(MDL_MAPPED_TO_SYSTEM_VA)) return MdlFault::mapped_already;
  if (!mdl.resident()) return MdlFault::not_resident;
  if (!call.services().checking()) return MdlFault::none;
  const bool of_host = mdl.pages() != 0 && mdl.pfns()[0] == mdl.address() >> kPageShift;
  for (const std::uint64_t pfn : mdl.pfn_span()) {
    const auto page = call.memory().page_of_pfn(pfn);
    if (!page && !of_host && !mdl.has(MDL_IO_SPACE)) return MdlFault::not_memory;
    if (page && !call.services().locked.locked(*page)) return MdlFault::not_locked;
  }
  return MdlFault::none;
}

// --- system space -----------------------------------------------------------------------------------------------------------

bool mapping_fails(Call& call) {
  FaultPlan* plan = call.kernel().kernel_faults();
  return plan != nullptr && plan->strikes(FaultPoint::no_mapping);
}

/// Low memory is a bug check for who wants one. DOC: MDL-28 MDL-32
void* no_mapping(Call& call, ULONG bug_check_on_failure) {
  if (bug_check_on_failure) call.kernel().bug_check(kNoMoreSystemPtes, {}, call.place(), "no room for a mapping, and BugCheckOnFailure was TRUE");
  return nullptr;
}

// DOC: MDL-34 memory here has its cache type from the start, so CacheType never matters.
void* map_into_system(Call& call, MDL* host, ULONG bug_check_on_failure, ULONG priority) {
  if (const MdlFault fault = look_at_pages(call, MdlView(host)); fault != MdlFault::none) [[unlikely]] {
    tell(call, kMap, fault, host);
    const bool there = fault == MdlFault::mapped_already || fault == MdlFault::built_for_nonpaged;
    return there ? host->MappedSystemVa : nullptr;
  }
  if (mapping_fails(call)) [[unlikely]] return no_mapping(call, bug_check_on_failure);
  std::uint64_t address = 0;
  const MdlOutcome mapped = call.kernel().mdls().map(host, {.writable = (priority & MdlMappingNoWrite) == 0, .place = call.place()}, &address);
  if (mapped) return reinterpret_cast<void*>(address);
  return no_mapping(call, bug_check_on_failure);
}

// DOC: MDL-32 VER-56 VER-65
void look_at_arguments(Call& call, ULONG bug_check_on_failure, ULONG priority) {
  if (bug_check_on_failure)
    call.broken("MDL-32", "0xC4/0x82", fmt::format("{}: BugCheckOnFailure is TRUE; a driver copes with NULL", call.name()));
  if (!(priority & MdlMappingNoExecute) && call.services().call.checks() == CheckLevel::all)
    call.broken("VER-65", "0xC4/0x2002", fmt::format("{}: an executable mapping was asked for; MdlMappingNoExecute is missing from Priority", call.name()));
}

/// Without checks, and nearly always: the pages lie in a row, and the system view shows them. 0: not so plain.
[[gnu::always_inline]] inline std::uint64_t map_at_once(Call& call, MDL* mdl, ULONG priority) {
  const PhysicalMemory& memory = call.memory();
  if (!call.kernel().mdls().maps_at_once() || (priority & MdlMappingNoWrite) || !memory.in_system_view(mdl)) return 0;
  MdlView view(mdl);
  const std::uint64_t room = memory.size() - memory.offset_of(mdl);
  if (!view.resident() || view.mapped() || MdlView::size_of(view.offset(), view.length()) > room) return 0;
  const std::uint64_t run = view.run_in_view(memory);
  return run == PhysicalMemory::kNowhere ? 0 : view.map_in_view(memory, run);
}

// In Microsoft's convention, so that the way above need save no registers for it.
[[gnu::noinline]] MSABI void* map_with_care(Call& call, MDL* mdl, ULONG bug_check_on_failure, ULONG priority) noexcept {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return nullptr;
  look_at_arguments(call, bug_check_on_failure, priority);
  return map_into_system(call, host, bug_check_on_failure, priority);
}

// DOC: MDL-27
void* map_kernel_mode(Call& call, MDL* mdl, UCHAR, ULONG, void*, ULONG bug_check_on_failure, ULONG priority) {
  if (const std::uint64_t address = map_at_once(call, mdl, priority)) [[likely]] return reinterpret_cast<void*>(address);
  return map_with_care(call, mdl, bug_check_on_failure, priority);
}

// --- a process --------------------------------------------------------------------------------------------------------------

/// DOC: MDL-36 what a process gets to see is whole pages, and says nothing it should not.
void look_at_pool(Call& call, const MdlView& mdl, std::span<const std::uint32_t> pages) {
  constexpr std::uint64_t kFreshMin = 64;  // bytes in a row
  if (!call.services().checking()) return;
  for (const std::uint32_t page : pages) {
    const auto block = call.services().pool.find(call.memory().address(View::system, page));
    const auto first = call.services().pool.find(number_of(mdl.raw()->StartVa) + mdl.offset());
    const auto& found = block ? block : first;
    if (!found || found->place.rip == 0) continue;
    if (found->bytes % kPageSize != 0 || found->address % kPageSize != 0)
      return call.broken("MDL-36", "", fmt::format("{} for user mode: the block of {} bytes shares its pages with other pool", call.name(), found->bytes));
    const std::byte* bytes = call.memory().system(page);
    const auto* fresh = std::search_n(bytes, bytes + kPageSize, kFreshMin, Pool::kFresh);
    if (fresh != bytes + kPageSize)
      return call.broken("MDL-36", "", fmt::format("{} for user mode: the pool block was never filled; zero it before a process sees it", call.name()));
  }
}

std::optional<std::vector<std::uint32_t>> pages_of(Call& call, const MdlView& mdl) {
  std::vector<std::uint32_t> pages;
  for (const std::uint64_t pfn : mdl.pfn_span()) {
    const auto page = call.memory().page_of_pfn(pfn);
    if (!page) return std::nullopt;
    pages.push_back(*page);
  }
  return pages;
}

// DOC: MDL-33 MDL-25 VER-52 failures are exceptions, and mapping what was built for nonpaged pool is allowed here. ASSUMED: the
// process has its mappings where there is room; RequestedAddress is not honoured (mdl_map_test.cpp).
Raising<void*> map_user_mode(Call& call, MDL* mdl, UCHAR, ULONG, void*, ULONG, ULONG priority) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return raise(STATUS_ACCESS_VIOLATION);
  if (call.scheduler().irql() > kApcLevel)
    call.broken("VER-52", "0xC4/0x77", fmt::format("{} for user mode was called at IRQL {}; its highest is APC_LEVEL", call.name(), call.scheduler().irql()));
  const MdlView view(host);
  const MdlFault fault = view.resident() ? MdlFault::none : MdlFault::not_resident;
  tell(call, kMap, fault, host);
  const auto* current = static_cast<const AddressSpace*>(call.scheduler().process());
  const auto pages = fault == MdlFault::none ? pages_of(call, view) : std::nullopt;
  if (!pages || pages->empty() || current == nullptr) return raise(STATUS_INVALID_ADDRESS);
  look_at_pool(call, view, *pages);
  const PageAccess access = priority & MdlMappingNoWrite ? PageAccess::read : PageAccess::read_write;
  const auto address = mapping_fails(call) ? std::nullopt : call.kernel().spaces().map(*current, *pages, access);
  if (!address) return raise(STATUS_INSUFFICIENT_RESOURCES);
  return reinterpret_cast<void*>(*address + view.offset());
}

// Which of the two it is, AccessMode says, the second argument: a mapping into system space never raises, and does not pay for
// the registers that an exception needs.
}  // namespace
extern "C" {
[[gnu::visibility("hidden")]] const void* drydock_map_kernel_mode = nullptr;
[[gnu::visibility("hidden")]] const void* drydock_map_user_mode = nullptr;
[[gnu::naked]] void drydock_map_locked_pages() {
  asm("testb %dl, %dl\n\t"
      "jnz 1f\n\t"
      "jmpq *drydock_map_kernel_mode(%rip)\n"
      "1:\tjmpq *drydock_map_user_mode(%rip)");
}
}
namespace {

Row map_specify_cache_row() {
  Row kernel = routine<"MmMapLockedPagesSpecifyCache", kDispatchLevel, &map_kernel_mode>(kModule, "nf-wdm-mmmaplockedpagesspecifycache", Coverage::partial, "RequestedAddress is not honoured");
  const Row user = raising_routine<"MmMapLockedPagesSpecifyCache", kDispatchLevel, &map_user_mode>(kModule, "nf-wdm-mmmaplockedpagesspecifycache");
  drydock_map_kernel_mode = kernel.address;
  drydock_map_user_mode = user.address;
  kernel.address = reinterpret_cast<const void*>(&drydock_map_locked_pages);
  kernel.raises = true;
  return kernel;
}

// DOC: MDL-52 VER-56
Raising<void*> map_obsolete(Call& call, MDL* mdl, UCHAR mode) {
  call.broken("MDL-52", "0xC4/0x81", "MmMapLockedPages is obsolete: MmMapLockedPagesSpecifyCache, or MmGetSystemAddressForMdlSafe");
  if (mode != kKernelMode) return map_user_mode(call, mdl, mode, 0, nullptr, TRUE, MdlMappingNoExecute);
  MDL* host = sound_mdl(call, mdl);
  return host == nullptr ? nullptr : map_into_system(call, host, TRUE, MdlMappingNoExecute);
}

// --- unmapping --------------------------------------------------------------------------------------------------------------

// DOC: MDL-37 VER-53 VER-62
void unmap_from_process(Call& call, std::uint64_t address) {
  AddressSpaces& spaces = call.kernel().spaces();
  if (call.scheduler().irql() > kApcLevel)
    call.broken("MDL-37", "0xC4/0x7A", fmt::format("MmUnmapLockedPages of a user address was called at IRQL {}; its highest is APC_LEVEL", call.scheduler().irql()));
  const auto mapped = spaces.mapping_at(address);
  if (!mapped) return call.broken("MDL-37", "0xC4/0xB9", fmt::format("MmUnmapLockedPages: {:#x} is no user address that pages of an MDL were mapped to", address));
  if (mapped->space != call.scheduler().process())
    return call.broken("MDL-37", "", "MmUnmapLockedPages: the pages were mapped into a process that is not current here");
  spaces.unmap(address);
}

// DOC: MDL-30 MDL-37 MDL-41 VER-61
void unmap_locked_pages(Call& call, void* base, MDL* mdl) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return;
  if (call.kernel().spaces().in_use() && call.kernel().spaces().is_user(number_of(base))) return unmap_from_process(call, number_of(base));
  const void* mapped = host->MappedSystemVa;
  const MdlOutcome unmapped = call.kernel().mdls().unmap(host);
  tell(call, kUnmap, unmapped.fault, host);
  if (unmapped && base != mapped)
    call.broken("MDL-37", "", fmt::format("MmUnmapLockedPages: BaseAddress is {}, and the MDL is mapped at {}", fmt::ptr(base), fmt::ptr(mapped)));
}

// --- protection ------------------------------------------------------------------------------------------------------------

std::optional<PageAccess> access_of(ULONG protection) {
  switch (protection) {
    case PAGE_NOACCESS: return PageAccess::none;
    case PAGE_READONLY:
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ: return PageAccess::read;
    case PAGE_READWRITE:
    case PAGE_EXECUTE_READWRITE: return PageAccess::read_write;
    default: return std::nullopt;
  }
}

// DOC: MDL-43 ASSUMED: of an MDL built for nonpaged pool the mapping is the buffer's own, and counts as none (mdl_map_test.cpp).
NTSTATUS protect_system_address(Call& call, MDL* mdl, ULONG protection) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  const auto access = access_of(protection);
  if (!access) return STATUS_INVALID_PAGE_PROTECTION;
  if (!(host->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)) return STATUS_NOT_MAPPED_VIEW;
  return call.services().mappings.protect(number_of(host->MappedSystemVa) & ~kPageMask, *access) ? STATUS_SUCCESS : STATUS_NOT_MAPPED_VIEW;
}

Row protect_row() {
  Row row = routine<"MmProtectMdlSystemAddress", kDispatchLevel, &protect_system_address>(kModule, "nf-wdm-mmprotectmdlsystemaddress");
  row.protects_mappings = true;
  return row;
}

// --- reserved room -----------------------------------------------------------------------------------------------------------

void* allocate_mapping_address(Call& call, SIZE_T bytes, ULONG tag) {
  const auto reserved = bytes > kArenaSize ? std::nullopt : call.services().mappings.reserve((bytes + kPageMask) >> kPageShift, tag);
  return reserved ? reinterpret_cast<void*>(*reserved) : nullptr;
}

/// The reservation an address means, when the tag is its own.
std::optional<SystemMappings::Reservation> reservation_at(Call& call, std::uint64_t address, ULONG tag) {
  const auto found = call.services().mappings.reservation(address);
  if (!found) call.broken("MDL-46", "0xDA", fmt::format("{}: the address is not one of MmAllocateMappingAddress", call.name()));
  else if (found->tag != tag) call.broken("MDL-46", "0xDA", fmt::format("{}: the pool tag is not that of MmAllocateMappingAddress", call.name()));
  else return found;
  return std::nullopt;
}

void free_mapping_address(Call& call, void* base, ULONG tag) {
  const auto found = reservation_at(call, number_of(base), tag);
  if (!found) return;
  if (found->mapped) call.broken("MDL-46", "0xDA", "MmFreeMappingAddress: the range is still mapped; MmUnmapReservedMapping comes first");
  call.services().mappings.release(number_of(base));
}

// DOC: MDL-46 NULL for wrong parameters only.
void* map_with_reserved_mapping(Call& call, void* base, ULONG tag, MDL* mdl, ULONG) {
  MDL* host = sound_mdl(call, mdl);
  const auto found = host == nullptr ? std::nullopt : reservation_at(call, number_of(base), tag);
  if (!found) return nullptr;
  const MdlView view(host);
  if (const MdlFault fault = look_at_pages(call, view); fault != MdlFault::none) {
    tell(call, kMap, fault, host);
    return nullptr;
  }
  if (found->mapped) call.broken("MDL-46", "0xDA", "MmMapLockedPagesWithReservedMapping: the range is mapped already");
  if (found->mapped || view.pages() > found->pages) return nullptr;
  if (!call.kernel().mdls().map_reserved(host, number_of(base), call.place())) return nullptr;
  return static_cast<std::byte*>(base) + view.offset();
}

void unmap_reserved_mapping(Call& call, void* base, ULONG tag, MDL* mdl) {
  MDL* host = sound_mdl(call, mdl);
  const auto found = host == nullptr ? std::nullopt : reservation_at(call, number_of(base) & ~kPageMask, tag);
  if (!found) return;
  const MdlFacts* facts = call.kernel().mdls().find(host);
  if (!found->mapped || facts == nullptr || facts->mapping != (number_of(base) & ~kPageMask))
    return call.broken("MDL-46", "0xDA", "MmUnmapReservedMapping: this MDL is not mapped there");
  (void)call.kernel().mdls().unmap(host);
}

}  // namespace

std::vector<Row> mdl_map_rows() {
  return {
      map_specify_cache_row(),
      raising_routine<"MmMapLockedPages", kDispatchLevel, &map_obsolete>(kModule, "nf-wdm-mmmaplockedpages"),
      routine<"MmUnmapLockedPages", kDispatchLevel, &unmap_locked_pages>(kModule, "nf-wdm-mmunmaplockedpages"),
      protect_row(),
      routine<"MmAllocateMappingAddress", kApcLevel, &allocate_mapping_address>(kModule, "nf-wdm-mmallocatemappingaddress"),
      routine<"MmFreeMappingAddress", kApcLevel, &free_mapping_address>(kModule, "nf-wdm-mmfreemappingaddress"),
      routine<"MmMapLockedPagesWithReservedMapping", kDispatchLevel, &map_with_reserved_mapping>(kModule, "nf-wdm-mmmaplockedpageswithreservedmapping"),
      routine<"MmUnmapReservedMapping", kDispatchLevel, &unmap_reserved_mapping>(kModule, "nf-wdm-mmunmapreservedmapping"),
  };
}

}  // namespace drydock::ddi
