#pragma once
// SplitQueue: the device's side of one split virtqueue. It takes chains from the available ring, gives them back through
// the used ring, and believes nothing: every index, flag, length and link a driver left in memory is checked before it is
// used. What breaks the standard makes the queue broken: it says why, once, and is silent until it is started anew.
//
// Host pointers to the rings are kept while it runs. When the bus master enforces a window they are looked up again
// before every round (begin_round).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hw/bus_master.h"
#include "devices/virtio/spec.h"

namespace drydock::virtio {

/// A piece of memory that a descriptor names.
struct Segment {
  LogicalAddress address;
  std::uint32_t length;
};

/// What one entry of the available ring means: the readable segments, then the writable ones.
struct Chain {
  explicit Chain(std::uint32_t most) : segments(most) {}
  std::uint16_t head = 0;
  std::uint32_t readable = 0;  ///< how many of them the device reads
  std::uint32_t count = 0;
  std::vector<Segment> segments;  ///< room for the longest chain; `count` are in use
};

/// A structure in the driver's memory, reached page by page. What is loaded or stored is aligned, so it lies in one page.
class RingView {
 public:
  /// False when some page is out of reach (the bus master has reported it).
  bool map(BusMaster& master, LogicalAddress at, std::uint32_t bytes, DmaDirection direction);
  void unmap() { pages_.clear(), whole_ = nullptr; }
  /// The structure as an array; nullptr when the host has it in pieces.
  const std::byte* whole() const { return whole_; }
  template <class T>
  T load(std::uint32_t offset) const {
    T value;
    std::memcpy(&value, where(offset), sizeof value);
    return value;
  }
  template <class T>
  void store(std::uint32_t offset, T value) {
    std::memcpy(where(offset), &value, sizeof value);
  }

 private:
  std::byte* where(std::uint32_t offset) const {
    if (whole_ != nullptr) [[likely]] return whole_ + offset;
    const std::uint32_t inside = first_offset_ + offset;
    return pages_[inside >> kPageShift] + (inside & kPageMask);
  }
  std::byte* whole_ = nullptr;      ///< the first byte, when the host has the pages in a row
  std::vector<std::byte*> pages_;   ///< the start of each page
  std::uint32_t first_offset_ = 0;  ///< of the structure in its first page
};

class SplitQueue {
 public:
  struct Place {
    std::uint16_t size = 0;
    LogicalAddress descriptors, available, used;
  };
  enum class Popped : std::uint8_t { nothing, chain, broken };

  explicit SplitQueue(BusMaster& master) : master_(master) {}

  /// False: it cannot run there; complaint() says why.
  bool start(const Place& place, Features negotiated);
  void stop();
  /// Features that are chosen when it runs already, as legacy drivers do.
  void use_features(Features negotiated) {
    event_index_ = (negotiated & kEventIndex) != 0;
    indirect_ = (negotiated & kIndirectDescriptors) != 0;
  }
  bool running() const { return running_; }
  const std::string& complaint() const { return complaint_; }

  /// Before the first pop() of a round. False: the rings are out of reach now, the queue is broken.
  bool begin_round() { return !master_.enforces() || map_rings(); }
  /// The next chain the driver has made available.
  Popped pop(Chain& chain);
  /// Gives `head` back; `written` bytes of its writable part were written, from the start.
  void push(std::uint32_t head, std::uint32_t written);
  /// A device that is told to misbehave: overwrites a descriptor so that its chain never ends.
  void tie_descriptor(std::uint16_t index);
  std::uint16_t size() const { return place_.size; }
  /// After the last pop() of a round: asks to be notified of the next chain.
  void ask_for_notification();
  /// Does the driver want an interrupt for what was pushed since this was last asked?
  bool interrupt_wanted();

 private:
  /// Descriptors in a row: the ring's own, or an indirect table.
  using Table = std::span<const Descriptor>;
  [[gnu::cold, gnu::noinline]] Popped broken(const char* format, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0);
  bool map_rings();
  Table ring_table();
  Table copied_ring();
  Popped walk(Chain& chain);
  Popped enter_table(const Chain& chain, const Descriptor& descriptor, Table& table);
  Popped copy_table(const Chain& chain, const Descriptor& descriptor, Table& table);

  BusMaster& master_;
  RingView descriptors_, available_, used_;
  Place place_;
  bool running_ = false, event_index_ = false, indirect_ = false;
  std::uint16_t mask_ = 0;
  std::uint16_t last_available_ = 0;  ///< free-running, like the rings' own
  std::uint16_t used_index_ = 0;
  std::uint16_t announced_ = 0;       ///< used_index_ when interrupt_wanted() was last asked
  std::vector<Descriptor> copy_, table_copy_;  ///< of a ring, of a table, that the host has in pieces
  std::string complaint_;
};

}  // namespace drydock::virtio
