// ntoskrnl.exe: MDLs made, built over memory that stays, split, moved and freed.

#include "ddi/modules.h"
#include "ddi/ntoskrnl/mdl_support.h"
#include "ddi/pool.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kLengthMax = ~ULONG{0} - static_cast<ULONG>(kPageMask);  // DOC: MDL-08 4 GiB less a page
constexpr unsigned kChainMax = 100'000;

// --- allocating and freeing -------------------------------------------------------------------------------------------------

// DOC: MDL-09 MDL-10
void append(Call& call, IRP& irp, MDL* mdl) {
  MDL* last = irp.MdlAddress == nullptr ? nullptr : call.object(irp.MdlAddress, "Irp->MdlAddress");
  for (unsigned parts = 0; last != nullptr && last->Next != nullptr && parts < kChainMax; ++parts) last = call.object(last->Next, "Mdl->Next");
  (last == nullptr ? irp.MdlAddress : last->Next) = mdl;
}

// DOC: MDL-01 MDL-07 DOC: LAY-08
MDL* allocate_mdl(Call& call, void* address, ULONG bytes, BOOLEAN secondary, BOOLEAN, IRP* irp) {
  if (secondary && irp == nullptr) call.broken("MDL-09", "", "IoAllocateMdl: SecondaryBuffer is TRUE, and there is no IRP whose MDL this could follow");
  if (bytes > kLengthMax) return nullptr;
  IRP* host_irp = irp == nullptr ? nullptr : call.object(irp, "Irp");
  const std::size_t room = MdlView::size_of(number_of(address), bytes);
  void* storage = pool_allocate(call, room, kMdlTag);
  if (storage == nullptr) return nullptr;
  MDL* mdl = static_cast<MDL*>(storage);
  MDL* host = call.memory().alias(mdl);
  MdlView::format(host, number_of(address), bytes);
  call.kernel().mdls().allocated(host, room);
  if (host_irp != nullptr && secondary) append(call, *host_irp, mdl);
  else if (host_irp != nullptr) host_irp->MdlAddress = mdl;
  return mdl;
}

constexpr Refusal kFree[] = {
    {MdlFault::locked_already, "MDL-12", "", "the pages of the MDL are still locked; MmUnlockPages comes first"},
    {MdlFault::mapped_already, "MDL-12", "0xC4/0xB8", "the MDL is still mapped into system space"},
};

// What is still held is told and given back: Windows would keep it for ever. DOC: MDL-11 MDL-12 MDL-30
void free_mdl(Call& call, MDL* mdl) {
  if (MDL* host = sound_mdl(call, mdl); host != nullptr) {
    MdlBook& book = call.kernel().mdls();
    const MdlFacts* facts = book.find(host);
    const MdlView view(host);
    if (facts != nullptr && facts->locked && facts->owner != LockOwner::page_allocation) tell(call, kFree, MdlFault::locked_already, host);
    else if (view.has(MDL_MAPPED_TO_SYSTEM_VA) && !view.has(MDL_PARTIAL)) tell(call, kFree, MdlFault::mapped_already, host);
    book.forget(host);
  }
  pool_free(call, mdl);
}

SIZE_T size_of_mdl(Call&, void* base, SIZE_T length) { return MdlView::size_of(number_of(base), length); }

// --- over nonpaged memory ----------------------------------------------------------------------------------------------------

constexpr Refusal kBuild[] = {
    {MdlFault::locked_already, "MDL-23", "", "the pages of the MDL are locked; it needs no building"},
    {MdlFault::not_memory, "MDL-23", "", "the MDL describes memory that is not nonpaged pool"},
};

/// DOC: MDL-24 VER-55 what may be paged or traded needs a lock.
bool stays_where_it_is(Call& call, const MdlView& mdl, SystemBuffer buffer) {
  const std::uint64_t address = mdl.address();
  if (buffer == SystemBuffer::stack) {
    call.broken("MDL-24", "0xC4/0x140", "MmBuildMdlForNonPagedPool: the buffer lies on a kernel stack, whose pages may be traded; MmProbeAndLockPages is for those");
    return true;
  }
  const AddressSpaces& spaces = call.kernel().spaces();
  if (spaces.in_use() && spaces.is_user(address)) {
    call.broken("MDL-24", "0xC4/0x140", "MmBuildMdlForNonPagedPool: the buffer is a user's, which is pageable; MmProbeAndLockPages is for those");
    return spaces.page_at(address).has_value();
  }
  const auto block = call.services().pool.find(address);
  if (block && block->kind == PoolKind::paged)
    call.broken("MDL-24", "0xC4/0x7F", "MmBuildMdlForNonPagedPool: the buffer is paged pool; MmProbeAndLockPages is for that");
  return true;
}

void build_for_nonpaged_pool(Call& call, MDL* mdl) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return;
  const MdlView view(host);
  const SystemBuffer buffer = system_buffer_at(call, view.address(), view.length());
  const bool of_host = buffer == SystemBuffer::stack || buffer == SystemBuffer::image;
  if (!stays_where_it_is(call, view, buffer)) return;
  const MdlOutcome built = call.kernel().mdls().build_nonpaged(host, of_host);
  tell(call, kBuild, built.fault, host);
}

// --- parts ------------------------------------------------------------------------------------------------------------------------

constexpr Refusal kPartial[] = {
    {MdlFault::not_resident, "MDL-39", "", "the pages of the source MDL are not locked, nor is it built for nonpaged pool"},
    {MdlFault::outside_source, "MDL-39", "", "the range is not inside the source MDL's buffer"},
    {MdlFault::too_big_for_target, "MDL-39", "", "the target MDL has no room for the page numbers of the range"},
    {MdlFault::locked_already, "MDL-39", "", "the target MDL has locked pages of its own"},
    {MdlFault::own_mapping_left, "MDL-41", "", "the target MDL still has a mapping of its own, which is lost now; MmPrepareMdlForReuse comes first"},
};

void build_partial_mdl(Call& call, MDL* source, MDL* target, void* address, ULONG length) {
  MDL* from = sound_mdl(call, source);
  MDL* to = from == nullptr ? nullptr : sound_mdl(call, target);
  if (to == nullptr) return;
  MdlBook& book = call.kernel().mdls();
  MdlOutcome built = book.build_partial(from, to, number_of(address), length);
  tell(call, kPartial, built.fault, to);
  if (built.fault != MdlFault::own_mapping_left) return;
  (void)book.unmap(to);
  built = book.build_partial(from, to, number_of(address), length);
  tell(call, kPartial, built.fault, to);
}

NTSTATUS advance_mdl(Call& call, MDL* mdl, ULONG bytes) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  return call.kernel().mdls().advance(host, bytes) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER_2;
}

}  // namespace

std::vector<Row> mdl_rows() {
  return {
      routine<"IoAllocateMdl", kDispatchLevel, &allocate_mdl>(kModule, "nf-wdm-ioallocatemdl"),
      routine<"IoFreeMdl", kDispatchLevel, &free_mdl>(kModule, "nf-wdm-iofreemdl"),
      routine<"MmSizeOfMdl", kAnyIrql, &size_of_mdl>(kModule, "nf-wdm-mmsizeofmdl"),
      routine<"MmBuildMdlForNonPagedPool", kDispatchLevel, &build_for_nonpaged_pool>(kModule, "nf-wdm-mmbuildmdlfornonpagedpool"),
      routine<"IoBuildPartialMdl", kDispatchLevel, &build_partial_mdl>(kModule, "nf-wdm-iobuildpartialmdl"),
      routine<"MmAdvanceMdl", kDispatchLevel, &advance_mdl>(kModule, "nf-wdm-mmadvancemdl"),
  };
}

}  // namespace drydock::ddi
