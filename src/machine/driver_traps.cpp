#include "machine/driver_traps.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "abi/memcheck.h"

namespace drydock {

namespace {

constexpr std::uint64_t kSharedDataSize = 0x1000;

// KUSER_SHARED_DATA as documented by the macros that read it: time as {low, high1, high2}. driver-surface: +0x8, +0x14, +0x320
std::array<std::byte, kSharedDataSize> shared_data(ddi::Kernel& kernel) {
  constexpr std::uint32_t kTickMultiplier = 0x0FA0'0000, kMajor = 10, kBuild = 19045;
  constexpr std::uint64_t kTickLength = 156'250;  // 100 ns units
  std::array<std::byte, kSharedDataSize> page{};
  const auto put = [&](std::size_t at, auto value) { std::memcpy(page.data() + at, &value, sizeof value); };
  const auto put_time = [&](std::size_t at, std::uint64_t time) {
    put(at, time);
    put(at + 8, static_cast<std::uint32_t>(time >> 32));
  };
  put(0x4, kTickMultiplier);
  put_time(0x8, kernel.interrupt_time());
  put_time(0x14, kernel.system_time());
  put(0x260, kBuild);
  put(0x26C, kMajor);
  put_time(0x320, kernel.interrupt_time() / kTickLength);
  return page;
}

}  // namespace

DriverTraps::DriverTraps(Board& board, ddi::Kernel& kernel) : board_(board), kernel_(kernel), service_(*this, *this) {
  memcheck::traps_on_purpose(kKuserSharedData, kSharedDataSize);
}

TrapOutcome DriverTraps::handle(TrapFrame& frame) {
  ++count_;
  const TrapFrame* outer = std::exchange(frame_, &frame);
  TrapOutcome outcome = service_.handle(frame);
  frame_ = outer;
  return outcome;
}

CodePlace DriverTraps::place() const {
  return frame_ == nullptr ? CodePlace{} : CodePlace{frame_->rip(), frame_->rsp(), (*frame_)[Gpr::rbp], false};
}

Region DriverTraps::find(std::uint64_t address) {
  const auto page = [&](RegionKind kind, MemoryPort* port) {
    return Region{kind, address & ~kPageMask, (address & ~kPageMask) + kPageSize, port};
  };
  if (board_.mmio->in_arena(address)) return board_.mmio->find(address) ? page(RegionKind::mmio, &registers_) : Region{};
  if (const auto place = board_.memory->find(address)) {
    if (place->view == View::forbidden) return page(RegionKind::forbidden, &guarded_);
    if (place->view == View::lent) return page(RegionKind::dead, &guarded_);
    if (place->view == View::user) return find_user(address);
    return {};
  }
  if (board_.spaces->is_user(address)) return find_user(address);
  if (board_.mappings->in_arena(address)) return board_.mappings->look(address) ? page(RegionKind::dead, &mapping_) : Region{};
  if (address - kKuserSharedData < kSharedDataSize) return page(RegionKind::kuser, &shared_data_);
  return {};
}

// --- registers ---------------------------------------------------------------------------------------------------------------

void DriverTraps::Registers::read(std::uint64_t address, void* to, unsigned size) {
  Board& board = traps.board_;
  board.scheduler->poll();
  const auto hit = board.mmio->find(address);
  for (unsigned done = 0; done < size; done += 8) {
    const unsigned part = std::min(size - done, 8u);
    const std::uint64_t value = hit->function->read_bar(hit->bar, hit->offset + done, part);
    board.trace.note([&] { return RegisterAccessed{hit->bar, hit->offset + done, part, false, true, value}; });
    std::memcpy(static_cast<std::byte*>(to) + done, &value, part);
  }
}

void DriverTraps::Registers::write(std::uint64_t address, const void* from, unsigned size) {
  Board& board = traps.board_;
  board.scheduler->point(PointCost::register_access);
  const auto hit = board.mmio->find(address);
  for (unsigned done = 0; done < size; done += 8) {
    const unsigned part = std::min(size - done, 8u);
    std::uint64_t value = 0;
    std::memcpy(&value, static_cast<const std::byte*>(from) + done, part);
    board.trace.note([&] { return RegisterAccessed{hit->bar, hit->offset + done, part, true, true, value}; });
    hit->function->written_from({.rip = traps.frame_->rip(), .is_return_address = false});
    hit->function->write_bar(hit->bar, hit->offset + done, part, value);
  }
}

// --- forbidden and dead memory: told, then completed through the alias ------------------------------------------------------------

void DriverTraps::Guarded::read(std::uint64_t address, void* to, unsigned size) {
  traps.kernel_.touch(address, size, *traps.board_.memory->find(address), false, traps.place());
  std::memcpy(to, traps.board_.memory->alias(address), size);
}

void DriverTraps::Guarded::write(std::uint64_t address, const void* from, unsigned size) {
  traps.kernel_.touch(address, size, *traps.board_.memory->find(address), true, traps.place());
  std::memcpy(traps.board_.memory->alias(address), from, size);
}

// --- memory of processes: what may be touched is completed through the alias, the rest is wild --------------------------------

Region DriverTraps::find_user(std::uint64_t address) {
  const auto allowed = [&](bool write) {
    const TouchVerdict verdict = board_.spaces->judge({address, 1, write, board_.scheduler->process(), board_.scheduler->irql()}).verdict;
    return verdict == TouchVerdict::ok || verdict == TouchVerdict::not_locked;
  };
  if (!board_.spaces->in_use() || !allowed(false)) return {};
  const std::uint64_t base = address & ~kPageMask;
  return {RegionKind::user, base, base + kPageSize, &user_, allowed(true)};
}

void DriverTraps::User::read(std::uint64_t address, void* to, unsigned size) {
  traps.kernel_.touch_user(address, size, false, ddi::TouchBy::instruction, traps.place());
  std::memcpy(to, traps.board_.spaces->alias(address, size), size);
}

void DriverTraps::User::write(std::uint64_t address, const void* from, unsigned size) {
  traps.kernel_.touch_user(address, size, true, ddi::TouchBy::instruction, traps.place());
  std::memcpy(traps.board_.spaces->alias(address, size), from, size);
}

// --- mappings of MDLs: what is not there reads as zeros, and what is written to it is lost ----------------------------------------

void DriverTraps::Mapping::read(std::uint64_t address, void* to, unsigned size) {
  std::byte* alias = traps.kernel_.touch_mapping(address, size, false, traps.place());
  if (alias != nullptr) std::memcpy(to, alias, size);
  else std::memset(to, 0, size);
}

void DriverTraps::Mapping::write(std::uint64_t address, const void* from, unsigned size) {
  std::byte* alias = traps.kernel_.touch_mapping(address, size, true, traps.place());
  if (alias != nullptr) std::memcpy(alias, from, size);
}

void DriverTraps::SharedData::read(std::uint64_t address, void* to, unsigned size) {
  traps.board_.scheduler->poll();
  const auto page = shared_data(traps.kernel_);
  std::memcpy(to, page.data() + (address - kKuserSharedData), size);
}

void DriverTraps::SharedData::write(std::uint64_t, const void*, unsigned) {
  traps.kernel_.bug_check(0xBE, {}, traps.place());  // ATTEMPTED_WRITE_TO_READONLY_MEMORY
}

// --- privileged instructions --------------------------------------------------------------------------------------------------

void DriverTraps::write_cr8(std::uint64_t value) {
  Scheduler& scheduler = *board_.scheduler;
  const auto to = static_cast<Irql>(value & 0xF);
  if (to >= scheduler.irql()) scheduler.raise_irql(to);
  else scheduler.lower_irql(to);
}

std::uint32_t DriverTraps::in(std::uint16_t port, unsigned size) {
  board_.scheduler->poll();
  const auto hit = board_.bus.find_port(port);
  return hit ? static_cast<std::uint32_t>(hit->function->read_bar(hit->bar, hit->offset, size)) : ~0u;
}

void DriverTraps::out(std::uint16_t port, unsigned size, std::uint32_t value) {
  board_.scheduler->point(PointCost::register_access);
  const auto hit = board_.bus.find_port(port);
  if (!hit) return;
  hit->function->written_from({.rip = frame_->rip(), .is_return_address = false});
  hit->function->write_bar(hit->bar, hit->offset, size, value);
}

// Interrupts off is as high as IRQL goes on this CPU; on again, what waits is taken.
void DriverTraps::cli() { board_.scheduler->disable_interrupts(); }
void DriverTraps::sti() { board_.scheduler->enable_interrupts(); }

void DriverTraps::breakpoint(TrapFrame& frame) { breakpoint_ = frame.rip(); }

void DriverTraps::assertion_failed(TrapFrame&) {
  board_.trace.emit(RuleBroken{"DRY-02", "", "an assertion of the driver failed (NT_ASSERT)", place()});
}

// The codes are winnt.h's FAST_FAIL_ constants; those that compilers and headers use have words. No string: this frame is
// abandoned.
void DriverTraps::fast_fail(TrapFrame&, std::uint32_t code) {
  constexpr std::uint32_t kSecurityCheckFailure = 0x139, kStackCookie = 2, kCorruptList = 3;
  const char* meaning = code == kStackCookie   ? ": a stack buffer was overrun, the security cookie of the frame has changed"
                        : code == kCorruptList ? ": a LIST_ENTRY is corrupt"
                                               : "";
  std::array<char, 128> why;
  const auto written = fmt::format_to_n(why.data(), why.size(), "__fastfail({}){}", code, meaning);
  kernel_.bug_check(kSecurityCheckFailure, {code, 0, 0, 0}, place(), {why.data(), std::min(written.size, why.size())});
}

}  // namespace drydock
