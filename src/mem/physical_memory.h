#pragma once
// PhysicalMemory: all RAM that a driver, a client or a device touches, one memfd. Page numbers are *named*: a file page's
// PFN comes from a seeded table, so a buffer is one mapping yet physically as fragmented, as high or as low as the
// profile asks. The file is mapped four times, as views at fixed distances from each other:
//   user       what client processes (and "neither" drivers) see           readable, writable
//   system     what the kernel side sees; also drydock's own alias           readable, writable
//   forbidden  addresses a driver is given but must not touch                never accessible
//   lent       SRBs, extensions, lists: accessible while lent to the driver  switched page by page
// It does not know who owns a page; Pool, ports and clients do.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "mem/layout.h"

namespace drydock {

enum class PhysProfile : std::uint8_t {
  mixed,       ///< short runs, below and above 4 GiB
  low,         ///< short runs, everything below 4 GiB
  high,        ///< short runs, ordinary pages above 4 GiB
  contiguous,  ///< PFNs in file order
  literal,     ///< PFN = file page (external device models share the file)
};
std::optional<PhysProfile> phys_profile_named(std::string_view name);
std::string_view name_of(PhysProfile profile);

enum class View : std::uint8_t { user, system, forbidden, lent };

/// A run of file pages; also a run of addresses in every view. Physically contiguous only if a zone allocation.
struct PageRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint64_t bytes() const { return std::uint64_t{count} << kPageShift; }
};

/// What a contiguous allocation must obey. Addresses are inclusive limits.
struct ContiguousLimits {
  std::uint64_t lowest = 0;
  std::uint64_t highest = ~std::uint64_t{0};
  std::uint64_t alignment = kPageSize;  ///< power of two, at least a page
  std::uint64_t boundary = 0;           ///< power of two the run may not cross; 0: none
};

/// What the PFNs of an ordinary allocation must obey. Inclusive limits.
struct NameLimits {
  std::uint64_t lowest_pfn = 0;
  std::uint64_t highest_pfn = ~std::uint64_t{0};
  bool scattered = false;  ///< no page physically follows the one before it
};

class PhysicalMemory {
 public:
  struct Options {
    std::uint64_t size = 256u << 20;  ///< bytes; rounded up to pages; 16 MiB … 32 GiB
    PhysProfile profile = PhysProfile::mixed;
    std::uint64_t seed = 1;
  };
  static Result<std::unique_ptr<PhysicalMemory>> create(const Options& options);
  ~PhysicalMemory();
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;

  // --- allocation, in pages -------------------------------------------------------------------------------------
  /// Ordinary pages: consecutive in every view, physically as the profile names them.
  std::optional<PageRun> allocate(std::uint32_t pages);
  /// Physically consecutive pages.
  std::optional<PageRun> allocate_contiguous(std::uint32_t pages, const ContiguousLimits& limits);
  /// Ordinary pages, named anew where their PFNs are not as wanted. None too when the profile has no such names.
  std::optional<PageRun> allocate_named(std::uint32_t pages, const NameLimits& limits);
  void free(PageRun run);
  /// The next allocation looks at this freed run first: its pages are warm, and the host has given them already. By default
  /// freed pages rest as long as possible, so that a use after the end is seen.
  void reuse_next(PageRun run) {
    Zone& zone = zone_of(run.first);
    zone.next = run.first - zone.first;
  }
  std::uint32_t pages_free() const;
  /// Pages out on loan; 0 when nothing leaked.
  std::uint32_t pages_used() const { return used_; }

  // --- names ------------------------------------------------------------------------------------------------------
  std::uint64_t pfn(std::uint32_t page) const { return pfn_[page]; }
  /// Of this page and those behind it.
  const std::uint64_t* pfns(std::uint32_t page) const { return pfn_.data() + page; }
  /// How many pages from this one on have consecutive PFNs: exact up to the end of its zone, at most 1024 of the ordinary.
  std::uint32_t consecutive_pages(std::uint32_t page) const;
  /// The file page of a PFN; none when the PFN is not RAM.
  std::optional<std::uint32_t> page_of_pfn(std::uint64_t pfn) const {
    for (const Segment& s : segments_)
      if (pfn - s.first_pfn < s.pages.size()) return s.pages[pfn - s.first_pfn];
    return std::nullopt;
  }
  /// drydock's alias of a physical byte; nullptr when it is not RAM. Valid to the end of the page.
  std::byte* host(PhysicalAddress address) const {
    const auto page = page_of_pfn(address.page());
    return page ? system_ + (std::uint64_t{*page} << kPageShift) + address.offset_in_page() : nullptr;
  }
  std::uint64_t highest_pfn() const { return highest_pfn_; }

  // --- views ------------------------------------------------------------------------------------------------------
  std::uint64_t address(View view, std::uint32_t page) const {
    return slot_ + static_cast<std::uint64_t>(view) * kViewStride + (std::uint64_t{page} << kPageShift);
  }
  std::byte* system(std::uint32_t page) const { return system_ + (std::uint64_t{page} << kPageShift); }

  struct Place {
    View view;
    std::uint64_t offset;  ///< byte offset in the file, the same in every view
    std::uint32_t page() const { return static_cast<std::uint32_t>(offset >> kPageShift); }
  };
  /// Which view and byte an address means; none when it is not memory of this machine.
  std::optional<Place> find(std::uint64_t address) const {
    const std::uint64_t inside = address - slot_;
    if (inside >= 4 * kViewStride) return std::nullopt;
    const std::uint64_t offset = inside % kViewStride;
    if (offset >= size_) return std::nullopt;
    return Place{static_cast<View>(inside / kViewStride), offset};
  }
  /// Byte offset in the file of an address in any view; kNowhere when it is in none. For who asks all the time.
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  std::uint64_t offset_of(const void* address) const {
    const std::uint64_t inside = reinterpret_cast<std::uint64_t>(address) - slot_, offset = inside % kViewStride;
    return inside < 4 * kViewStride && offset < size_ ? offset : kNowhere;
  }
  bool in_system_view(const void* address) const { return reinterpret_cast<std::uint64_t>(address) - reinterpret_cast<std::uint64_t>(system_) < size_; }
  std::optional<Place> find(const void* address) const { return find(reinterpret_cast<std::uint64_t>(address)); }
  /// drydock's alias of an address in any view; nullptr when it is none.
  std::byte* alias(std::uint64_t address) const {
    const auto place = find(address);
    return place ? system_ + place->offset : nullptr;
  }
  template <class T>
  T* alias(T* pointer) const {
    return reinterpret_cast<T*>(alias(reinterpret_cast<std::uint64_t>(pointer)));
  }
  /// The same byte seen through another view. `pointer` must lie in memory.
  template <class T>
  T* in_view(View view, T* pointer) const {
    const std::uint64_t offset = (reinterpret_cast<std::uint64_t>(pointer) - slot_) % kViewStride;
    return reinterpret_cast<T*>(slot_ + static_cast<std::uint64_t>(view) * kViewStride + offset);
  }
  /// Physical address of a byte in any view.
  std::optional<PhysicalAddress> physical(std::uint64_t address) const {
    const auto place = find(address);
    if (!place) return std::nullopt;
    return PhysicalAddress{(pfn_[place->page()] << kPageShift) | (address & kPageMask)};
  }

  /// From now on nobody touches the user view directly but where it is opened: what lies there belongs to processes.
  void close_user_view();
  void open_user(PageRun run);
  bool user_open(std::uint32_t page) const { return !user_closed_ || user_open_[page]; }
  bool user_closed() const { return user_closed_; }

  /// Opens or closes pages of the lent view. One system call.
  void lend(PageRun run);
  void take_back(PageRun run);

  std::uint64_t size() const { return size_; }
  std::uint64_t slot() const { return slot_; }
  int file() const { return file_; }

 private:
  /// Consecutive PFNs from first_pfn on, and the file page behind each.
  struct Segment {
    std::uint64_t first_pfn;
    std::vector<std::uint32_t> pages;
  };
  /// Consecutive file pages; in a contiguous zone also consecutive PFNs.
  struct Zone {
    std::uint32_t first;
    std::uint32_t count;
    std::uint32_t next = 0;  ///< where the next search begins
    std::uint32_t free = 0;
  };

  PhysicalMemory() = default;
  Result<void> map();
  void lay_out_zones(PhysProfile profile);
  void name_pages(PhysProfile profile, std::uint64_t seed);
  void name_consecutively(std::uint32_t first, std::uint32_t count, std::uint64_t first_pfn);
  void name_shuffled(const Zone& zone, PhysProfile profile, std::uint64_t seed);
  std::optional<std::uint32_t> find_run(Zone& zone, std::uint32_t pages);
  std::optional<PageRun> take(Zone& zone, std::uint32_t first, std::uint32_t pages);
  Zone& zone_of(std::uint32_t page);
  bool name_anew(std::uint32_t page, const NameLimits& limits, std::uint32_t& candidate);
  std::uint32_t& page_named(std::uint64_t pfn);
  bool run_obeys(std::uint32_t first, std::uint32_t pages, const ContiguousLimits& limits) const;

  int file_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t slot_ = 0;
  std::byte* system_ = nullptr;
  std::uint64_t highest_pfn_ = 0;
  std::uint32_t used_ = 0;
  std::vector<std::uint64_t> pfn_;  ///< by file page
  std::vector<Segment> segments_;
  std::vector<Zone> zones_;         ///< [0] below 16 MiB, [1] below 4 GiB, [2] high, [3] ordinary
  std::vector<bool> taken_;         ///< by file page
  std::vector<bool> user_open_;     ///< by file page
  bool user_closed_ = false;
  bool names_are_fixed_ = false;    ///< literal: others share the file
};

}  // namespace drydock
