#pragma once
// A board with one device on it, and a driver written as the standard tells driver authors: it finds the registers through
// config space, reaches them by bus address, keeps its rings in physical memory, and looks at a queue only when an
// interrupt says so. Tests of this folder only.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices/backing/faulty_seam.h"
#include "devices/backing/open_store.h"
#include "devices/catalogue.h"
#include "devices/virtio_blk/device.h"
#include "hw/bus.h"

namespace drydock::virtio_blk {

struct BoardSetup {
  std::string device = "virtio-blk";
  std::string disk = "mem:1M";
  std::uint64_t seed = 1;
  bool enforce = true;   ///< look every DMA access up
  FileSeam* seam = nullptr;
  std::vector<std::string> faults{};
};

class TestBoard : public InterruptSink, public TraceObserver {
 public:
  static constexpr unsigned kSlot = 3;
  explicit TestBoard(const BoardSetup& setup)
      : memory(*PhysicalMemory::create({.size = 32u << 20, .profile = PhysProfile::mixed, .seed = setup.seed})),
        window(memory->size() / kPageSize),
        master(*memory, window, trace, setup.enforce) {
    trace.add(*this, true);
    faults.emplace(*parse_faults(setup.faults), setup.seed, 0, trace);
    file_seam.emplace(setup.seam != nullptr ? *setup.seam : system_file_seam(), *faults);
    auto opened = open_store(setup.disk, false, *file_seam);
    EXPECT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
    auto got = make_device(setup.device, *store, {timeline, master, *this, trace, setup.faults.empty() ? nullptr : &*faults});
    EXPECT_TRUE(got) << got.error().message;
    made = std::move(*got);
    bus.plug(kSlot, *made.function);
  }
  virtual ~TestBoard() = default;
  void message_arrived(std::uint32_t vector) override { ++messages[vector]; }
  void line_changed(bool asserted) override { line = asserted; }
  void observe(const TraceEvent& event) override {
    if (const auto* rejected = std::get_if<DeviceRejected>(&event)) complaints.push_back(rejected->message);
    if (const auto* refused = std::get_if<DmaRefused>(&event)) refusals.push_back(*refused);
  }
  PciFunction& function() { return *made.function; }
  BlockDevice& disk() { return *made.disk; }

  Trace trace;
  Timeline timeline;
  std::unique_ptr<PhysicalMemory> memory;
  DmaWindow window;
  BusMaster master;
  Bus bus;
  std::optional<FaultPlan> faults;
  std::optional<FaultySeam> file_seam;
  std::unique_ptr<BlockStore> store;
  MadeDevice made;
  std::map<std::uint32_t, unsigned> messages;
  bool line = false;
  std::vector<std::string> complaints;
  std::vector<DmaRefused> refusals;
};

/// Memory of the driver, as the host and as the device see it. Ordinary pages: physically in pieces.
class Buffer {
 public:
  Buffer(TestBoard& board, std::uint64_t bytes, bool contiguous = false) : board_(board) {
    const auto pages = static_cast<std::uint32_t>(pages_spanned(0, bytes));
    run_ = contiguous ? *board.memory->allocate_contiguous(pages, {}) : *board.memory->allocate(pages);
    for (std::uint32_t i = 0; i < run_.count; ++i) board.window.open(run_.first + i, DmaDirection::both);
    std::memset(host(), 0, run_.bytes());
  }
  ~Buffer() {
    for (std::uint32_t i = 0; i < run_.count; ++i) board_.window.close(run_.first + i, DmaDirection::both);
    board_.memory->free(run_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  std::byte* host() const { return board_.memory->system(run_.first); }
  PageRun run() const { return run_; }
  LogicalAddress at(std::uint64_t offset) const {
    return {(board_.memory->pfn(run_.first + static_cast<std::uint32_t>(offset >> kPageShift)) << kPageShift) + (offset & kPageMask)};
  }
  template <class T>
  T get(std::uint64_t offset) const {
    T value;
    std::memcpy(&value, host() + offset, sizeof value);
    return value;
  }
  template <class T>
  void put(std::uint64_t offset, T value) {
    std::memcpy(host() + offset, &value, sizeof value);
  }
  /// As few segments as the physical pages allow.
  std::vector<virtio::Segment> segments(std::uint64_t offset, std::uint64_t length) const {
    std::vector<virtio::Segment> list;
    while (length > 0) {
      const auto part = static_cast<std::uint32_t>(std::min(length, kPageSize - (offset & kPageMask)));
      if (!list.empty() && list.back().address + list.back().length == at(offset))
        list.back().length += part;
      else
        list.push_back({at(offset), part});
      offset += part, length -= part;
    }
    return list;
  }

 private:
  TestBoard& board_;
  PageRun run_;
};

/// A request as the driver thinks of it. `data` is written by the device for reads, read by it otherwise.
struct Wish {
  Type type;
  std::uint64_t sector = 0;
  std::vector<virtio::Segment> data{};
  bool device_writes = false;
};

struct Answer {
  bool done = false;
  Status status{0xFF};
  std::uint32_t length = 0;
};

class TestDriver {
 public:
  static constexpr std::uint8_t kFirstVector = 0x40;  ///< configuration; queue i: + 1 + i
  static constexpr std::uint32_t kSlots = 64;         ///< requests in flight on one queue
  static constexpr std::uint32_t kStatusAt = 16, kTableAt = 64;

  /// `legacy`: drives a transitional device by its legacy interface. A device without a modern one leaves no choice.
  explicit TestDriver(TestBoard& board, bool indirect = true, bool legacy = false) : board_(board), indirect_(indirect) {
    find_registers();
    legacy_ = legacy || common_ == 0;
    if (board.function().msix_entries() != 0) {
      for (unsigned i = 0; i < board.function().msix_entries(); ++i)
        board.function().program_msix(i, 0xFEE0'0000, kFirstVector + i);
      board.function().enable_msix(true);
    }
  }

  // --- registers, by bus address ------------------------------------------------------------------------------------
  std::optional<Bus::Hit> find(std::uint64_t address) const {
    return address < Bus::kPortsEnd ? board_.bus.find_port(static_cast<std::uint32_t>(address)) : board_.bus.find_memory(address);
  }
  std::uint64_t read(std::uint64_t address, unsigned size) {
    const auto hit = find(address);
    EXPECT_TRUE(hit) << "nobody at " << address;
    return hit->function->read_bar(hit->bar, hit->offset, size);
  }
  void write(std::uint64_t address, unsigned size, std::uint64_t value) {
    const auto hit = find(address);
    ASSERT_TRUE(hit) << "nobody at " << address;
    hit->function->write_bar(hit->bar, hit->offset, size, value);
  }
  std::uint64_t common(std::uint32_t offset, unsigned size) { return read(common_ + offset, size); }
  void set_common(std::uint32_t offset, unsigned size, std::uint64_t value) { write(common_ + offset, size, value); }
  // Of the legacy interface: device configuration moves while MSI-X is enabled.
  std::uint64_t port(std::uint32_t offset, unsigned size) { return read(ports_ + offset, size); }
  void set_port(std::uint32_t offset, unsigned size, std::uint64_t value) { write(ports_ + offset, size, value); }
  std::uint64_t device_config() {
    if (!legacy_) return device_;
    return ports_ + (board_.function().msix_enabled() ? virtio::legacy::kConfigWithMsix : virtio::legacy::kConfigWithoutMsix);
  }
  Config config() {
    Config config;
    for (std::uint32_t i = 0; i < sizeof config; ++i)
      reinterpret_cast<std::uint8_t*>(&config)[i] = static_cast<std::uint8_t>(read(device_config() + i, 1));
    return config;
  }
  void set_writeback(bool on) { write(device_config() + offsetof(Config, writeback), 1, on ? 1 : 0); }
  std::uint8_t isr() { return static_cast<std::uint8_t>(read(legacy_ ? ports_ + virtio::legacy::kIsr : isr_, 1)); }
  std::uint8_t status() {
    if (legacy_) return static_cast<std::uint8_t>(port(virtio::legacy::kStatus, 1));
    return static_cast<std::uint8_t>(common(offsetof(virtio::CommonConfig, device_status), 1));
  }
  void set_status(unsigned value) {
    if (legacy_) return set_port(virtio::legacy::kStatus, 1, value);
    set_common(offsetof(virtio::CommonConfig, device_status), 1, value);
  }
  void doorbell(unsigned queue) {
    if (legacy_) return set_port(virtio::legacy::kQueueNotify, 2, queue);
    write(notify_ + queue * multiplier_, 2, queue);
  }

  // --- start (3.1.1) ------------------------------------------------------------------------------------------------
  virtio::Features offered() {
    if (legacy_) return port(virtio::legacy::kDeviceFeatures, 4);
    virtio::Features bits = 0;
    for (unsigned half : {0u, 1u}) {
      set_common(offsetof(virtio::CommonConfig, device_feature_select), 4, half);
      bits |= common(offsetof(virtio::CommonConfig, device_feature), 4) << (32 * half);
    }
    return bits;
  }
  /// Accepts what is offered and wanted; false when the device did not agree.
  bool negotiate(virtio::Features wanted = ~virtio::Features{0}, virtio::Features more = 0) {
    set_status(0);
    EXPECT_EQ(status(), 0);
    set_status(virtio::kAcknowledge);
    set_status(virtio::kAcknowledge | virtio::kDriver);
    features_ = (offered() & wanted) | more;
    if (legacy_) return set_port(virtio::legacy::kDriverFeatures, 4, features_), true;
    for (unsigned half : {0u, 1u}) {
      set_common(offsetof(virtio::CommonConfig, driver_feature_select), 4, half);
      set_common(offsetof(virtio::CommonConfig, driver_feature), 4, features_ >> (32 * half) & 0xFFFF'FFFF);
    }
    set_status(status() | virtio::kFeaturesOk);
    return (status() & virtio::kFeaturesOk) != 0;
  }
  void start_queue(unsigned index, std::uint16_t size = 0) {
    if (queues_.size() <= index) queues_.resize(index + 1);
    if (legacy_) return start_legacy_queue(index);
    set_common(offsetof(virtio::CommonConfig, queue_select), 2, index);
    if (size == 0) size = static_cast<std::uint16_t>(common(offsetof(virtio::CommonConfig, queue_size), 2));
    queues_[index] = std::make_unique<Queue>(board_, size);
    Queue& queue = *queues_[index];
    set_common(offsetof(virtio::CommonConfig, queue_size), 2, size);
    set_address(offsetof(virtio::CommonConfig, queue_desc), queue.memory.at(0));
    set_address(offsetof(virtio::CommonConfig, queue_driver), queue.memory.at(queue.available));
    set_address(offsetof(virtio::CommonConfig, queue_device), queue.memory.at(queue.used));
    set_common(offsetof(virtio::CommonConfig, queue_msix_vector), 2, index + 1);
    set_common(offsetof(virtio::CommonConfig, queue_enable), 2, 1);
  }
  void start_legacy_queue(unsigned index) {
    set_port(virtio::legacy::kQueueSelect, 2, index);
    const auto size = static_cast<std::uint16_t>(port(virtio::legacy::kQueueSize, 2));
    queues_[index] = std::make_unique<Queue>(board_, size, virtio::legacy::used_at(size));
    set_port(virtio::legacy::kQueueAddress, 4, queues_[index]->memory.at(0).value >> virtio::legacy::kAddressShift);
    if (board_.function().msix_enabled()) set_port(virtio::legacy::kQueueVector, 2, index + 1);
  }
  void start(virtio::Features wanted = ~virtio::Features{0}, unsigned queues = 1, std::uint16_t size = 0) {
    ASSERT_TRUE(negotiate(wanted));
    if (!legacy_) set_common(offsetof(virtio::CommonConfig, config_msix_vector), 2, 0);
    for (unsigned i = 0; i < queues; ++i) start_queue(i, size);
    set_status(status() | virtio::kDriverOk);
  }
  bool has(virtio::Features bits) const { return (features_ & bits) == bits; }

  // --- requests -----------------------------------------------------------------------------------------------------
  /// Puts a request into the ring and, if the device asked for it, rings. Returns the slot.
  unsigned post(const Wish& wish, unsigned index = 0) {
    Queue& queue = *queues_[index];
    const unsigned slot = queue.take_slot(board_);
    Buffer& control = *queue.slots[slot].control;
    control.put(0, Header{wish.type, 0, wish.sector});
    control.put(kStatusAt, std::uint8_t{0xFF});
    queue.slots[slot].answer = {};
    std::vector<virtio::Descriptor> chain;
    chain.push_back({control.at(0).value, sizeof(Header), 0, 0});
    for (const virtio::Segment& segment : wish.data)
      chain.push_back({segment.address.value, segment.length, wish.device_writes ? virtio::kWrite : std::uint16_t{0}, 0});
    chain.push_back({control.at(kStatusAt).value, 1, virtio::kWrite, 0});
    make_available(queue, put_chain(queue, slot, chain), slot);
    kick(index);
    return slot;
  }
  /// Lets time pass until nothing is pending, and takes what interrupts announce.
  void run() {
    do {
      for (unsigned i = 0; i < queues_.size(); ++i)
        if (announced(i)) collect(i);
    } while (board_.timeline.jump_to_next());
    for (unsigned i = 0; i < queues_.size(); ++i)
      if (announced(i)) collect(i);
  }
  Answer answer(unsigned slot, unsigned index = 0) { return queues_[index]->slots[slot].answer; }
  Answer transact(const Wish& wish, unsigned index = 0) {
    const unsigned slot = post(wish, index);
    run();
    return answer(slot, index);
  }
  Status in(std::uint64_t sector, Buffer& into, std::uint64_t offset, std::uint64_t length, unsigned index = 0) {
    return transact({Type::in, sector, into.segments(offset, length), true}, index).status;
  }
  Status out(std::uint64_t sector, const Buffer& from, std::uint64_t offset, std::uint64_t length, unsigned index = 0) {
    return transact({Type::out, sector, from.segments(offset, length), false}, index).status;
  }
  Status flush() { return transact({Type::flush}).status; }

  /// Descriptor, available ring and used ring, for tests that break them.
  struct Queue {
    Queue(TestBoard& board, std::uint16_t entries, std::uint64_t used_at = 0)
        : size(entries),
          available(16u * entries),
          used(used_at != 0 ? static_cast<std::uint32_t>(used_at) : (available + virtio::available::bytes(entries) + 3u) & ~3u),
          memory(board, used + virtio::used::bytes(entries), true) {
      for (std::uint16_t i = 0; i < entries; ++i) free.push_back(i);
    }
    unsigned take_slot(TestBoard& board) {
      for (unsigned i = 0; i < slots.size(); ++i)
        if (!slots[i].busy) return slots[i].busy = true, i;
      slots.push_back({std::make_unique<Buffer>(board, 2 * kPageSize, true), true, {}, {}});
      return static_cast<unsigned>(slots.size() - 1);
    }
    struct Slot {
      std::unique_ptr<Buffer> control;
      bool busy;
      Answer answer;
      std::vector<std::uint16_t> descriptors;
    };
    std::uint16_t size;
    std::uint32_t available, used;
    Buffer memory;
    std::vector<std::uint16_t> free;
    std::vector<Slot> slots;
    std::map<std::uint16_t, unsigned> in_flight;  ///< by head
    std::uint16_t available_index = 0, last_used = 0;
    unsigned messages_seen = 0;
  };
  Queue& queue(unsigned index = 0) { return *queues_[index]; }
  void kick(unsigned index) {
    Queue& queue = *queues_[index];
    const auto now = queue.available_index;
    if (has(virtio::kEventIndex)) {
      const auto event = queue.memory.get<std::uint16_t>(queue.used + virtio::used::avail_event(queue.size));
      if (static_cast<std::uint16_t>(now - event - 1) >= 1) return;
    }
    doorbell(index);
    ++doorbells;
  }
  unsigned doorbells = 0;
  bool distrustful = false;  ///< passes over what comes back without having been sent

 private:
  void find_registers() {
    const auto word = [&](std::uint32_t offset, unsigned size) { return board_.bus.read_config(TestBoard::kSlot, offset, size); };
    if (const std::uint32_t bar = word(pci::kBar0, 4); (bar & pci::kBarIo) != 0) ports_ = bar & ~pci::kBarIoFlags;
    for (std::uint32_t at = word(pci::kCapabilities, 1); at != 0; at = word(at + 1, 1)) {
      if (word(at, 1) != pci::kCapabilityVendor) continue;
      const std::uint64_t address = board_.function().bar(word(at + 4, 1)).address + word(at + 8, 4);
      switch (static_cast<virtio::CapabilityType>(word(at + 3, 1))) {
        case virtio::CapabilityType::common: common_ = address; break;
        case virtio::CapabilityType::isr: isr_ = address; break;
        case virtio::CapabilityType::device: device_ = address; break;
        case virtio::CapabilityType::notify: notify_ = address, multiplier_ = word(at + 16, 4); break;
        case virtio::CapabilityType::pci_access: break;
      }
    }
  }
  void set_address(std::uint32_t offset, LogicalAddress address) {
    set_common(offset, 4, address.value & 0xFFFF'FFFF);
    set_common(offset + 4, 4, address.value >> 32);
  }
  /// Returns the head.
  std::uint16_t put_chain(Queue& queue, unsigned slot, std::vector<virtio::Descriptor> chain) {
    auto& mine = queue.slots[slot].descriptors;
    mine.clear();
    const bool table = indirect_ && has(virtio::kIndirectDescriptors);
    for (std::size_t i = 0; i < chain.size(); ++i) {
      if (!table) mine.push_back(queue.free.back()), queue.free.pop_back();
      if (i + 1 < chain.size()) chain[i].flags |= virtio::kNext;
    }
    for (std::size_t i = 0; i < chain.size(); ++i) {
      if (i + 1 < chain.size()) chain[i].next = table ? static_cast<std::uint16_t>(i + 1) : mine[i + 1];
      if (table) queue.slots[slot].control->put(kTableAt + 16 * i, chain[i]);
      else queue.memory.put(16u * mine[i], chain[i]);
    }
    if (table) {
      mine.push_back(queue.free.back()), queue.free.pop_back();
      queue.memory.put(16u * mine[0], virtio::Descriptor{queue.slots[slot].control->at(kTableAt).value,
                                                         static_cast<std::uint32_t>(16 * chain.size()), virtio::kIndirect, 0});
    }
    return mine[0];
  }
  void make_available(Queue& queue, std::uint16_t head, unsigned slot) {
    queue.in_flight[head] = slot;
    queue.memory.put(queue.available + virtio::available::entry(queue.available_index % queue.size), head);
    queue.memory.put(queue.available + virtio::available::kIndex, ++queue.available_index);
  }
  bool announced(unsigned index) {
    if (board_.function().msix_enabled()) {
      const unsigned now = board_.messages[kFirstVector + 1 + index];
      const bool fresh = now != queues_[index]->messages_seen;
      queues_[index]->messages_seen = now;
      return fresh;
    }
    if (board_.line) pending_ = isr();
    return (pending_ & virtio::kIsrQueue) != 0;
  }
  void collect(unsigned index) {
    Queue& queue = *queues_[index];
    while (queue.last_used != queue.memory.get<std::uint16_t>(queue.used + virtio::used::kIndex)) {
      const std::uint32_t at = queue.used + virtio::used::entry(queue.last_used++ % queue.size);
      const auto id = queue.memory.get<std::uint32_t>(at);
      const auto head = static_cast<std::uint16_t>(id);
      if (distrustful && (id >= queue.size || !queue.in_flight.contains(head))) continue;
      ASSERT_TRUE(queue.in_flight.contains(head)) << "a head that is not in flight came back";
      const unsigned slot = queue.in_flight[head];
      queue.in_flight.erase(head);
      queue.slots[slot].answer = {true, static_cast<Status>(queue.slots[slot].control->get<std::uint8_t>(kStatusAt)),
                                  queue.memory.get<std::uint32_t>(at + 4)};
      queue.slots[slot].busy = false;
      for (const std::uint16_t d : queue.slots[slot].descriptors) queue.free.push_back(d);
    }
    queue.memory.put(queue.available + virtio::available::used_event(queue.size), queue.last_used);
  }

  TestBoard& board_;
  bool indirect_, legacy_ = false;
  std::uint64_t ports_ = 0, common_ = 0, isr_ = 0, device_ = 0, notify_ = 0;
  std::uint32_t multiplier_ = 0;
  virtio::Features features_ = 0;
  std::uint8_t pending_ = 0;
  std::vector<std::unique_ptr<Queue>> queues_;
};

}  // namespace drydock::virtio_blk
