// ntoskrnl.exe: pages locked and unlocked. Failures of the buffer are exceptions, mistakes about the MDL are findings.

#include "ddi/modules.h"
#include "ddi/ntoskrnl/mdl_support.h"
#include "ddi/raise.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr UCHAR kUserMode = 1;

constexpr Refusal kLock[] = {
    {MdlFault::locked_already, "MDL-17", "0xC4/0xB0", "the pages of the MDL are locked already"},
    {MdlFault::built_for_nonpaged, "MDL-19", "0xC4/0xB0", "the MDL was built by MmBuildMdlForNonPagedPool; its pages need no lock"},
    {MdlFault::is_partial, "MDL-19", "0xC4/0xB0", "the MDL was built by IoBuildPartialMdl; its pages are locked by the source"},
    {MdlFault::other_process, "BUF-62", "", "the buffer is a process's that is not current here"},
};
constexpr Refusal kUnlock[] = {
    {MdlFault::not_locked, "MDL-22", "0xC4/0x7C", "the pages of the MDL are not locked"},
    {MdlFault::built_for_nonpaged, "MDL-19", "0xC4/0x7D", "the MDL was built by MmBuildMdlForNonPagedPool; there is no lock to release"},
    {MdlFault::is_partial, "MDL-19", "0xC4/0xB4", "the MDL was built by IoBuildPartialMdl; its pages are locked by the source"},
    {MdlFault::not_the_drivers, "VER-150", "0x76/0x1", "the I/O manager locked the pages for a request, and unlocks them when it is completed"},
};

// DOC: MDL-16 VER-51 what may be paged out may not be touched at DISPATCH_LEVEL.
void look_at_irql(Call& call, std::uint64_t address) {
  if (call.scheduler().irql() != kDispatchLevel) return;
  const AddressSpaces& spaces = call.kernel().spaces();
  const auto block = call.services().pool.find(address);
  const bool user = spaces.in_use() && spaces.is_user(address), paged = block && block->kind == PoolKind::paged;
  if (user || paged)
    call.broken("MDL-16", "", fmt::format("{} at DISPATCH_LEVEL: the buffer is {}, which is pageable, and that needs APC_LEVEL or below", call.name(),
                                          user ? "a user's" : "paged pool"));
}

LockRequest request_for(Call& call, UCHAR mode, ULONG operation) {
  return {.for_write = operation != IoReadAccess, .of_user = mode == kUserMode, .current = call.scheduler().process(), .place = call.place()};
}

// DOC: MDL-14
Raising<void> refuse_lock(Call& call, const MdlOutcome& refused, const MDL* mdl, const LockRequest& request) {
  tell(call, kLock, refused.fault, mdl);
  switch (refused.fault) {
    case MdlFault::not_memory:
    case MdlFault::not_accessible:
    case MdlFault::other_process: return raise_access_violation(request.for_write ? EXCEPTION_WRITE_FAULT : EXCEPTION_READ_FAULT, refused.address);
    default: return {};  // a mistake about the MDL, which stays as it was
  }
}

// DOC: MDL-13 MDL-15 VER-50 VER-59
Raising<void> probe_and_lock_pages(Call& call, MDL* mdl, UCHAR mode, ULONG operation) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return raise(STATUS_ACCESS_VIOLATION);
  const MdlView view(host);
  look_at_irql(call, view.address());
  LockRequest request = request_for(call, mode, operation);
  const SystemBuffer buffer = system_buffer_at(call, view.address(), view.length());
  if (buffer == SystemBuffer::device)
    call.broken("VER-50", "0xC4/0x6F", fmt::format("{}: the buffer is registers of a device, not memory", call.name()));
  request.host_memory = mode != kUserMode && (buffer == SystemBuffer::stack || buffer == SystemBuffer::image);
  const MdlOutcome locked = call.kernel().mdls().lock(host, request);
  if (locked) return {};
  return refuse_lock(call, locked, host, request);
}

// DOC: MDL-51
Raising<void> probe_and_lock_selected_pages(Call& call, MDL* mdl, FILE_SEGMENT_ELEMENT* segments, UCHAR mode, ULONG operation) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return raise(STATUS_ACCESS_VIOLATION);
  const std::uint32_t pages = MdlView(host).pages();
  const auto* elements = reinterpret_cast<const std::uint64_t*>(call.range(segments, pages * sizeof(std::uint64_t), false, "SegmentArray"));
  if (elements == nullptr) return raise_access_violation(EXCEPTION_READ_FAULT, number_of(segments));
  if (pages != 0) look_at_irql(call, elements[0]);
  const LockRequest request = request_for(call, mode, operation);
  const MdlOutcome locked = call.kernel().mdls().lock_selected(host, {elements, pages}, request);
  if (locked) return {};
  return refuse_lock(call, locked, host, request);
}

// DOC: MDL-21 VER-53 VER-54
void unlock_pages(Call& call, MDL* mdl) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return;
  const MdlOutcome unlocked = call.kernel().mdls().unlock(host, LockOwner::driver, call.place());
  tell(call, kUnlock, unlocked.fault, host);
}

}  // namespace

std::vector<Row> mdl_lock_rows() {
  return {
      raising_routine<"MmProbeAndLockPages", kDispatchLevel, &probe_and_lock_pages>(kModule, "nf-wdm-mmprobeandlockpages"),
      raising_routine<"MmProbeAndLockSelectedPages", kApcLevel, &probe_and_lock_selected_pages>(kModule, "nf-wdm-mmprobeandlockselectedpages"),
      routine<"MmUnlockPages", kDispatchLevel, &unlock_pages>(kModule, "nf-wdm-mmunlockpages"),
  };
}

}  // namespace drydock::ddi
