#pragma once
// MdlView: a view over the WDK's MDL, which is the only storage of what it says. An MDL lives through these states:
//   formatted    describes addresses; the PFN array is not yet filled                                    (MDL-06, MDL-07)
//   locked       MDL_PAGES_LOCKED: PFNs filled, one lock for each page                                   (MDL-13)
//   nonpaged     MDL_SOURCE_IS_NONPAGED_POOL: PFNs filled, no lock, its system address is its own        (MDL-23, MDL-26)
//   partial      MDL_PARTIAL: PFNs taken from another MDL, no lock of its own                            (MDL-38)
// and may besides be mapped (MDL_MAPPED_TO_SYSTEM_VA). A buffer whose pages are consecutive in the file is "mapped" by
// naming its alias in the system view; only spliced lists need a real mapping. Which transitions a driver may ask for is
// the business of its callers (ddi/, verifier/); here they are preconditions.

#include <cstdint>
#include <span>

#include "abi/wdk.h"
#include "mem/locked_pages.h"
#include "mem/physical_memory.h"
#include "mem/system_mapping.h"

namespace drydock {

class MdlView {
 public:
  MdlView() = default;
  explicit MdlView(MDL* mdl) : mdl_(mdl) {}
  explicit operator bool() const { return mdl_ != nullptr; }
  MDL* raw() const { return mdl_; }

  // --- what it says -----------------------------------------------------------------------------------------------
  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(mdl_->StartVa) + mdl_->ByteOffset; }
  std::uint32_t length() const { return mdl_->ByteCount; }
  std::uint32_t offset() const { return mdl_->ByteOffset; }
  std::uint32_t pages() const { return static_cast<std::uint32_t>(pages_spanned(mdl_->ByteOffset, mdl_->ByteCount)); }
  const std::uint64_t* pfns() const { return reinterpret_cast<const std::uint64_t*>(mdl_ + 1); }  // DOC: MDL-02
  std::span<const std::uint64_t> pfn_span() const { return {pfns(), pages()}; }
  MdlView next() const { return MdlView(mdl_->Next); }
  bool has(int flag) const { return (mdl_->MdlFlags & flag) != 0; }
  /// Are the PFNs filled?
  bool resident() const { return has(MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL); }
  bool mapped() const { return has(MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL); }
  /// Bytes of this MDL and all behind it. DOC: MDL-10
  std::uint64_t chain_length() const {
    std::uint64_t sum = 0;
    for (MdlView at = *this; at; at = at.next()) sum += at.length();
    return sum;
  }

  // --- building ---------------------------------------------------------------------------------------------------
  /// Storage for an MDL of this buffer, in bytes. DOC: MDL-04
  static std::size_t size_of(std::uint64_t address, std::uint64_t length) {
    return sizeof(MDL) + pages_spanned(address, length) * sizeof(std::uint64_t);
  }
  /// Writes the header into storage of at least size_of() bytes.
  static MdlView format(void* storage, std::uint64_t address, std::uint32_t length);

  /// Fills the PFNs and locks the pages, all or none. False: some part is not memory (a driver sees an access violation).
  /// `for_write`: IoWriteAccess or IoModifyAccess. DOC: MDL-13 MDL-15 MDL-18
  [[nodiscard]] bool lock(const PhysicalMemory& memory, LockedPages& locked, bool for_write, const SystemMappings* mappings = nullptr);
  /// Drops a mapping, then the locks. DOC: MDL-21
  void unlock(const PhysicalMemory& memory, LockedPages& locked, SystemMappings& mappings);
  /// For memory that cannot be paged out. False: some part is not memory. DOC: MDL-23
  [[nodiscard]] bool build_nonpaged(const PhysicalMemory& memory, const SystemMappings* mappings = nullptr);
  /// This (formatted) MDL now describes [address, address + length) of `source`; length 0: to its end. False: the range is
  /// not inside, or this one has no room for its pages (`room` bytes with the header; 0: what its Size says). DOC: MDL-38 MDL-39 MDL-40
  [[nodiscard]] bool build_partial(MdlView source, std::uint64_t address, std::uint32_t length, std::size_t room = 0);

  // --- system address ---------------------------------------------------------------------------------------------
  /// The address of the first byte in system space; the same one on every call; 0 when it cannot be mapped. DOC: MDL-27
  std::uint64_t system_address(const PhysicalMemory& memory, SystemMappings& mappings);
  /// Ends a mapping made by system_address(); of a partial MDL only one it made itself. DOC: MDL-30 MDL-41
  void unmap(SystemMappings& mappings);

  /// consecutive_pages() for the plain case alone, at once: an MDL over one of the views whose PFNs are as they were filled.
  /// Its offset in the file; kNowhere when it is not so plain.
  std::uint64_t run_in_view(const PhysicalMemory& memory) const {
    const std::uint64_t offset = memory.offset_of(mdl_->StartVa), count = pages();
    if (offset == PhysicalMemory::kNowhere || count == 0 || count > (memory.size() - offset) >> kPageShift) return PhysicalMemory::kNowhere;
    const std::uint64_t* names = memory.pfns(static_cast<std::uint32_t>(offset >> kPageShift));
    return pfns()[0] == names[0] && pfns()[count - 1] == names[count - 1] ? offset : PhysicalMemory::kNowhere;
  }
  /// The mapping is the system view's of that run.
  std::uint64_t map_in_view(const PhysicalMemory& memory, std::uint64_t offset) {
    const std::uint64_t address = memory.address(View::system, 0) + offset + mdl_->ByteOffset;
    mdl_->MappedSystemVa = reinterpret_cast<PVOID>(address);
    set(MDL_MAPPED_TO_SYSTEM_VA | (has(MDL_PARTIAL) ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0));
    return address;
  }
  /// The file page of the first byte when the pages are consecutive in the file.
  std::optional<std::uint32_t> consecutive_pages(const PhysicalMemory& memory) const;

 private:
  std::optional<std::uint32_t> run_of_addresses(const PhysicalMemory& memory) const;
  template <class Act>
  void each_page(const PhysicalMemory& memory, Act act) const;
  bool fill(const PhysicalMemory& memory, const SystemMappings* mappings);
  std::uint64_t* own_pfns() { return reinterpret_cast<std::uint64_t*>(mdl_ + 1); }
  void set(int flags) { mdl_->MdlFlags = static_cast<CSHORT>(mdl_->MdlFlags | flags); }
  void clear(int flags) { mdl_->MdlFlags = static_cast<CSHORT>(mdl_->MdlFlags & ~flags); }

  MDL* mdl_ = nullptr;
};

}  // namespace drydock
