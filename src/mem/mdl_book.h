#pragma once
// MdlBook: what is known of MDLs beside what they say themselves: who allocated, locked, mapped one and where, which pages it
// has locked, how its fields were left. What an MDL says a driver can change; what is given back is what is in the book.
// It is the ledger of locked pages: who still holds which at the end of a request, of a process, of a driver.
//
// An operation either does what it is for or tells what was wrong and does nothing. What is wrong is told to the driver by
// who asks (ddi/).

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mem/address_space.h"
#include "mem/guarded_memory.h"
#include "mem/mdl_view.h"
#include "mem/system_mapping.h"
#include "trace/code_place.h"

namespace drydock {

/// Why an operation was not done.
enum class MdlFault : std::uint8_t {
  none,
  not_memory,          ///< part of the buffer is nothing, or not what the operation is for
  not_accessible,      ///< protected against it; for a driver an access violation
  other_process,       ///< the buffer is of a process that is not current
  locked_already,
  built_for_nonpaged,
  is_partial,
  not_locked,          ///< never, or not any more
  not_the_drivers,     ///< the I/O manager locked it for a request, and unlocks it at its end
  not_resident,        ///< neither locked nor built
  mapped_already,
  not_mapped,
  no_room,             ///< for another mapping
  outside_source,
  too_big_for_target,
  own_mapping_left,    ///< a partial MDL that was mapped is built again
  not_allocated_pages, ///< the pages are not of MmAllocatePagesForMdl
};

/// On whose behalf pages are locked.
enum class LockOwner : std::uint8_t { driver, io_manager, page_allocation };

struct MdlFacts {
  MDL* mdl = nullptr;         ///< drydock's alias
  bool allocated = false;     ///< by IoAllocateMdl
  std::size_t room = 0;       ///< bytes from the header to the end of the page numbers; 0: what the MDL says
  bool locked = false;
  bool for_write = false;
  LockOwner owner = LockOwner::driver;
  const void* irp = nullptr;  ///< as far as known
  std::uint16_t process = 0;  ///< whose pages; 0: the system's
  std::vector<std::uint32_t> pages;  ///< locked
  std::uint64_t mapping = 0;  ///< first page of the system mapping made for it; 0: none
  bool mapping_is_reserved = false;
  bool mapped_for_reading_only = false;  ///< because the pages are locked for that
  std::vector<std::uint64_t> made, locked_at, unlocked_at, mapped_at;  ///< stacks
  MDL left{};                 ///< the header as the last operation left it
  bool sealed = false;        ///< `left` is valid
  bool told = false;          ///< that it was left locked
};

struct LockRequest {
  bool for_write = false;
  bool of_user = false;                   ///< the buffer must be a user's
  const ProcessContext* current = nullptr;
  LockOwner owner = LockOwner::driver;
  const void* irp = nullptr;
  CodePlace place{};
  bool host_memory = false;               ///< the buffer lies in the driver's image or on a stack: no pages of the machine
};

struct MdlOutcome {
  MdlFault fault = MdlFault::none;
  std::uint64_t address = 0;  ///< the byte it is about, when it is about one
  explicit operator bool() const { return fault == MdlFault::none; }
};

struct MapRequest {
  bool writable = true;
  bool real = false;  ///< a mapping of its own although the system view shows the pages
  CodePlace place{};
};

class MdlBook {
 public:
  MdlBook(PhysicalMemory& memory, LockedPages& locked, SystemMappings& mappings, AddressSpaces& spaces)
      : memory_(memory), locked_(locked), mappings_(mappings), spaces_(spaces) {}
  ~MdlBook();
  MdlBook(const MdlBook&) = delete;
  MdlBook& operator=(const MdlBook&) = delete;

  /// Stacks are taken from now on; null: places only.
  void take_stacks_from(StackTaker* stacks) { stacks_ = stacks; }
  /// From now on MDLs get mappings of their own, with a closed page behind.
  void map_closely() { closely_ = careful_ = true; }
  bool maps_closely() const { return closely_; }
  /// From now on every mapping is looked at first: there are checks, or it may fail on purpose.
  void map_with_care() { careful_ = true; }
  /// Is a mapping no more than an address, where the system view shows the pages as they are wanted?
  bool maps_at_once() const { return !careful_; }
  /// From now on they get mappings of their own.
  void map_apart() { apart_ = careful_ = true; }

  // --- life -------------------------------------------------------------------------------------------------------
  void allocated(MDL* mdl, std::size_t room);
  /// Null: nothing is known of it.
  MdlFacts* find(const MDL* mdl);
  /// What is still held is given back.
  void forget(MDL* mdl);
  /// MDLs of the driver's own in memory that it has freed are none any more; what they have locked stays so.
  void memory_freed(const void* begin, std::uint64_t bytes);

  // --- operations -------------------------------------------------------------------------------------------------
  MdlOutcome lock(MDL* mdl, const LockRequest& request);
  /// As lock, page i of the MDL is at addresses[i].
  MdlOutcome lock_selected(MDL* mdl, std::span<const std::uint64_t> addresses, const LockRequest& request);
  /// `by`: the I/O manager may unlock anybody's.
  MdlOutcome unlock(MDL* mdl, LockOwner by, const CodePlace& place);
  MdlOutcome build_nonpaged(MDL* mdl, bool host_memory);
  MdlOutcome build_partial(MDL* source, MDL* target, std::uint64_t address, std::uint32_t length);
  /// Into system space; address of the first byte at `*address`.
  MdlOutcome map(MDL* mdl, const MapRequest& request, std::uint64_t* address);
  MdlOutcome unmap(MDL* mdl);
  MdlOutcome map_reserved(MDL* mdl, std::uint64_t reserved, const CodePlace& place);
  /// DOC: MDL-42
  MdlOutcome advance(MDL* mdl, std::uint32_t bytes);
  /// An MDL without address over pages taken from memory. DOC: MDL-44
  void adopt_pages(MDL* mdl, std::vector<std::uint32_t> pages, const CodePlace& place);
  MdlOutcome free_pages(MDL* mdl);

  // --- questions ---------------------------------------------------------------------------------------------------
  /// Which field of the header was changed since the last operation; null: none. DOC: MDL-49
  const char* mangled(const MDL* mdl) const;
  /// After an operation outside the book.
  void seal(MDL* mdl);
  /// Locks that are held, in order of address, of one process (0: of the system) or, without, of all.
  std::vector<MdlFacts*> held(std::optional<std::uint16_t> process = std::nullopt);
  /// The MDL whose mapping holds, or held last, an address of the arena.
  const MdlFacts* mapped_at(std::uint64_t address) const;

 private:
  MdlFacts& of(MDL* mdl);
  std::vector<std::uint64_t> stack(const CodePlace& place) const;
  MdlFault state_forbids_lock(MDL* mdl);
  MdlOutcome pages_of(std::uint64_t address, std::uint64_t bytes, const LockRequest& request, std::vector<std::uint32_t>& pages) const;
  MdlOutcome system_pages(std::uint64_t address, std::uint64_t bytes, std::vector<std::uint32_t>& pages) const;
  void hold(MdlFacts& facts, std::vector<std::uint32_t> pages, const LockRequest& request);
  void let_go(MdlFacts& facts);
  void end_mapping(MdlFacts* facts, MDL* mdl);
  std::uint64_t* pfns(MDL* mdl) const { return reinterpret_cast<std::uint64_t*>(mdl + 1); }
  void set(MDL* mdl, int flags) { mdl->MdlFlags = static_cast<CSHORT>(mdl->MdlFlags | flags); }
  void clear(MDL* mdl, int flags) { mdl->MdlFlags = static_cast<CSHORT>(mdl->MdlFlags & ~flags); }

  PhysicalMemory& memory_;
  LockedPages& locked_;
  SystemMappings& mappings_;
  AddressSpaces& spaces_;
  StackTaker* stacks_ = nullptr;
  bool closely_ = false, apart_ = false, careful_ = false;
  std::map<const MDL*, MdlFacts> facts_;
  std::vector<MdlFacts> orphans_;  ///< locked by MDLs whose memory is gone
};

}  // namespace drydock
