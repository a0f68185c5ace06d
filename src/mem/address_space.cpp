#include "mem/address_space.h"

#include <algorithm>
#include <cstring>

namespace drydock {

namespace {

constexpr std::uint64_t kPfn4GiB = 0x10'0000;

const char* text_of(const BufferLayout& layout) {
  if (layout.runs == PhysicalRuns::contiguous) return "physically contiguous pages";
  return layout.runs == PhysicalRuns::scattered ? "pages that are physically scattered" : "pages";
}

const char* text_of(PhysicalPlace place) {
  if (place == PhysicalPlace::anywhere) return "";
  return place == PhysicalPlace::below_4g ? " below 4 GiB" : " above 4 GiB";
}

}  // namespace

// --- one process ------------------------------------------------------------------------------------------------------------

AddressSpace::~AddressSpace() {
  for (const auto& [first, allocation] : allocations_) end_of(allocation);
  std::erase_if(owner_.user_mappings_, [this](const auto& mapping) { return mapping.second.space == id; });
  owner_.by_id_[id] = nullptr;
}

Result<std::uint64_t> AddressSpace::allocate(std::uint64_t bytes, const BufferLayout& layout) {
  const PhysicalMemory& memory = owner_.memory_;
  if (bytes == 0 || layout.offset >= kPageSize) return refuse("a buffer of {} bytes at offset {} of a page", bytes, layout.offset);
  if (bytes > memory.size()) return refuse("a buffer of {} bytes: the machine has {} MiB of memory", bytes, memory.size() >> 20);
  const auto inside = static_cast<std::uint32_t>(pages_spanned(layout.offset, bytes));
  const std::uint32_t guard = layout.guarded ? 1 : 0;
  TRY(const PageRun run, owner_.take(inside + 2 * guard, layout));
  std::memset(memory.system(run.first), 0, run.bytes());
  for (std::uint32_t page = run.first; page < run.first + run.count; ++page) {
    const bool is_guard = page - run.first < guard || page - run.first >= guard + inside;
    owner_.pages_[page] = {id, is_guard ? PageAccess::none : layout.access, !is_guard};
  }
  const std::uint64_t address = memory.address(View::user, run.first + guard) + layout.offset;
  allocations_.emplace(run.first, Allocation{run, address});
  return address;
}

Result<void> AddressSpace::free(std::uint64_t address) {
  for (auto at = allocations_.begin(); at != allocations_.end(); ++at)
    if (at->second.address == address) {
      end_of(at->second);
      allocations_.erase(at);
      return {};
    }
  return refuse("{:#x} is no buffer of process '{}'", address, name);
}

void AddressSpace::end_of(const Allocation& allocation) { owner_.give_back(allocation.pages); }

/// The pages around a range, if all of them are this process's.
Result<PageRun> AddressSpace::own_pages(std::uint64_t address, std::uint64_t bytes) const {
  const auto place = owner_.memory_.find(address);
  const std::uint64_t count = bytes > owner_.memory_.size() ? bytes : pages_spanned(address, bytes);
  if (place && place->view == View::user && count > 0 && count <= owner_.pages_.size() - place->page()) {
    const PageRun run{place->page(), static_cast<std::uint32_t>(count)};
    const auto first = owner_.pages_.begin() + run.first;
    if (std::all_of(first, first + run.count, [this](const auto& page) { return page.space == id; })) return run;
  }
  return refuse("[{:#x}, +{}) is not memory of process '{}'", address, bytes, name);
}

Result<void> AddressSpace::protect(std::uint64_t address, std::uint64_t bytes, PageAccess access) {
  TRY(const PageRun run, own_pages(address, bytes));
  for (std::uint32_t page = run.first; page < run.first + run.count; ++page)
    if (!owner_.pages_[page].mapped) return refuse("[{:#x}, +{}) is not mapped in process '{}'", address, bytes, name);
  for (std::uint32_t page = run.first; page < run.first + run.count; ++page) owner_.pages_[page].access = access;
  return {};
}

Result<void> AddressSpace::unmap(std::uint64_t address, std::uint64_t bytes) {
  TRY(const PageRun run, own_pages(address, bytes));
  for (std::uint32_t page = run.first; page < run.first + run.count; ++page) owner_.pages_[page] = {id, PageAccess::none, false};
  return {};
}

Result<void> AddressSpace::remap(std::uint64_t address, std::uint64_t bytes) {
  TRY(const PageRun run, own_pages(address, bytes));
  for (std::uint32_t page = run.first; page < run.first + run.count; ++page) {
    if (owner_.pages_[page].mapped) return refuse("[{:#x}, +{}) is mapped in process '{}'", address, bytes, name);
    if (owner_.locked_.locked(page)) return refuse("[{:#x}, +{}) cannot be mapped anew: the page before is still locked", address, bytes);
  }
  std::memset(owner_.memory_.system(run.first), 0, run.bytes());
  for (std::uint32_t page = run.first; page < run.first + run.count; ++page) owner_.pages_[page] = {id, PageAccess::read_write, true};
  return {};
}

Result<void> AddressSpace::read(std::uint64_t address, std::span<std::byte> to) const {
  const auto judged = owner_.judge({address, to.size(), false, this, kPassiveLevel});
  if (judged.verdict != TouchVerdict::ok || (!to.empty() && owner_.owner_at(address) != this))
    return refuse("process '{}' cannot read {:#x}", name, judged.address);
  owner_.each_page(address, to.size(), [&](std::byte* bytes, std::uint64_t done, std::uint64_t count) { std::memcpy(to.data() + done, bytes, count); });
  return {};
}

Result<void> AddressSpace::write(std::uint64_t address, std::span<const std::byte> from) {
  const auto judged = owner_.judge({address, from.size(), true, this, kPassiveLevel});
  if (judged.verdict != TouchVerdict::ok || (!from.empty() && owner_.owner_at(address) != this))
    return refuse("process '{}' cannot write {:#x}", name, judged.address);
  owner_.each_page(address, from.size(), [&](std::byte* bytes, std::uint64_t done, std::uint64_t count) { std::memcpy(bytes, from.data() + done, count); });
  return {};
}

std::uint32_t AddressSpace::pages_locked() const {
  std::uint32_t sum = 0;
  for (const auto& [first, allocation] : allocations_)
    for (std::uint32_t i = 0; i < allocation.pages.count; ++i) sum += owner_.locked_.locked(first + i);
  return sum;
}

// --- all of them -------------------------------------------------------------------------------------------------------------

AddressSpaces::AddressSpaces(PhysicalMemory& memory, LockedPages& locked)
    : memory_(memory), locked_(locked), pages_(memory.size() >> kPageShift), by_id_(1) {}

AddressSpaces::~AddressSpaces() {
  for (const std::uint32_t page : lingering_) memory_.free({page, 1});
}

Result<std::unique_ptr<AddressSpace>> AddressSpaces::create(std::string name) {
  auto slot = std::find(by_id_.begin() + 1, by_id_.end(), nullptr);
  if (slot == by_id_.end()) {
    if (by_id_.size() > kProcessesMax) return refuse("process '{}': there are {} already", name, kProcessesMax);
    slot = by_id_.insert(by_id_.end(), nullptr);
  }
  if (!memory_.user_closed()) memory_.close_user_view();
  std::unique_ptr<AddressSpace> space(new AddressSpace(*this));
  space->id = static_cast<std::uint16_t>(slot - by_id_.begin());
  space->name = std::move(name);
  *slot = space.get();
  return space;
}

Result<PageRun> AddressSpaces::take(std::uint32_t pages, const BufferLayout& layout) {
  sweep();
  const std::uint64_t lowest = layout.place == PhysicalPlace::above_4g ? kPfn4GiB : 0;
  const std::uint64_t highest = layout.place == PhysicalPlace::below_4g ? kPfn4GiB - 1 : ~std::uint64_t{0} >> kPageShift;
  std::optional<PageRun> run;
  if (layout.runs == PhysicalRuns::contiguous)
    run = memory_.allocate_contiguous(pages, {lowest << kPageShift, (highest << kPageShift) | kPageMask, kPageSize, 0});
  else if (layout.runs == PhysicalRuns::scattered || layout.place != PhysicalPlace::anywhere)
    run = memory_.allocate_named(pages, {lowest, highest, layout.runs == PhysicalRuns::scattered});
  else
    run = memory_.allocate(pages);
  if (!run) return refuse("the machine has no {} {}{} left for a process", pages, text_of(layout), text_of(layout.place));
  return *run;
}

void AddressSpaces::give_back(PageRun run) {
  for (std::uint32_t page = run.first; page < run.first + run.count; ++page) {
    pages_[page] = {};
    free_when_unlocked(page);
  }
}

void AddressSpaces::sweep() {
  std::erase_if(lingering_, [this](std::uint32_t page) {
    if (locked_.locked(page)) return false;
    memory_.free({page, 1});
    return true;
  });
}

void AddressSpaces::free_when_unlocked(std::uint32_t page) {
  if (locked_.locked(page)) lingering_.push_back(page);
  else memory_.free({page, 1});
}

// --- what an address is ----------------------------------------------------------------------------------------------------

AddressSpaces::Seen AddressSpaces::look(std::uint64_t address) const {
  if (const auto place = memory_.find(address); place && place->view == View::user) {
    const UserPage& page = pages_[place->page()];
    return {page.space, page.access, page.mapped, place->page()};
  }
  if (const auto* found = find_mapping(address))
    return {found->second.space, found->second.access, true, found->second.pages[(address - found->first) >> kPageShift]};
  return {};
}

const AddressSpace* AddressSpaces::owner_at(std::uint64_t address) const { return by_id_[look(address).space]; }

std::optional<std::uint32_t> AddressSpaces::page_at(std::uint64_t address) const { return look(address).page; }

std::byte* AddressSpaces::alias(std::uint64_t address, std::uint64_t bytes) const {
  const auto first = page_at(address);
  if (!first) return nullptr;
  for (std::uint64_t i = 1; i < pages_spanned(address, bytes); ++i)
    if (page_at((address & ~kPageMask) + (i << kPageShift)) != *first + i) return nullptr;
  return memory_.system(*first) + (address & kPageMask);
}

// A page of a client that has no process (a disk's) is open, and so is all of the view before there is a process.
TouchJudgement AddressSpaces::judge(const UserTouch& touch) const {
  if (!in_use() || touch.size == 0 || !is_user(touch.address)) return {};
  const std::uint64_t pages = touch.size > kViewStride ? kViewStride >> kPageShift : pages_spanned(touch.address, touch.size);
  TouchJudgement first;
  for (std::uint64_t i = 0; i < pages; ++i) {
    const std::uint64_t address = i == 0 ? touch.address : (touch.address & ~kPageMask) + (i << kPageShift);
    const Seen seen = is_user(address) ? look(address) : Seen{};
    if (seen.space == 0 && seen.page && memory_.user_open(*seen.page)) continue;
    TouchJudgement judged{TouchVerdict::ok, by_id_[seen.space], address, seen.access, seen.page ? locked_.locks(*seen.page) : 0};
    if (judged.owner != nullptr && judged.owner != touch.current && seen.mapped) judged.verdict = TouchVerdict::other_process;
    else if (!allows(seen.access, touch.write)) judged.verdict = TouchVerdict::not_accessible;
    else if (touch.irql >= kDispatchLevel && judged.locks == 0) judged.verdict = TouchVerdict::not_locked;
    if (judged.verdict != TouchVerdict::ok) return judged;
    if (i == 0) first = judged;
  }
  return first;
}

// --- mapped from elsewhere --------------------------------------------------------------------------------------------------

const std::pair<const std::uint64_t, AddressSpaces::UserMapping>* AddressSpaces::find_mapping(std::uint64_t address) const {
  auto found = user_mappings_.upper_bound(address);
  if (found == user_mappings_.begin()) return nullptr;
  --found;
  return (address - found->first) >> kPageShift < found->second.pages.size() ? &*found : nullptr;
}

// Addresses go up and come round, as those of system mappings do.
std::optional<std::uint64_t> AddressSpaces::map(const AddressSpace& space, std::span<const std::uint32_t> pages, PageAccess access) {
  const std::uint64_t begin = memory_.size(), bytes = std::uint64_t{pages.size()} << kPageShift;
  for (int pass = 0; pass < 2; ++pass, next_mapping_ = 0) {
    std::uint64_t at = user_base() + std::max(next_mapping_, begin);
    if (const auto* before = find_mapping(at)) at = before->first + (std::uint64_t{before->second.pages.size()} << kPageShift);
    for (auto next = user_mappings_.lower_bound(at); next != user_mappings_.end() && next->first - at < bytes; ++next)
      at = next->first + (std::uint64_t{next->second.pages.size()} << kPageShift);
    if (pages.empty() || at + bytes > user_base() + kViewStride) continue;
    next_mapping_ = at + bytes + kPageSize - user_base();
    user_mappings_.emplace(at, UserMapping{space.id, access, {pages.begin(), pages.end()}});
    return at;
  }
  return std::nullopt;
}

AddressSpaces::Mapped AddressSpaces::mapped(const std::pair<const std::uint64_t, UserMapping>& mapping) const {
  return {by_id_[mapping.second.space], mapping.first, mapping.second.pages};
}

std::optional<AddressSpaces::Mapped> AddressSpaces::mapping_at(std::uint64_t address) const {
  const auto found = user_mappings_.find(address & ~kPageMask);
  return found == user_mappings_.end() ? std::nullopt : std::optional(mapped(*found));
}

void AddressSpaces::unmap(std::uint64_t address) { user_mappings_.erase(address & ~kPageMask); }

std::optional<AddressSpaces::Mapped> AddressSpaces::mapping_of(std::uint32_t page) const {
  for (const auto& mapping : user_mappings_)
    if (std::find(mapping.second.pages.begin(), mapping.second.pages.end(), page) != mapping.second.pages.end()) return mapped(mapping);
  return std::nullopt;
}

}  // namespace drydock
