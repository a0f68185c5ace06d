#include "port/storport/driver_memory.h"

#include <algorithm>
#include <cstring>

namespace drydock::storport {

namespace {

std::optional<GuardedObject> take_plain(const Services& s, const char* what, std::uint64_t bytes, const ContiguousLimits& limits,
                                        const CodePlace& where) {
  const auto pages = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, (bytes + kPageMask) >> kPageShift));
  const auto run = s.memory.allocate_contiguous(pages, limits);
  if (!run) return std::nullopt;
  GuardedObject object{.what = what, .bytes = bytes, .pages = *run, .inner = *run, .place = where};
  object.address = s.memory.address(View::system, run->first);
  std::byte* start = s.memory.system(run->first);
  std::fill(start + bytes, start + run->bytes(), GuardedMemory::kBeside);
  return object;
}

}  // namespace

std::optional<DriverMemory> DriverMemory::take(const Services& services, const char* what, std::uint64_t bytes,
                                               const ContiguousLimits& limits, bool on_page, const CodePlace& where) {
  GuardedMemory* guarded = services.pool.guarded();
  const GuardedObject* object = guarded == nullptr ? nullptr : guarded->allocate_contiguous(what, bytes, limits, on_page, where);
  auto taken = object != nullptr ? std::optional(*object) : take_plain(services, what, bytes, limits, where);
  if (!taken) return std::nullopt;
  for (std::uint32_t i = 0; i < taken->inner.count; ++i) services.window.open(taken->inner.first + i, DmaDirection::both);
  std::memset(services.memory.alias(reinterpret_cast<void*>(taken->address)), 0, bytes);
  return DriverMemory(services, std::move(*taken), object != nullptr);
}

DriverMemory& DriverMemory::operator=(DriverMemory&& other) noexcept {
  std::swap(s_, other.s_);
  std::swap(object_, other.object_);
  std::swap(freed_at_, other.freed_at_);
  std::swap(guarded_, other.guarded_);
  return *this;
}

// DOC: VER-120
void DriverMemory::check(const CodePlace& where) const {
  if (!s_->checking()) return;
  const std::byte* from = s_->memory.system(object_.inner.first);
  const std::byte* start = s_->memory.alias(static_cast<const std::byte*>(address()));
  const auto changed = [](std::byte b) { return b != GuardedMemory::kBeside; };
  if (!std::any_of(from, start, changed) && !std::any_of(start + object_.bytes, from + object_.inner.bytes(), changed)) return;
  s_->trace.emit(RuleBroken{"VER-120", "0xC1", fmt::format("bytes beside the {} of {} bytes were changed{}", object_.what, object_.bytes,
                                                           guarded_ ? "" : " (--checks all shows the instruction, if it goes beyond the page)"), where});
}

void DriverMemory::give_back() {
  if (object_.inner.count == 0) return;
  for (std::uint32_t i = 0; i < object_.inner.count; ++i) s_->window.close(object_.inner.first + i, DmaDirection::both);
  if (guarded_) (void)s_->pool.guarded()->free(object_.address, freed_at_);
  else s_->memory.free(object_.pages);
  object_ = {};
}

}  // namespace drydock::storport
