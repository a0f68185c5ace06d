#include "port/storport/built_lists.h"

#include <algorithm>
#include <cstddef>

namespace drydock::storport {

struct BuiltLists::Entry final : Dpc {
  Entry(const Services& services, const Wanted& w) : s(services), wanted(w) {}
  ~Entry() { mapping.discard(); }
  // The first two arguments are to be ignored. DOC: ST-47
  void run() override {
    s.call("ExecutionRoutine", EntryKind::dpc, wanted.routine, nullptr, nullptr,
           static_cast<PSTOR_SCATTER_GATHER_LIST>(wanted.driver_list), wanted.context);
  }
  const Services& s;
  Wanted wanted;
  DmaMapping mapping;
};

BuiltLists::BuiltLists(const Services& services) : s_(services) {}

BuiltLists::~BuiltLists() { stop(); }

void BuiltLists::stop() {
  for (auto& entry : entries_) s_.scheduler.cancel_dpc(*entry);
}

std::vector<std::unique_ptr<BuiltLists::Entry>>::iterator BuiltLists::find(const void* driver_list) {
  return std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry->wanted.driver_list == driver_list; });
}

BuiltLists::Built BuiltLists::build(DmaAdapter& dma, const Wanted& wanted) {
  constexpr std::size_t kHeader = offsetof(STOR_SCATTER_GATHER_LIST, List);
  if (find(wanted.driver_list) != entries_.end()) return Built::in_use;
  if (wanted.list_bytes < kHeader + sizeof(STOR_SCATTER_GATHER_ELEMENT)) return Built::too_small;
  auto entry = std::make_unique<Entry>(s_, wanted);
  const std::span list(reinterpret_cast<DmaElement*>(wanted.host_list->List), (wanted.list_bytes - kHeader) / sizeof(DmaElement));
  switch (dma.map(wanted.buffer, list, entry->mapping)) {
    case MapOutcome::mapped: break;
    case MapOutcome::wait: case MapOutcome::too_many_registers: return Built::no_registers;
    case MapOutcome::list_too_small: return Built::too_small;
    default: return Built::outside_buffer;
  }
  wanted.host_list->NumberOfElements = entry->mapping.elements();
  wanted.host_list->Reserved = 0;
  s_.scheduler.queue_dpc(*entry, s_.scheduler.cpu().index);
  entries_.push_back(std::move(entry));
  return Built::queued;
}

BuiltLists::Put BuiltLists::put(const void* driver_list, DmaDirection direction) {
  const auto at = find(driver_list);
  if (at == entries_.end()) return Put::unknown;
  const bool same = (*at)->mapping.direction() == direction;
  s_.scheduler.cancel_dpc(**at);
  (*at)->mapping.flush();
  entries_.erase(at);
  return same ? Put::done : Put::other_direction;
}

std::vector<CodePlace> BuiltLists::leaks() const {
  std::vector<CodePlace> places;
  for (const auto& entry : entries_) places.push_back(entry->wanted.where);
  return places;
}

}  // namespace drydock::storport
