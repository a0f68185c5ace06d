#pragma once
// BusMaster: a device's only way to memory. Every access names a logical address and is looked up in the table of live
// DMA mappings; an access outside one, or in the wrong direction, is refused, counted and reported. Host pointers it
// returns stay valid until the page is freed, and reach to the end of the page at most.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/address.h"
#include "mem/physical_memory.h"
#include "trace/trace.h"

namespace drydock {

enum class DmaDirection : std::uint8_t { to_device = 1, from_device = 2, both = 3 };

/// Which pages a device may reach now: two counters a file page, kept by hal/ and by the owners of common memory.
class DmaWindow {
 public:
  explicit DmaWindow(std::size_t pages) : readable_(pages), writable_(pages), written_(pages) {}
  void open(std::uint32_t page, DmaDirection direction) { change(page, direction, +1); }
  void close(std::uint32_t page, DmaDirection direction) { change(page, direction, -1); }
  bool allows(std::uint32_t page, DmaDirection direction) const {
    return (direction == DmaDirection::to_device ? readable_ : writable_)[page] != 0;
  }
  /// Has a device written to the page since this was last forgotten?
  bool written(std::uint32_t page) const { return written_[page] != 0; }
  void note_written(std::uint32_t page) { written_[page] = 1; }
  void forget_written(std::uint32_t page) { written_[page] = 0; }

 private:
  void change(std::uint32_t page, DmaDirection direction, int by) {
    const auto bits = static_cast<unsigned>(direction);
    if (bits & 1) readable_[page] = static_cast<std::uint16_t>(readable_[page] + by);
    if (bits & 2) writable_[page] = static_cast<std::uint16_t>(writable_[page] + by);
  }
  std::vector<std::uint16_t> readable_, writable_;
  std::vector<std::uint8_t> written_;
};

class BusMaster {
 public:
  /// `enforce`: look every access up in `window` (checks on).
  BusMaster(PhysicalMemory& memory, DmaWindow& window, Trace& trace, bool enforce)
      : memory_(memory), window_(window), trace_(trace), enforce_(enforce) {}

  /// The host's alias of `length` bytes at `address`, all inside one page; nullptr when the device may not touch them
  /// (the refusal has been traced). `direction` is the device's: to_device = it reads memory.
  std::byte* reach(LogicalAddress address, std::uint32_t length, DmaDirection direction) {
    const Known& known = known_[address.page() % kKnownPages];
    if (known.pfn != address.page() || length > kPageSize - address.offset_in_page() ||
        (enforce_ && !window_.allows(known.page, direction))) [[unlikely]]
      return look_up(address, length, direction);
    if (direction != DmaDirection::to_device) window_.note_written(known.page);
    return known.host + address.offset_in_page();
  }

  /// Who can say more about a refused access: whose memory it is, and where the driver was.
  struct Witness {
    virtual void explain(const BusMaster& master, DmaRefused& refused) = 0;

   protected:
    ~Witness() = default;
  };
  void ask(Witness* witness) { witness_ = witness; }

  /// A device that is told to misbehave would reach for a page when its request is over. True: no live mapping allows it now,
  /// the bus refused, and nothing was touched. False: somebody's mapping allows it, so that it could not be told from a right
  /// access; nothing was touched either.
  bool refuses_stray(LogicalAddress address, std::uint32_t length, DmaDirection direction);

  /// True when every access is looked up: a device must then not keep host pointers from one request to the next.
  bool enforces() const { return enforce_; }
  /// Accesses refused so far.
  std::uint64_t refused() const { return refused_; }

  /// Copies any length; false when some part is out of reach (nothing after that part is copied).
  bool read(LogicalAddress from, std::span<std::byte> to);
  bool write(LogicalAddress to, std::span<const std::byte> from);

  template <class T>
  bool load(LogicalAddress from, T& value) {
    if (from.offset_in_page() <= kPageSize - sizeof(T)) [[likely]] {
      const std::byte* host = reach(from, sizeof(T), DmaDirection::to_device);
      if (host != nullptr) [[likely]] std::memcpy(&value, host, sizeof(T));
      return host != nullptr;
    }
    return read(from, std::as_writable_bytes(std::span(&value, 1)));
  }
  template <class T>
  bool store(LogicalAddress to, const T& value) {
    return write(to, std::as_bytes(std::span(&value, 1)));
  }

 private:
  /// Pages met lately. A PFN names one page for the life of the memory, so nothing here ever becomes wrong.
  static constexpr std::size_t kKnownPages = 64;
  struct Known {
    std::uint64_t pfn = ~std::uint64_t{0};
    std::byte* host = nullptr;
    std::uint32_t page = 0;
  };
  std::byte* look_up(LogicalAddress address, std::uint32_t length, DmaDirection direction);
  std::byte* refuse_access(LogicalAddress address, std::uint32_t length, DmaDirection direction);
  template <class Byte, class Copy>
  bool walk(LogicalAddress address, std::span<Byte> bytes, DmaDirection direction, Copy copy);
  std::array<Known, kKnownPages> known_;
  std::uint64_t refused_ = 0;
  PhysicalMemory& memory_;
  DmaWindow& window_;
  Trace& trace_;
  Witness* witness_ = nullptr;
  bool enforce_;
};

}  // namespace drydock
