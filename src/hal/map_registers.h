#pragma once
// Map registers as the scarce thing they are. A register is a page of RAM that the device reaches; a bounced byte lives
// there between map and flush. One pool serves the adapters of a machine that share an address limit. What is taken from
// it is a Lease: consecutive registers, given back by the destructor.
//
// Who asks when there are too few waits in line. The line is served strictly in order, with one exception: whoever is held
// up by its own adapter's limit does not hold up other adapters. Nobody overtakes a waiter by asking at the right moment.
//
// With checks on, free registers and the parts of leased ones that no transfer uses hold 0x0F; a change is a device (or
// driver) writing outside its buffer. DOC: DMA-40 DMA-46 VER-10

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hal/plan.h"
#include "mem/physical_memory.h"
#include "trace/trace.h"

namespace drydock {

/// What one adapter may hold, and holds. Outlives its leases.
struct RegisterAccount {
  std::uint32_t at_once = ~std::uint32_t{0};   ///< registers in one lease: what IoGetDmaAdapter reports
  std::uint32_t in_total = ~std::uint32_t{0};  ///< registers in all leases together
  std::uint32_t held = 0;

  bool ever(std::uint32_t count) const { return count <= at_once && count <= in_total; }
  bool now(std::uint32_t count) const { return count <= in_total - held; }
};

class MapRegisterPool {
 public:
  class Lease;

  /// Waits in line. Called when the registers are there, from within somebody's release: it must only note the lease.
  class Waiter {
   public:
    virtual void registers_granted(Lease lease) = 0;

   protected:
    ~Waiter() = default;
  };

  struct Options {
    std::uint32_t count = 1024;
    std::uint64_t highest = 0xFFFF'FFFF;  ///< highest address of a register
    bool checks = false;
  };
  static Result<std::unique_ptr<MapRegisterPool>> create(PhysicalMemory& memory, Trace& trace, const Options& options);
  ~MapRegisterPool();
  MapRegisterPool(const MapRegisterPool&) = delete;
  MapRegisterPool& operator=(const MapRegisterPool&) = delete;

  /// Can `count` registers ever be had by this account, if everything else comes back?
  bool ever(const RegisterAccount& account, std::uint32_t count, std::uint64_t boundary = 0) const;
  /// Consecutive registers, not across a multiple of `boundary` (0: none). Empty when they are not free now, or when
  /// somebody waits who asked before.
  Lease lease(RegisterAccount& account, std::uint32_t count, std::uint64_t boundary = 0);
  /// Gets in line; granted at once when nobody is before it. ever() holds. One place per waiter.
  void wait(Waiter& waiter, RegisterAccount& account, std::uint32_t count, std::uint64_t boundary = 0);
  /// Leaves the line; false when the waiter was not (or no longer) in it.
  bool stop_waiting(Waiter& waiter);

  std::uint32_t count() const { return count_; }
  std::uint32_t free_count() const { return free_; }
  std::size_t waiting() const { return line_.size(); }
  std::uint64_t first_page() const { return first_page_; }
  LogicalAddress last_address() const { return {((first_page_ + count_) << kPageShift) - 1}; }
  bool checks() const { return checks_; }

  /// drydock's alias of a byte in the registers.
  std::byte* host(LogicalAddress address) const { return host_ + (address.value - (first_page_ << kPageShift)); }
  /// File page of a register's address.
  std::uint32_t file_page(LogicalAddress address) const {
    return pages_.first + static_cast<std::uint32_t>(address.page() - first_page_);
  }

  /// With checks on: reports every changed byte range in free registers (once); returns how many registers were changed.
  std::uint32_t verify_free();

 private:
  struct Place {
    Waiter* waiter;
    RegisterAccount* account;
    std::uint32_t count;
    std::uint64_t boundary;
  };
  MapRegisterPool(PhysicalMemory& memory, Trace& trace, const Options& options, PageRun pages);

  std::optional<std::uint32_t> find(std::uint32_t count, std::uint64_t boundary) const;
  std::optional<std::uint32_t> find_from(std::uint32_t from, std::uint32_t end, std::uint32_t count, std::uint64_t boundary) const;
  std::uint32_t next_bit(std::uint32_t from, std::uint32_t end, bool free) const;
  void mark(std::uint32_t first, std::uint32_t count, bool free);
  Lease take(RegisterAccount& account, std::uint32_t first, std::uint32_t count);
  void give_back(std::uint32_t first, std::uint32_t count, RegisterAccount& account);
  void serve_line();
  bool must_queue(const RegisterAccount& account) const;
  bool verify(std::uint32_t reg);

  PhysicalMemory& memory_;
  Trace& trace_;
  PageRun pages_;
  std::uint64_t first_page_;  ///< logical page number of register 0
  std::byte* host_;
  std::uint32_t count_;
  std::uint32_t free_;
  std::uint32_t next_ = 0;  ///< where the next search begins
  bool checks_;
  bool serving_ = false;
  std::vector<std::uint64_t> free_bits_;
  std::vector<Bounce> records_;  ///< one per register: what lies in it
  std::deque<Place> line_;
};

class MapRegisterPool::Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), account_(other.account_), first_(other.first_), count_(other.count_) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(account_, other.account_);
    std::swap(first_, other.first_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Lease() {
    if (pool_ != nullptr) [[unlikely]] pool_->give_back(first_, count_, *account_);
  }
  explicit operator bool() const { return pool_ != nullptr; }

  std::uint32_t count() const { return pool_ != nullptr ? count_ : 0; }
  MapRegisterPool& pool() const { return *pool_; }
  /// The registers from number `from` of the lease on, and their records.
  RegisterRun run(std::uint32_t from = 0) const {
    return pool_ != nullptr ? RegisterRun{pool_->first_page_ + first_ + from, count_ - from} : RegisterRun{};
  }
  std::span<Bounce> records(std::uint32_t from = 0) const {
    return pool_ != nullptr ? std::span(pool_->records_).subspan(first_ + from, count_ - from) : std::span<Bounce>();
  }

 private:
  friend class MapRegisterPool;
  Lease(MapRegisterPool& pool, RegisterAccount& account, std::uint32_t first, std::uint32_t count)
      : pool_(&pool), account_(&account), first_(first), count_(count) {}

  MapRegisterPool* pool_ = nullptr;
  RegisterAccount* account_ = nullptr;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

/// What free registers and paddings hold while checks are on. DOC: VER-10
inline constexpr std::byte kRegisterFill{0x0F};
bool holds_register_fill(const std::byte* start, std::size_t bytes);

}  // namespace drydock
