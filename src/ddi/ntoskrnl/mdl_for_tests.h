#pragma once
// The routines about MDLs as a driver calls them, on a kernel without a machine, with one client process that is current.

#include "ddi/rig_for_tests.h"
#include "mem/mdl_view.h"

namespace drydock::ddi {

struct MdlRoutines {
  template <class F>
  static F named(const char* name) { return export_named<F>("ntoskrnl.exe", name); }

  MDL*(MSABI* allocate)(void*, ULONG, BOOLEAN, BOOLEAN, IRP*) = named<decltype(allocate)>("IoAllocateMdl");
  void(MSABI* free)(MDL*) = named<decltype(free)>("IoFreeMdl");
  SIZE_T(MSABI* size_of)(void*, SIZE_T) = named<decltype(size_of)>("MmSizeOfMdl");
  void(MSABI* build)(MDL*) = named<decltype(build)>("MmBuildMdlForNonPagedPool");
  void(MSABI* partial)(MDL*, MDL*, void*, ULONG) = named<decltype(partial)>("IoBuildPartialMdl");
  NTSTATUS(MSABI* advance)(MDL*, ULONG) = named<decltype(advance)>("MmAdvanceMdl");
  void(MSABI* lock)(MDL*, UCHAR, ULONG) = named<decltype(lock)>("MmProbeAndLockPages");
  void(MSABI* lock_selected)(MDL*, FILE_SEGMENT_ELEMENT*, UCHAR, ULONG) = named<decltype(lock_selected)>("MmProbeAndLockSelectedPages");
  void(MSABI* unlock)(MDL*) = named<decltype(unlock)>("MmUnlockPages");
  void*(MSABI* map)(MDL*, UCHAR, ULONG, void*, ULONG, ULONG) = named<decltype(map)>("MmMapLockedPagesSpecifyCache");
  void*(MSABI* map_obsolete)(MDL*, UCHAR) = named<decltype(map_obsolete)>("MmMapLockedPages");
  void(MSABI* unmap)(void*, MDL*) = named<decltype(unmap)>("MmUnmapLockedPages");
  NTSTATUS(MSABI* protect)(MDL*, ULONG) = named<decltype(protect)>("MmProtectMdlSystemAddress");
  void*(MSABI* reserve)(SIZE_T, ULONG) = named<decltype(reserve)>("MmAllocateMappingAddress");
  void(MSABI* release)(void*, ULONG) = named<decltype(release)>("MmFreeMappingAddress");
  void*(MSABI* map_reserved)(void*, ULONG, MDL*, ULONG) = named<decltype(map_reserved)>("MmMapLockedPagesWithReservedMapping");
  void(MSABI* unmap_reserved)(void*, ULONG, MDL*) = named<decltype(unmap_reserved)>("MmUnmapReservedMapping");
  MDL*(MSABI* allocate_pages)(PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, SIZE_T, ULONG, ULONG) = named<decltype(allocate_pages)>("MmAllocatePagesForMdlEx");
  void(MSABI* free_pages)(MDL*) = named<decltype(free_pages)>("MmFreePagesFromMdl");
  void(MSABI* free_pool)(void*) = named<decltype(free_pool)>("ExFreePool");

  /// MmGetSystemAddressForMdlSafe, as the header has it.
  void* system_address(MDL* mdl) const {
    if (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) return mdl->MappedSystemVa;
    return map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority | MdlMappingNoExecute);
  }
};

struct MdlRoutinesTest : testing::Test {
  KernelForTests kernel;
  MdlRoutines mm;
  std::unique_ptr<AddressSpace> client = std::move(*kernel.spaces().create("client"));

  /// In the context of the client.
  void run(std::function<void()> body) {
    kernel.run([&, body = std::move(body)] {
      kernel.scheduler().thread()->process = client.get();
      body();
    });
  }
  void* user(std::uint64_t bytes, const BufferLayout& layout = {}) { return reinterpret_cast<void*>(*client->allocate(bytes, layout)); }
  bool found(std::string_view rule) const {
    return std::any_of(kernel.findings.begin(), kernel.findings.end(), [&](const std::string& f) { return f.starts_with(std::string(rule) + ":"); });
  }
  std::uint32_t held() const { return const_cast<KernelForTests&>(kernel).spaces().locked().held(); }
};

}  // namespace drydock::ddi
