#include "mem/guarded_memory.h"

#include <algorithm>
#include <cstring>

namespace drydock {

namespace {

constexpr std::uint64_t kAlignment = 16;

std::uint32_t pages_for(std::uint64_t bytes) { return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, (bytes + kPageMask) >> kPageShift)); }

/// Where an object of `bytes` bytes begins in its pages.
std::uint64_t start_in(std::uint64_t bytes, bool on_page) {
  const std::uint64_t room = std::uint64_t{pages_for(bytes)} << kPageShift;
  return on_page ? 0 : room - ((bytes + kAlignment - 1) & ~(kAlignment - 1));
}

std::uint64_t offset_of(PageRun run) { return std::uint64_t{run.first} << kPageShift; }

}  // namespace

std::vector<RelatedStack> history_of(const GuardedObject& object) {
  std::vector<RelatedStack> history;
  if (!object.allocated.empty()) history.push_back({"allocated at", object.allocated});
  if (!object.freed.empty()) history.push_back({"freed at", object.freed});
  return history;
}

GuardedMemory::GuardedMemory(PhysicalMemory& memory, StackTaker& stacks, ByteMarks* marks)
    : memory_(memory), stacks_(stacks), marks_(marks) {}

GuardedMemory::~GuardedMemory() {
  for (const auto& [page, object] : objects_) give_back(*object);
}

const GuardedObject* GuardedMemory::allocate(const char* what, std::uint64_t bytes, std::uint32_t tag, const CodePlace& place) {
  if (live_ >= kObjectsMax) return nullptr;
  bytes = std::max<std::uint64_t>(bytes, 1);
  const std::uint32_t pages = pages_for(bytes);
  const auto run = memory_.allocate(pages + 2);
  if (!run) return nullptr;
  GuardedObject object{.what = what, .bytes = bytes, .tag = tag, .pages = *run, .inner = {run->first + 1, pages}, .place = place};
  object.address = memory_.address(View::lent, object.inner.first) + start_in(bytes, bytes >= kPageSize);
  return settle(std::move(object));
}

const GuardedObject* GuardedMemory::allocate_contiguous(const char* what, std::uint64_t bytes, const ContiguousLimits& limits,
                                                        bool on_page, const CodePlace& place) {
  if (live_ >= kObjectsMax) return nullptr;
  bytes = std::max<std::uint64_t>(bytes, 1);
  const std::uint32_t pages = pages_for(bytes);
  const std::uint32_t before = limits.boundary == 0 && limits.alignment <= kPageSize && limits.lowest == 0 ? 1 : 0;
  const std::uint32_t behind = limits.boundary == 0 ? 1 : 0;
  const auto run = memory_.allocate_contiguous(before + pages + behind, limits);
  if (!run) return nullptr;
  GuardedObject object{.what = what, .bytes = bytes, .pages = *run, .inner = {run->first + before, pages}, .place = place};
  object.address = memory_.address(View::lent, object.inner.first) + start_in(bytes, on_page);
  return settle(std::move(object));
}

const GuardedObject* GuardedMemory::settle(GuardedObject object) {
  memory_.take_back(object.pages);
  memory_.lend(object.inner);
  fill_beside(object, memory_.alias(reinterpret_cast<const std::byte*>(object.address)));
  if (marks_ != nullptr) {
    marks_->invalid(offset_of(object.pages), object.pages.bytes());
    marks_->valid(memory_.find(object.address)->offset, object.bytes);
  }
  object.allocated = stacks_.stack_at(object.place);
  ++live_;
  auto kept = std::make_unique<GuardedObject>(std::move(object));
  const std::uint32_t page = kept->pages.first;
  return (objects_[page] = std::move(kept)).get();
}

void GuardedMemory::fill_beside(const GuardedObject& object, const std::byte* start) const {
  std::byte* from = memory_.system(object.inner.first);
  std::byte* to = from + object.inner.bytes();
  std::fill(from, const_cast<std::byte*>(start), kBeside);
  std::fill(const_cast<std::byte*>(start) + object.bytes, to, kBeside);
}

bool GuardedMemory::beside_changed(const GuardedObject& object) const {
  const std::byte* from = memory_.system(object.inner.first);
  const std::byte* start = memory_.alias(reinterpret_cast<const std::byte*>(object.address));
  const auto changed = [](std::byte b) { return b != kBeside; };
  return std::any_of(from, start, changed) || std::any_of(start + object.bytes, from + object.inner.bytes(), changed);
}

const GuardedObject* GuardedMemory::free(std::uint64_t address, const CodePlace& place) {
  auto* object = const_cast<GuardedObject*>(find(address));
  if (object == nullptr || !object->live || object->address != address) return nullptr;
  object->overrun = beside_changed(*object);
  object->live = false;
  object->freed = stacks_.stack_at(place);
  --live_;
  memory_.take_back(object->inner);
  if (marks_ != nullptr) marks_->invalid(offset_of(object->inner), object->inner.bytes());
  freed_.push_back(object->pages.first);
  if (freed_.size() > kFreedMax) forget_oldest();
  return object;
}

void GuardedMemory::forget_oldest() {
  const auto oldest = objects_.find(freed_.front());
  freed_.pop_front();
  give_back(*oldest->second);
  objects_.erase(oldest);
}

void GuardedMemory::give_back(const GuardedObject& object) {
  memory_.lend(object.pages);  // the view is whole again for whoever gets the pages next
  if (marks_ != nullptr) marks_->valid(offset_of(object.pages), object.pages.bytes());
  memory_.free(object.pages);
}

const GuardedObject* GuardedMemory::find(std::uint64_t address) const {
  const auto place = memory_.find(address);
  if (!place || place->view != View::lent) return nullptr;
  const auto behind = objects_.upper_bound(place->page());
  if (behind == objects_.begin()) return nullptr;
  const GuardedObject& object = *std::prev(behind)->second;
  return place->page() - object.pages.first < object.pages.count ? &object : nullptr;
}

std::optional<Trespass> GuardedMemory::judge(std::uint64_t address, std::uint64_t bytes) const {
  const GuardedObject* object = find(address);
  if (object == nullptr) object = find(address + bytes - 1);
  if (object == nullptr) return std::nullopt;
  if (!object->live) return Trespass{Trespass::Kind::freed, object};
  if (address < object->address) return Trespass{Trespass::Kind::before, object};
  if (address + bytes > object->end()) return Trespass{Trespass::Kind::behind, object};
  return std::nullopt;
}

bool GuardedMemory::is_closed(const GuardedObject& object, std::uint64_t address) const {
  const auto place = memory_.find(address);
  return place && (!object.live || place->page() - object.inner.first >= object.inner.count);
}

bool GuardedMemory::faults(std::uint64_t address, std::uint64_t bytes) const {
  for (const std::uint64_t end : {address, address + bytes - 1})
    if (const GuardedObject* object = find(end); object != nullptr && is_closed(*object, end)) return true;
  return false;
}

}  // namespace drydock
