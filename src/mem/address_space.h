#pragma once
// AddressSpaces: the memory of client processes. A process has pages in the user view, each at the address of its own file
// page, so that no address of one process ever means anything in another. The user view is closed to driver code from the
// first process on: every touch traps, is judged here, and is completed through the system view; drydock's own code goes
// there in the first place. A page that a process gives up while somebody has it locked stays as it is until the last lock
// goes (MDL-20). Pages of others can be mapped into a process, too (MmMapLockedPagesSpecifyCache for user mode); their
// addresses lie behind the view of the file. It does not know drivers: who breaks which rule by a touch is decided by who asks.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "mem/fetch_watch.h"
#include "mem/given_ranges.h"
#include "mem/locked_pages.h"
#include "mem/page_access.h"
#include "mem/physical_memory.h"
#include "sched/irql.h"
#include "sched/process_context.h"

namespace drydock {

/// How the pages of a buffer lie physically.
enum class PhysicalRuns : std::uint8_t {
  as_it_comes,
  contiguous,
  scattered,  ///< no page follows the one before it
};
enum class PhysicalPlace : std::uint8_t { anywhere, below_4g, above_4g };

struct BufferLayout {
  std::uint32_t offset = 0;  ///< of the first byte in its page, 0 … 4095
  PhysicalRuns runs = PhysicalRuns::as_it_comes;
  PhysicalPlace place = PhysicalPlace::anywhere;
  bool guarded = false;  ///< a page before and one behind that nobody may touch
  PageAccess access = PageAccess::read_write;
};

class AddressSpaces;

/// One process. Ending it (the destructor) gives its memory back, but for what is locked.
class AddressSpace final : public ProcessContext {
 public:
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  /// Zeroed memory; the address of its first byte.
  Result<std::uint64_t> allocate(std::uint64_t bytes, const BufferLayout& layout = {});
  /// `address` is what allocate() returned.
  Result<void> free(std::uint64_t address);
  /// Whole pages around [address, +bytes), which must be the process's and, to be protected, not unmapped. At any time.
  Result<void> protect(std::uint64_t address, std::uint64_t bytes, PageAccess access);
  Result<void> unmap(std::uint64_t address, std::uint64_t bytes);
  /// Unmapped pages become accessible again, zeroed. Refused while a page is locked: it is still what it was.
  Result<void> remap(std::uint64_t address, std::uint64_t bytes);

  /// What the process itself does with its memory; a refusal names the page that it may not touch so.
  Result<void> read(std::uint64_t address, std::span<std::byte> to) const;
  Result<void> write(std::uint64_t address, std::span<const std::byte> from);

  /// Its pages that somebody has locked.
  std::uint32_t pages_locked() const;
  /// What its requests gave to drivers; kept by who makes them.
  GivenRanges given;

 private:
  friend class AddressSpaces;
  struct Allocation {
    PageRun pages;  ///< with the guards
    std::uint64_t address;
  };
  explicit AddressSpace(AddressSpaces& owner) : owner_(owner) {}
  Result<PageRun> own_pages(std::uint64_t address, std::uint64_t bytes) const;
  void end_of(const Allocation& allocation);

  AddressSpaces& owner_;
  std::map<std::uint32_t, Allocation> allocations_;  ///< by first page
};

/// An access to judge: by an instruction, or by a routine on the driver's behalf.
struct UserTouch {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  bool write = false;
  const ProcessContext* current = nullptr;  ///< whose context the code runs in
  Irql irql = kPassiveLevel;
};

enum class TouchVerdict : std::uint8_t {
  ok,              ///< or no memory of processes at all
  not_accessible,  ///< no memory, or protected against it
  other_process,   ///< accessible, but not in this context
  not_locked,      ///< all right below DISPATCH_LEVEL; here the page might be absent
};

struct TouchJudgement {
  TouchVerdict verdict = TouchVerdict::ok;
  const AddressSpace* owner = nullptr;  ///< whose page it is; null: no process's
  std::uint64_t address = 0;            ///< the first byte the verdict is about
  PageAccess access = PageAccess::none; ///< of that page
  unsigned locks = 0;                   ///< on that page
};

class AddressSpaces {
 public:
  static constexpr unsigned kProcessesMax = 4096;

  AddressSpaces(PhysicalMemory& memory, LockedPages& locked);
  ~AddressSpaces();
  AddressSpaces(const AddressSpaces&) = delete;
  AddressSpaces& operator=(const AddressSpaces&) = delete;

  Result<std::unique_ptr<AddressSpace>> create(std::string name);

  /// Is the user view closed, so that touches of it are to be judged?
  bool in_use() const { return memory_.user_closed(); }
  /// Is it an address of user space, whatever is there?
  bool is_user(std::uint64_t address) const { return address - user_base() < kViewStride; }
  /// The process of a page; null when it is nobody's.
  const AddressSpace* owner(std::uint32_t page) const { return by_id_[pages_[page].space]; }
  const AddressSpace* owner_at(std::uint64_t address) const;
  PageAccess access(std::uint32_t page) const { return pages_[page].access; }
  /// The file page at an address of user space, accessible or not.
  std::optional<std::uint32_t> page_at(std::uint64_t address) const;
  /// drydock's alias of a range of user space, whoever may touch it; null when its pages are none, or not consecutive.
  std::byte* alias(std::uint64_t address, std::uint64_t bytes) const;

  /// Maps pages into a process; none: no room. They stay where they are when the mapping ends. DOC: MDL-33
  std::optional<std::uint64_t> map(const AddressSpace& space, std::span<const std::uint32_t> pages, PageAccess access);
  struct Mapped {
    const AddressSpace* space;  ///< null: it has ended
    std::uint64_t address;      ///< of the first page
    std::vector<std::uint32_t> pages;
  };
  /// The mapping that begins on the page of `address`.
  std::optional<Mapped> mapping_at(std::uint64_t address) const;
  void unmap(std::uint64_t address);
  bool maps_any() const { return !user_mappings_.empty(); }
  /// Some mapping that shows this file page.
  std::optional<Mapped> mapping_of(std::uint32_t page) const;

  /// A page that nobody needs any more once its last lock is gone.
  void free_when_unlocked(std::uint32_t page);
  /// Touches of memory that is not in the user view are ok. DOC: BUF-62 BUF-67
  TouchJudgement judge(const UserTouch& touch) const;

  /// From now on requests are watched for bytes that are read twice. `stacks` outlives this.
  void watch_fetches(StackTaker& stacks) { fetches_ = std::make_unique<FetchWatch>(memory_, stacks); }
  /// Null: nobody watches.
  FetchWatch* fetches() { return fetches_.get(); }

  PhysicalMemory& memory() { return memory_; }
  const LockedPages& locked() const { return locked_; }

 private:
  friend class AddressSpace;
  struct UserPage {
    std::uint16_t space = 0;
    PageAccess access = PageAccess::none;
    bool mapped = false;
  };
  /// One page of user space, as a touch sees it.
  struct Seen {
    std::uint16_t space = 0;
    PageAccess access = PageAccess::none;
    bool mapped = false;
    std::optional<std::uint32_t> page;
  };
  struct UserMapping {
    std::uint16_t space;
    PageAccess access;
    std::vector<std::uint32_t> pages;
  };
  std::uint64_t user_base() const { return memory_.address(View::user, 0); }
  Seen look(std::uint64_t address) const;
  const std::pair<const std::uint64_t, UserMapping>* find_mapping(std::uint64_t address) const;
  Mapped mapped(const std::pair<const std::uint64_t, UserMapping>& mapping) const;
  /// act(drydock's alias, bytes before it, bytes of it) for each page of a range that has pages.
  template <class Act>
  void each_page(std::uint64_t address, std::uint64_t bytes, Act act) const {
    for (std::uint64_t done = 0; done < bytes;) {
      const std::uint64_t count = std::min(bytes - done, kPageSize - ((address + done) & kPageMask));
      act(alias(address + done, count), done, count);
      done += count;
    }
  }
  Result<PageRun> take(std::uint32_t pages, const BufferLayout& layout);
  void give_back(PageRun run);
  /// Pages given up while they were locked, and not any more.
  void sweep();

  PhysicalMemory& memory_;
  LockedPages& locked_;
  std::vector<UserPage> pages_;              ///< by file page
  std::vector<AddressSpace*> by_id_;         ///< [0] null
  std::unique_ptr<FetchWatch> fetches_;
  std::vector<std::uint32_t> lingering_;     ///< pages given up while locked
  std::map<std::uint64_t, UserMapping> user_mappings_;  ///< by address of the first page
  std::uint64_t next_mapping_ = 0;                      ///< offset in user space
};

}  // namespace drydock
