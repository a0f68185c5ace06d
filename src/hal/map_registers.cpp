#include "hal/map_registers.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace drydock {

bool holds_register_fill(const std::byte* start, std::size_t bytes) {
  return bytes == 0 || (start[0] == kRegisterFill && std::memcmp(start, start + 1, bytes - 1) == 0);
}

Result<std::unique_ptr<MapRegisterPool>> MapRegisterPool::create(PhysicalMemory& memory, Trace& trace, const Options& options) {
  if (options.count == 0) return refuse("a machine needs at least one map register");
  const auto pages = memory.allocate_contiguous(options.count, {.highest = options.highest});
  if (!pages) return refuse("no room for {} map registers below {:#x}", options.count, options.highest);
  return std::unique_ptr<MapRegisterPool>(new MapRegisterPool(memory, trace, options, *pages));
}

MapRegisterPool::MapRegisterPool(PhysicalMemory& memory, Trace& trace, const Options& options, PageRun pages)
    : memory_(memory), trace_(trace), pages_(pages), first_page_(memory.pfn(pages.first)), host_(memory.system(pages.first)),
      count_(pages.count), free_(pages.count), checks_(options.checks), free_bits_((pages.count + 63) / 64), records_(pages.count) {
  mark(0, count_, true);
  if (checks_) std::memset(host_, std::to_integer<int>(kRegisterFill), pages.bytes());
}

MapRegisterPool::~MapRegisterPool() {
  CHECK(free_ == count_, "{} map registers are still leased", count_ - free_);
  memory_.free(pages_);
}

void MapRegisterPool::mark(std::uint32_t first, std::uint32_t count, bool free) {
  while (count > 0) {
    const std::uint32_t bit = first % 64, step = std::min(count, 64 - bit);
    const std::uint64_t mask = (~std::uint64_t{0} >> (64 - step)) << bit;
    if (free) free_bits_[first / 64] |= mask;
    else free_bits_[first / 64] &= ~mask;
    first += step;
    count -= step;
  }
}

// The first register in [from, end) that is free (or is not); `end` if there is none.
std::uint32_t MapRegisterPool::next_bit(std::uint32_t from, std::uint32_t end, bool free) const {
  while (from < end) {
    const std::uint64_t word = (free ? free_bits_[from / 64] : ~free_bits_[from / 64]) >> (from % 64);
    if (word != 0) return std::min(end, from + static_cast<std::uint32_t>(__builtin_ctzll(word)));
    from += 64 - from % 64;
  }
  return end;
}

std::optional<std::uint32_t> MapRegisterPool::find_from(std::uint32_t from, std::uint32_t end, std::uint32_t count,
                                                        std::uint64_t boundary) const {
  const std::uint64_t boundary_pages = boundary >> kPageShift;
  while (from + count <= end) {
    std::uint32_t at = next_bit(from, end, true);
    if (at + count > end) break;
    const std::uint32_t run_end = next_bit(at, std::min(end, at + count + static_cast<std::uint32_t>(boundary_pages)), false);
    if (boundary_pages != 0 && (first_page_ + at) % boundary_pages + count > boundary_pages)
      at += static_cast<std::uint32_t>(boundary_pages - (first_page_ + at) % boundary_pages);
    if (at + count <= run_end) return at;
    from = std::max(at, run_end);
  }
  return std::nullopt;
}

bool MapRegisterPool::ever(const RegisterAccount& account, std::uint32_t count, std::uint64_t boundary) const {
  if (count > count_ || !account.ever(count)) return false;
  const std::uint64_t boundary_pages = boundary >> kPageShift;
  if (boundary_pages == 0) return true;
  const std::uint64_t into = first_page_ % boundary_pages;
  return count <= boundary_pages && (into + count <= boundary_pages || boundary_pages - into + count <= count_);
}

// First fit from next_, so that without checks the registers in use are few, and warm in the cache.
std::optional<std::uint32_t> MapRegisterPool::find(std::uint32_t count, std::uint64_t boundary) const {
  if (count > free_ || (boundary != 0 && count > boundary >> kPageShift)) return std::nullopt;
  if (const auto behind = find_from(next_, count_, count, boundary)) return behind;
  return find_from(0, count_, count, boundary);
}

MapRegisterPool::Lease MapRegisterPool::take(RegisterAccount& account, std::uint32_t first, std::uint32_t count) {
  mark(first, count, false);
  free_ -= count;
  if (checks_) next_ = first + count;  // next fit: a register rests before it is used again, which shows late writes
  account.held += count;
  if (checks_)
    for (std::uint32_t i = 0; i < count; ++i) verify(first + i);
  return {*this, account, first, count};
}

// Somebody was here first: of the same adapter, or held up by the pool itself.
bool MapRegisterPool::must_queue(const RegisterAccount& account) const {
  return std::any_of(line_.begin(), line_.end(),
                     [&](const Place& place) { return place.account == &account || place.account->now(place.count); });
}

MapRegisterPool::Lease MapRegisterPool::lease(RegisterAccount& account, std::uint32_t count, std::uint64_t boundary) {
  if (count == 0 || !account.ever(count) || !account.now(count)) return {};
  if (!line_.empty() && must_queue(account)) return {};
  const auto first = find(count, boundary);
  return first ? take(account, *first, count) : Lease{};
}

void MapRegisterPool::wait(Waiter& waiter, RegisterAccount& account, std::uint32_t count, std::uint64_t boundary) {
  CHECK(count > 0 && ever(account, count, boundary), "waiting for {} map registers, which can never be had", count);
  CHECK(std::none_of(line_.begin(), line_.end(), [&](const Place& place) { return place.waiter == &waiter; }),
        "a waiter stands in line twice");
  line_.push_back({&waiter, &account, count, boundary});
  serve_line();
}

bool MapRegisterPool::stop_waiting(Waiter& waiter) {
  const bool was_in_line = std::erase_if(line_, [&](const Place& place) { return place.waiter == &waiter; }) > 0;
  if (was_in_line) serve_line();
  return was_in_line;
}

void MapRegisterPool::give_back(std::uint32_t first, std::uint32_t count, RegisterAccount& account) {
  if (checks_) std::memset(host_ + (std::size_t{first} << kPageShift), std::to_integer<int>(kRegisterFill), std::size_t{count} << kPageShift);
  mark(first, count, true);
  free_ += count;
  account.held -= count;
  if (!line_.empty()) serve_line();
}

// A grant may release other registers; they are then served by the loop that is already running.
void MapRegisterPool::serve_line() {
  if (serving_) return;
  serving_ = true;
  std::vector<const RegisterAccount*> held_up;
  for (std::size_t i = 0; i < line_.size();) {
    const Place place = line_[i];
    const bool behind_own = std::find(held_up.begin(), held_up.end(), place.account) != held_up.end();
    if (behind_own || !place.account->now(place.count)) {
      held_up.push_back(place.account);
      ++i;
      continue;
    }
    const auto first = find(place.count, place.boundary);
    if (!first) break;
    line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(i));
    place.waiter->registers_granted(take(*place.account, *first, place.count));
    held_up.clear();
    i = 0;
  }
  serving_ = false;
}

// True when the register still holds its fill; else it is reported and filled again.
bool MapRegisterPool::verify(std::uint32_t reg) {
  std::byte* start = host_ + (std::size_t{reg} << kPageShift);
  if (holds_register_fill(start, kPageSize)) return true;
  const std::byte* bad = std::find_if(start, start + kPageSize, [](std::byte b) { return b != kRegisterFill; });
  trace_.emit(RuleBroken{"VER-10", "0xE6/0x0F",
                         fmt::format("a map register that no transfer uses was written at byte {} of logical page {:#x}: the "
                                     "device wrote outside its buffer, or after the transfer was flushed",
                                     bad - start, first_page_ + reg),
                         {}});
  std::memset(start, std::to_integer<int>(kRegisterFill), kPageSize);
  return false;
}

std::uint32_t MapRegisterPool::verify_free() {
  std::uint32_t changed = 0;
  for (std::uint32_t reg = next_bit(0, count_, true); checks_ && reg < count_; reg = next_bit(reg + 1, count_, true))
    changed += !verify(reg);
  return changed;
}

}  // namespace drydock
