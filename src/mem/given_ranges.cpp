#include "mem/given_ranges.h"

#include <algorithm>

namespace drydock {

void GivenRanges::begin(const GivenRange& range) {
  if (range.length == 0) return;
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.range == range; });
  Entry entry = known == entries_.end() ? Entry{range, 0} : *known;
  if (known != entries_.end()) entries_.erase(known);
  ++entry.in_flight;
  if (entries_.size() >= kRememberedMax)
    if (const auto old = std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.in_flight == 0; }); old != entries_.end())
      entries_.erase(old);
  entries_.push_back(entry);
}

void GivenRanges::end(const GivenRange& range) {
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.range == range; });
  if (known != entries_.end() && known->in_flight != 0) --known->in_flight;
}

const GivenRange* GivenRanges::in_flight(std::uint64_t address) const {
  const GivenRange* latest = nullptr;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->in_flight == 0 || !entry->range.holds(address)) continue;
    if (entry->range.as == GivenAs::raw) return &entry->range;
    if (latest == nullptr) latest = &entry->range;
  }
  return latest;
}

const GivenRange* GivenRanges::ever(std::uint64_t address) const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
    if (entry->range.holds(address)) return &entry->range;
  return nullptr;
}

}  // namespace drydock
