// ntoskrnl.exe: pages without an address, allocated and freed with the MDL that describes them.

#include <algorithm>
#include <bit>
#include <cstring>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/mdl_support.h"
#include "ddi/pool.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr std::uint64_t kBytesMax = (std::uint64_t{1} << 32) - kPageSize;
constexpr ULONG kUnsatisfiable = MM_ALLOCATE_FAST_LARGE_PAGES;  // ASSUMED: there is no cache of large pages (mdl_pages_test.cpp)

/// Physical addresses pages may have, both inclusive.
struct Range {
  std::uint64_t low, high;
};

class PageTaker {
 public:
  PageTaker(PhysicalMemory& memory, std::uint64_t wanted) : memory_(memory), wanted_(wanted) {}

  std::vector<std::uint32_t>& pages() { return pages_; }
  bool complete() const { return pages_.size() >= wanted_; }

  /// As many as there are, in ever shorter runs.
  void take_from(const Range& range) {
    for (std::uint64_t run = wanted_ - pages_.size(); run != 0 && !complete();) {
      run = std::min(run, wanted_ - pages_.size());
      if (const auto got = any_pages(static_cast<std::uint32_t>(run), range)) add(*got);
      else run /= 2;
    }
  }
  /// Blocks of so many pages, each contiguous and aligned to `alignment`.
  void take_blocks(std::uint64_t block, const Range& range, std::uint64_t alignment) {
    while (!complete()) {
      const auto got = memory_.allocate_contiguous(static_cast<std::uint32_t>(block), {range.low, range.high, alignment, 0});
      if (!got) return;
      add(*got);
    }
  }
  void give_back() {
    for (const std::uint32_t page : pages_) memory_.free({page, 1});
    pages_.clear();
  }

 private:
  std::optional<PageRun> any_pages(std::uint32_t run, const Range& range) {
    if (range.low == 0 && range.high >> kPageShift >= memory_.highest_pfn()) return memory_.allocate(run);
    const std::uint64_t first = (range.low + kPageMask) >> kPageShift, last = ((range.high + 1) >> kPageShift) - 1;
    if (const auto named = memory_.allocate_named(run, {first, last, false})) return named;
    return memory_.allocate_contiguous(run, {range.low, range.high, kPageSize, 0});
  }
  void add(PageRun run) {
    for (std::uint32_t i = 0; i < run.count; ++i) pages_.push_back(run.first + i);
  }

  PhysicalMemory& memory_;
  std::uint64_t wanted_;
  std::vector<std::uint32_t> pages_;
};

// DOC: MDL-45
void take_contiguous(PageTaker& taker, std::uint64_t pages, const Range& range, std::uint64_t skip) {
  if (skip == 0) return taker.take_blocks(pages, range, kPageSize);
  if (std::has_single_bit(skip) && skip >= kPageSize && (pages << kPageShift) % skip == 0) taker.take_blocks(skip >> kPageShift, range, skip);
}

// DOC: MDL-44 range after range until there is enough.
void take_scattered(Call& call, PageTaker& taker, Range range, std::uint64_t skip) {
  const std::uint64_t end = (call.memory().highest_pfn() + 1) << kPageShift;
  taker.take_from(range);
  while (!taker.complete() && skip != 0 && skip % kPageSize == 0 && range.low < end - std::min(end, skip)) {
    range = {range.low + skip, std::min(range.high, ~std::uint64_t{0} - skip) + skip};
    taker.take_from(range);
  }
}

void fill_pages(Call& call, const std::vector<std::uint32_t>& pages, ULONG flags) {
  const int fill = !(flags & MM_DONT_ZERO_ALLOCATION) ? 0 : static_cast<int>(Pool::kFresh);
  if (fill != 0 && !call.services().checking()) return;
  for (const std::uint32_t page : pages) std::memset(call.memory().system(page), fill, kPageSize);
}

/// The storage has room for as many pages as were wanted.
void describe_pages(Call& call, MDL* mdl, PageTaker& taker) {
  MDL* host = call.memory().alias(mdl);
  MdlView::format(host, 0, static_cast<std::uint32_t>(taker.pages().size() << kPageShift));
  call.kernel().mdls().adopt_pages(host, taker.pages(), call.place());
}

MDL* allocate_pages_ex(Call& call, PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS skip, SIZE_T bytes, ULONG, ULONG flags) {
  if (bytes == 0 || bytes > kBytesMax || flags & kUnsatisfiable) return nullptr;
  if (flags & MM_ALLOCATE_AND_HOT_REMOVE && flags & MM_ALLOCATE_FULLY_REQUIRED) return nullptr;
  const std::uint64_t pages = (bytes + kPageMask) >> kPageShift, step = static_cast<std::uint64_t>(skip.QuadPart);
  const Range range{static_cast<std::uint64_t>(low.QuadPart), static_cast<std::uint64_t>(high.QuadPart)};
  if (range.low > range.high) return nullptr;
  const std::uint64_t wanted = std::min(pages, call.memory().size() >> kPageShift);
  auto* mdl = static_cast<MDL*>(pool_allocate(call, MdlView::size_of(0, wanted << kPageShift), kMdlTag));
  if (mdl == nullptr) return nullptr;
  PageTaker taker(call.memory(), wanted);
  const bool contiguous = flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS;
  if (contiguous && (step != 0 || pages <= call.memory().pages_free())) take_contiguous(taker, pages, range, step);
  if (!contiguous) take_scattered(call, taker, range, step);
  if (taker.pages().size() < pages && flags & MM_ALLOCATE_FULLY_REQUIRED) taker.give_back();
  if (taker.pages().empty()) {
    pool_free(call, mdl);
    return nullptr;
  }
  fill_pages(call, taker.pages(), flags);
  describe_pages(call, mdl, taker);
  return mdl;
}

MDL* allocate_pages(Call& call, PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS skip, SIZE_T bytes) {
  return allocate_pages_ex(call, low, high, skip, bytes, MmCached, 0);
}

// DOC: MDL-30 MDL-36 MDL-44
void free_pages(Call& call, MDL* mdl) {
  MDL* host = sound_mdl(call, mdl);
  if (host == nullptr) return;
  MdlBook& book = call.kernel().mdls();
  const MdlFacts* facts = book.find(host);
  if (facts != nullptr && call.kernel().spaces().in_use())
    for (const std::uint32_t page : facts->pages)
      if (call.kernel().spaces().mapping_of(page)) {
        call.broken("MDL-36", "", "MmFreePagesFromMdl: the pages are still mapped into a process");
        break;
      }
  if (!book.free_pages(host)) call.broken("MDL-44", "", "MmFreePagesFromMdl: the MDL is not one of MmAllocatePagesForMdlEx, or its pages were freed before");
}

}  // namespace

std::vector<Row> mdl_pages_rows() {
  return {
      routine<"MmAllocatePagesForMdl", kDispatchLevel, &allocate_pages>(kModule, "nf-wdm-mmallocatepagesformdl"),
      routine<"MmAllocatePagesForMdlEx", kDispatchLevel, &allocate_pages_ex>(kModule, "nf-wdm-mmallocatepagesformdlex"),
      routine<"MmFreePagesFromMdl", kDispatchLevel, &free_pages>(kModule, "nf-wdm-mmfreepagesfrommdl"),
  };
}

}  // namespace drydock::ddi
