#pragma once
// RequestPool: the slots of one adapter. It knows which request a driver's pointer means, and closes slots to the driver.

#include <memory>
#include <optional>
#include <vector>

#include "hw/bus_master.h"
#include "mem/guarded_memory.h"
#include "port/storport/request.h"
#include "port/storport/shown_data.h"
#include "port/storport/slot_guard.h"
#include "sched/virtual_cpu.h"

namespace drydock::storport {

class RequestPool {
 public:
  /// With `guard` a slot is closed to the driver while it is not lent. `marks` (may be null) is told which bytes of a slot
  /// belong to something.
  RequestPool(PhysicalMemory& memory, DmaWindow& window, const SlotLayout& layout, std::uint64_t highest_address, bool guard,
              ByteMarks* marks = nullptr);
  /// From now on each slot is sealed when it is lent; see SlotGuard. Only with `guard`.
  void look_closely() {
    slot_guard_.emplace(layout_, memory_);
    shown_data_.emplace(memory_);
  }
  const std::optional<SlotGuard>& slot_guard() const { return slot_guard_; }
  std::optional<ShownData>& shown_data() { return shown_data_; }
  ~RequestPool();

  /// An idle request with a formatted SRB; null when memory is exhausted.
  Request* take();
  void give_back(Request& request);
  /// Opens the slot to the driver / closes it. No-ops without guarding.
  void lend(Request& request);
  void take_back(Request& request);

  /// The request whose SRB a driver's pointer names; null when it is none of ours.
  Request* find_srb(const void* pointer) const {
    Request* request = find_slot(reinterpret_cast<std::uint64_t>(pointer));
    return request != nullptr && request->srb_driver == pointer ? request : nullptr;
  }
  /// The request whose slot contains the address (any view); null when none.
  Request* find_slot(std::uint64_t address) const {
    const auto place = memory_.find(address);
    if (!place) return nullptr;
    const std::uint32_t page = place->page();
    for (std::size_t i = 0; i < chunks_.size(); ++i)
      if (page - chunks_[i].first < chunks_[i].count)
        return requests_[i * kSlotsPerChunk + (page - chunks_[i].first) / layout_.pages].get();
    return nullptr;
  }
  /// A finding when bytes behind an extension were changed.
  void check(Trace& trace) const;
  std::uint32_t outstanding() const { return taken_; }
  const SlotLayout& layout() const { return layout_; }
  const std::vector<std::unique_ptr<Request>>& all() const { return requests_; }

 private:
  static constexpr std::uint32_t kSlotsPerChunk = 16;
  bool grow();
  void place(Request& request, PageRun pages);
  void show_mapped_data(Request& request);
  void mark(const Request& request) const;
  void change_window(const Request& request, void (DmaWindow::*change)(std::uint32_t, DmaDirection)) const;
  PageRun head_of(const Request& request) const { return {request.pages.first, layout_.head_pages}; }
  PageRun tail_of(const Request& request) const { return {request.pages.first + layout_.head_pages + 1, layout_.tail_pages}; }

  PhysicalMemory& memory_;
  DmaWindow& window_;
  SlotLayout layout_;
  std::uint64_t highest_address_;
  bool guard_;
  ByteMarks* marks_;
  std::uint32_t taken_ = 0;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<PageRun> chunks_;
  Fifo<Request> idle_;
  std::optional<SlotGuard> slot_guard_;
  std::optional<ShownData> shown_data_;  ///< with slot_guard_
};

}  // namespace drydock::storport
