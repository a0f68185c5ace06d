#pragma once
// DriverTraps: border 2 wired to the machine: what a trapped address is (registers, forbidden or dead memory,
// KUSER_SHARED_DATA), and what the privileged instructions do.

#include <utility>

#include "ddi/kernel.h"
#include "machine/board.h"
#include "trap/trap_service.h"

namespace drydock {

class DriverTraps final : public TrapRegions, public Privileged {
 public:
  DriverTraps(Board& board, ddi::Kernel& kernel);

  /// Completes the instruction, or says why it cannot be.
  TrapOutcome handle(TrapFrame& frame);
  std::uint64_t count() const { return count_; }
  /// The trapped instruction, while handle() runs.
  CodePlace place() const;
  const TrapFrame* frame() const { return frame_; }

  /// int 3 that handle() has met and passed; 0 when it was something else. Ask once.
  std::uint64_t take_breakpoint() { return std::exchange(breakpoint_, 0); }

  Region find(std::uint64_t address) override;

  std::uint64_t read_cr8() override { return board_.scheduler->irql(); }
  void write_cr8(std::uint64_t value) override;
  std::uint32_t in(std::uint16_t port, unsigned size) override;
  void out(std::uint16_t port, unsigned size, std::uint32_t value) override;
  void cli() override;
  void sti() override;
  void hlt() override { board_.scheduler->stall(kMicrosecond); }
  void breakpoint(TrapFrame& frame) override;
  void assertion_failed(TrapFrame& frame) override;
  void fast_fail(TrapFrame& frame, std::uint32_t code) override;

 private:
  struct Registers final : MemoryPort {
    explicit Registers(DriverTraps& t) : traps(t) {}
    void read(std::uint64_t address, void* to, unsigned size) override;
    void write(std::uint64_t address, const void* from, unsigned size) override;
    DriverTraps& traps;
  };
  struct Guarded final : MemoryPort {
    explicit Guarded(DriverTraps& t) : traps(t) {}
    void read(std::uint64_t address, void* to, unsigned size) override;
    void write(std::uint64_t address, const void* from, unsigned size) override;
    DriverTraps& traps;
  };
  struct SharedData final : MemoryPort {
    explicit SharedData(DriverTraps& t) : traps(t) {}
    void read(std::uint64_t address, void* to, unsigned size) override;
    void write(std::uint64_t address, const void* from, unsigned size) override;
    DriverTraps& traps;
  };

  struct User final : MemoryPort {
    explicit User(DriverTraps& t) : traps(t) {}
    void read(std::uint64_t address, void* to, unsigned size) override;
    void write(std::uint64_t address, const void* from, unsigned size) override;
    DriverTraps& traps;
  };
  struct Mapping final : MemoryPort {
    explicit Mapping(DriverTraps& t) : traps(t) {}
    void read(std::uint64_t address, void* to, unsigned size) override;
    void write(std::uint64_t address, const void* from, unsigned size) override;
    DriverTraps& traps;
  };
  Region find_user(std::uint64_t address);

  Board& board_;
  ddi::Kernel& kernel_;
  TrapService service_;
  Registers registers_{*this};
  Guarded guarded_{*this};
  SharedData shared_data_{*this};
  User user_{*this};
  Mapping mapping_{*this};
  const TrapFrame* frame_ = nullptr;
  std::uint64_t count_ = 0;
  std::uint64_t breakpoint_ = 0;
};

}  // namespace drydock
