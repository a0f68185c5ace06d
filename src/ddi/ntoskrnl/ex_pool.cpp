// ntoskrnl.exe: Ex…: pool in all its forms.

#include <bit>
#include <cstring>

#include "ddi/modules.h"
#include "ddi/pool.h"
#include "ddi/raise.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kNoTag = 0x656E6F4E;  // 'None', as the untagged routines have it

struct Wanted {
  PoolKind kind = PoolKind::nonpaged;
  SIZE_T bytes = 0;
  ULONG tag = 0;
  bool zeroed = false;
  bool raises = false;
  bool page_aligned = false;
};

// --- rules. DOC: VER-169 ------------------------------------------------------------------------------------------------------

void check_request(Call& call, const Wanted& wanted) {
  const Irql irql = call.scheduler().irql();
  if (wanted.bytes == 0) call.broken("VER-169", "0xC4/0x0", fmt::format("{} was asked for zero bytes of pool", call.name()));
  if (wanted.kind == PoolKind::paged && irql > kApcLevel)
    call.broken("VER-169", "0xC4/0x1", fmt::format("{} was asked for paged pool at IRQL {}; its highest is 1", call.name(), irql));
}

void check_free(Call& call, void* memory, ULONG tag) {
  const auto block = call.services().pool.find(reinterpret_cast<std::uint64_t>(memory));
  if (!block) return;  // pool_free tells
  const Irql irql = call.scheduler().irql();
  if (block->kind == PoolKind::paged && irql > kApcLevel)
    call.broken("VER-169", "0xC4/0x11", fmt::format("{} was given paged pool at IRQL {}; its highest is 1", call.name(), irql));
  if (tag != 0 && block->tag != tag)
    call.broken("VER-169", "0xC2/0xA", fmt::format("{}: the block was allocated with tag {:#010x} and is freed with {:#010x}", call.name(), block->tag, tag));
}

// --- allocating -----------------------------------------------------------------------------------------------------------------

void* allocate(Call& call, const Wanted& wanted) {
  check_request(call, wanted);
  if (wanted.bytes > Pool::kBytesMax) return nullptr;
  void* memory = pool_allocate(call, wanted.bytes, wanted.tag, wanted.kind);
  if (memory == nullptr || !wanted.zeroed) return memory;
  if (std::byte* host = call.range(memory, wanted.bytes, true, "the new block")) std::memset(host, 0, wanted.bytes);
  return memory;
}

Raising<void*> allocate_or_raise(Call& call, const Wanted& wanted) {
  void* memory = allocate(call, wanted);
  if (memory == nullptr && wanted.raises) return raise(STATUS_INSUFFICIENT_RESOURCES);
  return memory;
}

constexpr ULONG kPagedBit = 1, kMustSucceedBit = 2;

Wanted of_type(ULONG type, SIZE_T bytes, ULONG tag) {
  return {.kind = (type & kPagedBit) != 0 ? PoolKind::paged : PoolKind::nonpaged, .bytes = bytes, .tag = tag, .zeroed = (type & POOL_ZERO_ALLOCATION) != 0,
          .raises = (type & (POOL_RAISE_IF_ALLOCATION_FAILURE | kMustSucceedBit)) != 0};
}

Raising<void*> allocate_tagged(Call& call, ULONG type, SIZE_T bytes, ULONG tag) { return allocate_or_raise(call, of_type(type, bytes, tag)); }
Raising<void*> allocate_untagged(Call& call, ULONG type, SIZE_T bytes) { return allocate_or_raise(call, of_type(type, bytes, kNoTag)); }
Raising<void*> allocate_prioritised(Call& call, ULONG type, SIZE_T bytes, ULONG tag, EX_POOL_PRIORITY) { return allocate_tagged(call, type, bytes, tag); }

// Quota is charged to nobody: there is always enough. A failure raises unless the caller says otherwise.
Raising<void*> allocate_with_quota_tag(Call& call, ULONG type, SIZE_T bytes, ULONG tag) {
  Wanted wanted = of_type(type, bytes, tag);
  wanted.raises = (type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) == 0;
  return allocate_or_raise(call, wanted);
}
Raising<void*> allocate_with_quota(Call& call, ULONG type, SIZE_T bytes) { return allocate_with_quota_tag(call, type, bytes, kNoTag); }

/// What POOL_FLAGS ask for; none when they do not say exactly which pool, or the tag is 0.
std::optional<Wanted> of_flags(ULONGLONG flags, SIZE_T bytes, ULONG tag) {
  const ULONGLONG pool = flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED);
  constexpr ULONGLONG kRequired = 0xFFFF'FFFF;  // unknown flags above are optional and ignored
  constexpr ULONGLONG kKnown = POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_SESSION | POOL_FLAG_CACHE_ALIGNED | 0x10 | POOL_FLAG_RAISE_ON_FAILURE |
                               POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED | 0x200 | 0x400;
  if (std::popcount(pool) != 1 || tag == 0 || (flags & kRequired & ~kKnown) != 0) return std::nullopt;
  return Wanted{.kind = pool == POOL_FLAG_PAGED ? PoolKind::paged : PoolKind::nonpaged, .bytes = bytes, .tag = tag,
                .zeroed = (flags & POOL_FLAG_UNINITIALIZED) == 0};
}

Raising<void*> allocate2(Call& call, ULONGLONG flags, SIZE_T bytes, ULONG tag) {
  const bool raises = (flags & POOL_FLAG_RAISE_ON_FAILURE) != 0;
  const auto wanted = of_flags(flags, bytes, tag);
  void* memory = wanted ? allocate(call, *wanted) : nullptr;
  if (memory != nullptr || !raises) return memory;
  return raise(wanted ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_PARAMETER);
}

constexpr ULONG kParameterMax = PoolExtendedParameterMax;
bool parameters_known(const POOL_EXTENDED_PARAMETER* parameters, ULONG count) {
  for (ULONG i = 0; i < count; ++i) {
    const auto type = static_cast<ULONG>(parameters[i].Type);
    const bool known = type == PoolExtendedParameterPriority || type == PoolExtendedParameterNumaNode;
    if (!known && (type == 0 || type >= kParameterMax || !parameters[i].Optional)) return false;
  }
  return true;
}
// Priority and node make no difference; secure pool there is not.
Raising<void*> allocate3(Call& call, ULONGLONG flags, SIZE_T bytes, ULONG tag, const POOL_EXTENDED_PARAMETER* parameters, ULONG count) {
  const auto* host = reinterpret_cast<const POOL_EXTENDED_PARAMETER*>(call.range(parameters, count * sizeof *parameters, false, "ExtendedParameters"));
  if (host != nullptr && parameters_known(host, count)) return allocate2(call, flags, bytes, tag);
  if ((flags & POOL_FLAG_RAISE_ON_FAILURE) != 0) return raise(STATUS_INVALID_PARAMETER);
  return nullptr;
}

void release_tagged(Call& call, void* memory, ULONG tag) {
  check_free(call, memory, tag);
  pool_free(call, memory);
}
void release(Call& call, void* memory) { release_tagged(call, memory, 0); }
void release2(Call& call, void* memory, ULONG tag, void*, ULONG) { release_tagged(call, memory, tag); }

}  // namespace

std::vector<Row> ex_pool_rows() {
  const char* quota = "quota is charged to nobody";
  const char* flags = "quota, session and special-pool flags make no difference";
  return {
      raising_routine<"ExAllocatePool", kDispatchLevel, &allocate_untagged>(kModule, "nf-wdm-exallocatepool"),
      raising_routine<"ExAllocatePoolWithTag", kDispatchLevel, &allocate_tagged>(kModule, "nf-wdm-exallocatepoolwithtag"),
      raising_routine<"ExAllocatePoolWithTagPriority", kDispatchLevel, &allocate_prioritised>(kModule, "nf-wdm-exallocatepoolwithtagpriority"),
      raising_routine<"ExAllocatePoolWithQuota", kDispatchLevel, &allocate_with_quota>(kModule, "nf-wdm-exallocatepoolwithquota", Coverage::partial, quota),
      raising_routine<"ExAllocatePoolWithQuotaTag", kDispatchLevel, &allocate_with_quota_tag>(kModule, "nf-wdm-exallocatepoolwithquotatag", Coverage::partial, quota),
      raising_routine<"ExAllocatePool2", kDispatchLevel, &allocate2>(kModule, "nf-wdm-exallocatepool2", Coverage::partial, flags),
      raising_routine<"ExAllocatePool3", kDispatchLevel, &allocate3>(kModule, "nf-wdm-exallocatepool3", Coverage::partial, "secure pool is refused"),
      routine<"ExFreePool", kDispatchLevel, &release>(kModule, "nf-ntddk-exfreepool"),
      routine<"ExFreePoolWithTag", kDispatchLevel, &release_tagged>(kModule, "nf-wdm-exfreepoolwithtag"),
      routine<"ExFreePool2", kDispatchLevel, &release2>(kModule, "nf-wdm-exfreepool2", Coverage::partial, "secure pool is refused"),
  };
}

}  // namespace drydock::ddi
