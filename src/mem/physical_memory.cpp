#include "mem/physical_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/memcheck.h"
#include "base/check.h"
#include "base/seeded.h"

namespace drydock {

namespace {

constexpr std::uint64_t kMemoryMin = 16u << 20;
constexpr std::uint64_t kPfn16M = 0x1000;
constexpr std::uint64_t kPfnLowOrdinary = 0x2'0000;  // 512 MiB: ordinary low pages, above the below-4-GiB zone
constexpr std::uint64_t kPfn4G = 0x10'0000;
constexpr std::uint64_t kPfnHighOrdinary = 0x20'0000;  // 8 GiB
constexpr std::uint64_t kPfnIsaZone = 0x100;           // 1 MiB
constexpr std::uint32_t kLongestRun = 8;

constexpr std::array<std::pair<std::string_view, PhysProfile>, 5> kProfiles{{
    {"mixed", PhysProfile::mixed},
    {"low", PhysProfile::low},
    {"high", PhysProfile::high},
    {"contiguous", PhysProfile::contiguous},
    {"literal", PhysProfile::literal},
}};

}  // namespace

std::optional<PhysProfile> phys_profile_named(std::string_view name) {
  for (const auto& [text, profile] : kProfiles)
    if (text == name) return profile;
  return std::nullopt;
}

std::string_view name_of(PhysProfile profile) {
  return kProfiles[static_cast<std::size_t>(profile)].first;
}

Result<std::unique_ptr<PhysicalMemory>> PhysicalMemory::create(const Options& options) {
  if (options.size < kMemoryMin || options.size > kMemoryMax)
    return refuse("memory of {} MiB: it must be from 16 MiB to 32 GiB", options.size >> 20);
  auto memory = std::unique_ptr<PhysicalMemory>(new PhysicalMemory);
  memory->size_ = (options.size + kPageMask) & ~kPageMask;
  TRY_VOID(memory->map());
  memory->user_open_.resize(memory->size_ >> kPageShift);
  memory->names_are_fixed_ = options.profile == PhysProfile::literal;
  memory->lay_out_zones(options.profile);
  memory->name_pages(options.profile, options.seed);
  return memory;
}

PhysicalMemory::~PhysicalMemory() {
  if (slot_ != 0) munmap(reinterpret_cast<void*>(slot_), kSlotStride);
  if (file_ >= 0) close(file_);
}

// One reservation for the whole slot decides who owns it; the views are then mapped over it.
Result<void> PhysicalMemory::map() {
  file_ = memfd_create("drydock-memory", MFD_CLOEXEC);
  if (file_ < 0) return refuse("cannot create the machine's memory: {}", std::strerror(errno));
  if (ftruncate(file_, static_cast<off_t>(size_)) != 0)
    return refuse("cannot give the machine {} MiB of memory: {}", size_ >> 20, std::strerror(errno));
  for (unsigned i = 0; i < kSlots && slot_ == 0; ++i) {
    const std::uint64_t base = kSlotBase + i * kSlotStride;
    void* got = mmap(reinterpret_cast<void*>(base), kSlotStride, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == reinterpret_cast<void*>(base)) slot_ = base;
    else if (got != MAP_FAILED) munmap(got, kSlotStride);
  }
  if (slot_ != 0) munmap(reinterpret_cast<void*>(slot_ + kImageArena), kArenaSize);  // images are mapped where nothing is
  if (slot_ == 0) return refuse("no room for another machine in this process (at most {})", kSlots);
  const auto map_view = [&](View view, int protection) {
    void* at = reinterpret_cast<void*>(address(view, 0));
    return mmap(at, size_, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file_, 0) == at;
  };
  if (!map_view(View::user, PROT_READ | PROT_WRITE) || !map_view(View::system, PROT_READ | PROT_WRITE) ||
      !map_view(View::lent, PROT_READ | PROT_WRITE))
    return refuse("cannot map the machine's memory: {}", std::strerror(errno));
  system_ = reinterpret_cast<std::byte*>(address(View::system, 0));
  memcheck::traps_on_purpose(address(View::forbidden, 0), size_);
  return {};
}

void PhysicalMemory::lay_out_zones(PhysProfile profile) {
  const auto total = static_cast<std::uint32_t>(size_ >> kPageShift);
  const std::uint32_t isa = std::min<std::uint32_t>(total / 16, (kPfn16M - kPfnIsaZone));
  const std::uint32_t below_4g =
      std::min<std::uint32_t>(total / 4, static_cast<std::uint32_t>(kPfnLowOrdinary - kPfn16M));
  const std::uint32_t high = profile == PhysProfile::low ? 0 : total / 8;
  const auto add = [&](std::uint32_t count) {
    const std::uint32_t first = zones_.empty() ? 0 : zones_.back().first + zones_.back().count;
    zones_.push_back({first, count, 0, count});
  };
  add(isa);
  add(below_4g);
  add(high);
  add(total - isa - below_4g - high);
  taken_.assign(total, false);
  pfn_.resize(total);
}

void PhysicalMemory::name_consecutively(std::uint32_t first, std::uint32_t count, std::uint64_t first_pfn) {
  if (count == 0) return;
  Segment segment{first_pfn, std::vector<std::uint32_t>(count)};
  for (std::uint32_t i = 0; i < count; ++i) {
    pfn_[first + i] = first_pfn + i;
    segment.pages[i] = first + i;
  }
  highest_pfn_ = std::max(highest_pfn_, first_pfn + count - 1);
  segments_.push_back(std::move(segment));
}

void PhysicalMemory::name_pages(PhysProfile profile, std::uint64_t seed) {
  if (profile == PhysProfile::literal)
    return name_consecutively(0, static_cast<std::uint32_t>(pfn_.size()), 0);
  name_consecutively(zones_[0].first, zones_[0].count, kPfnIsaZone);
  name_consecutively(zones_[1].first, zones_[1].count, kPfn16M);
  name_consecutively(zones_[2].first, zones_[2].count, kPfn4G);
  if (profile == PhysProfile::contiguous)
    name_consecutively(zones_[3].first, zones_[3].count, kPfnHighOrdinary);
  else
    name_shuffled(zones_[3], profile, seed);
}

// Every zone but the last, the ordinary pages, is named consecutively: no need to look at a page.
std::uint32_t PhysicalMemory::consecutive_pages(std::uint32_t page) const {
  const Zone& ordinary = zones_.back();
  for (const Zone& zone : zones_)
    if (&zone != &ordinary && page - zone.first < zone.count) return zone.first + zone.count - page;
  constexpr std::uint32_t kLookedAtMax = 1024;
  const std::uint32_t most = std::min(kLookedAtMax, ordinary.first + ordinary.count - page);
  std::uint32_t pages = 1;
  while (pages < most && pfn_[page + pages] == pfn_[page] + pages) ++pages;
  return pages;
}

// Ordinary pages are cut into runs of 1 to 8; the runs are shuffled and dealt to the low or the high range. So neighbours
// are sometimes physically contiguous and mostly not, like memory of a machine that has run for a while.
void PhysicalMemory::name_shuffled(const Zone& zone, PhysProfile profile, std::uint64_t seed) {
  Seeded choose(seed ^ 0x70687973);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
  for (std::uint32_t at = 0; at < zone.count;) {
    const auto length = std::min<std::uint32_t>(static_cast<std::uint32_t>(1 + choose.below(kLongestRun)), zone.count - at);
    runs.emplace_back(zone.first + at, length);
    at += length;
  }
  for (std::size_t i = runs.size(); i > 1; --i) std::swap(runs[i - 1], runs[choose.below(i)]);
  Segment low{kPfnLowOrdinary, {}};
  Segment high{kPfnHighOrdinary, {}};
  const std::uint64_t low_room = 0xC'0000 - kPfnLowOrdinary;  // RAM below 4 GiB ends at 3 GiB: the PCI hole follows
  for (const auto& [first, length] : runs) {
    const bool go_low = profile == PhysProfile::low || (profile == PhysProfile::mixed && choose.below(2) == 0);
    Segment& segment = go_low && low.pages.size() + length <= low_room ? low : high;
    for (std::uint32_t i = 0; i < length; ++i) {
      pfn_[first + i] = segment.first_pfn + segment.pages.size();
      segment.pages.push_back(first + i);
    }
  }
  for (Segment* segment : {&low, &high})
    if (!segment->pages.empty()) {
      highest_pfn_ = std::max(highest_pfn_, segment->first_pfn + segment->pages.size() - 1);
      segments_.insert(segments_.begin(), std::move(*segment));  // ordinary pages first: they are looked up most
    }
}

PhysicalMemory::Zone& PhysicalMemory::zone_of(std::uint32_t page) {
  for (Zone& zone : zones_)
    if (page - zone.first < zone.count) return zone;
  CHECK(false, "page {} lies in no zone", page);
  return zones_[0];
}

std::optional<std::uint32_t> PhysicalMemory::find_run(Zone& zone, std::uint32_t pages) {
  for (int pass = 0; pass < 2; ++pass) {
    std::uint32_t run = 0;
    for (std::uint32_t at = zone.next; at < zone.count; ++at) {
      run = taken_[zone.first + at] ? 0 : run + 1;
      if (run == pages) return zone.first + at + 1 - pages;
    }
    if (zone.next == 0) break;
    zone.next = 0;
  }
  return std::nullopt;
}

std::optional<PageRun> PhysicalMemory::take(Zone& zone, std::uint32_t first, std::uint32_t pages) {
  for (std::uint32_t i = 0; i < pages; ++i) taken_[first + i] = true;
  zone.free -= pages;
  zone.next = first - zone.first + pages;
  used_ += pages;
  return PageRun{first, pages};
}

std::optional<PageRun> PhysicalMemory::allocate(std::uint32_t pages) {
  CHECK(pages > 0, "an allocation of no pages");
  for (std::size_t index : {3u, 2u, 1u}) {  // the small zones are kept for those who need them
    Zone& zone = zones_[index];
    if (zone.free < pages) continue;
    if (const auto first = find_run(zone, pages)) return take(zone, *first, pages);
  }
  return std::nullopt;
}

bool PhysicalMemory::run_obeys(std::uint32_t first, std::uint32_t pages, const ContiguousLimits& limits) const {
  const std::uint64_t start = pfn_[first] << kPageShift;
  const std::uint64_t last = start + (std::uint64_t{pages} << kPageShift) - 1;
  if (start < limits.lowest || last > limits.highest || start % limits.alignment != 0) return false;
  if (limits.boundary != 0 && start / limits.boundary != last / limits.boundary) return false;
  for (std::uint32_t i = 0; i < pages; ++i)
    if (taken_[first + i]) return false;
  return true;
}

std::optional<PageRun> PhysicalMemory::allocate_contiguous(std::uint32_t pages, const ContiguousLimits& limits) {
  CHECK(pages > 0, "an allocation of no pages");
  for (std::size_t index : {2u, 1u, 0u}) {  // highest first, as low memory is scarce
    Zone& zone = zones_[index];
    if (zone.free < pages) continue;
    for (std::uint32_t at = 0; at + pages <= zone.count; ++at)
      if (run_obeys(zone.first + at, pages, limits)) return take(zone, zone.first + at, pages);
  }
  return std::nullopt;
}

std::uint32_t& PhysicalMemory::page_named(std::uint64_t pfn) {
  for (Segment& s : segments_)
    if (pfn - s.first_pfn < s.pages.size()) return s.pages[pfn - s.first_pfn];
  CHECK(false, "no page is named {:#x}", pfn);
  return segments_.front().pages.front();
}

// A name is nobody's business as long as the page is free: two free pages may exchange theirs.
bool PhysicalMemory::name_anew(std::uint32_t page, const NameLimits& limits, std::uint32_t& candidate) {
  const Zone& zone = zones_.back();
  const auto fits = [&](std::uint32_t other) {
    const std::uint64_t name = pfn_[other];
    return name >= limits.lowest_pfn && name <= limits.highest_pfn && !(limits.scattered && name == pfn_[page - 1] + 1);
  };
  if (fits(page)) return true;
  for (std::uint32_t tried = 0; tried < zone.count; ++tried) {
    candidate = candidate + 1 < zone.first + zone.count ? candidate + 1 : zone.first;
    if (taken_[candidate] || !fits(candidate)) continue;
    std::swap(page_named(pfn_[page]), page_named(pfn_[candidate]));
    std::swap(pfn_[page], pfn_[candidate]);
    return true;
  }
  return false;
}

std::optional<PageRun> PhysicalMemory::allocate_named(std::uint32_t pages, const NameLimits& limits) {
  CHECK(pages > 0, "an allocation of no pages");
  Zone& zone = zones_.back();
  if (names_are_fixed_ || zone.free < pages) return std::nullopt;
  const auto first = find_run(zone, pages);
  if (!first) return std::nullopt;
  const auto run = take(zone, *first, pages);
  std::uint32_t candidate = *first;
  for (std::uint32_t i = 0; i < pages; ++i)
    if (!name_anew(*first + i, limits, candidate)) {
      free(*run);
      return std::nullopt;
    }
  return run;
}

void PhysicalMemory::free(PageRun run) {
  Zone& zone = zone_of(run.first);
  for (std::uint32_t i = 0; i < run.count; ++i) {
    CHECK(taken_[run.first + i], "page {} is freed twice", run.first + i);
    taken_[run.first + i] = false;
  }
  zone.free += run.count;
  used_ -= run.count;
}

std::uint32_t PhysicalMemory::pages_free() const {
  std::uint32_t sum = 0;
  for (const Zone& zone : zones_) sum += zone.free;
  return sum;
}

void PhysicalMemory::close_user_view() {
  const int rc = mprotect(reinterpret_cast<void*>(address(View::user, 0)), size_, PROT_NONE);
  CHECK(rc == 0, "cannot close the user view: {}", std::strerror(errno));
  user_closed_ = true;
  const auto total = static_cast<std::uint32_t>(user_open_.size());
  for (std::uint32_t at = 0; at < total;) {
    std::uint32_t end = at;
    while (end < total && user_open_[end]) ++end;
    if (end > at) open_user({at, end - at});
    at = end + 1;
  }
  memcheck::traps_on_purpose(address(View::user, 0), size_);
}

void PhysicalMemory::open_user(PageRun run) {
  std::fill_n(user_open_.begin() + run.first, run.count, true);
  if (!user_closed_) return;
  const int rc = mprotect(reinterpret_cast<void*>(address(View::user, run.first)), run.bytes(), PROT_READ | PROT_WRITE);
  CHECK(rc == 0, "cannot open user pages: {}", std::strerror(errno));
}

void PhysicalMemory::lend(PageRun run) {
  const int rc = mprotect(reinterpret_cast<void*>(address(View::lent, run.first)), run.bytes(), PROT_READ | PROT_WRITE);
  CHECK(rc == 0, "cannot open lent pages: {}", std::strerror(errno));
}

void PhysicalMemory::take_back(PageRun run) {
  const int rc = mprotect(reinterpret_cast<void*>(address(View::lent, run.first)), run.bytes(), PROT_NONE);
  CHECK(rc == 0, "cannot close lent pages: {}", std::strerror(errno));
}

}  // namespace drydock
