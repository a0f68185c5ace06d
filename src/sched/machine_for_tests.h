#pragma once
// A machine that does what a test says, a page of driver code, and a page whose touch traps. For tests.

#include <sys/mman.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/check.h"
#include "sched/driving_thread.h"
#include "sched/guard.h"
#include "sched/watchdog.h"

namespace drydock {

class MachineForTests final : public MachineHooks {
 public:
  std::function<void(TrapFrame&)> on_trap = [](TrapFrame&) {};
  std::function<bool(TrapFrame&)> on_forced_preempt = [](TrapFrame&) { return false; };
  std::vector<AbortRecord> aborted;
  std::vector<std::size_t> stack_findings;

  void trap(TrapFrame& frame) override { on_trap(frame); }
  void call_aborted(Fiber&, const AbortRecord& record) override { aborted.push_back(record); }
  void stack_limit_exceeded(Fiber&, std::size_t bytes, const CodePlace&) override { stack_findings.push_back(bytes); }
  bool forced_preempt(TrapFrame& frame) override { return on_forced_preempt(frame); }
  std::uint64_t virtual_now() const override { return now; }
  std::uint64_t now = 0;
};

/// Runs `body` on `fiber` until it has finished, on this thread.
inline void run_on(MachineHooks& machine, Fiber& fiber, std::function<void()> body) {
  fiber.start([](void* f) { (*static_cast<std::function<void()>*>(f))(); }, &body);
  while (!fiber.finished()) run_fiber(machine, fiber);
}

/// Pages of memory of our own.
class PagesForTests {
 public:
  PagesForTests(std::size_t pages, int protection) : size_(pages * 4096) {
    address_ = mmap(nullptr, size_, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(address_ != MAP_FAILED, "no pages");
  }
  ~PagesForTests() { munmap(address_, size_); }
  PagesForTests(const PagesForTests&) = delete;
  PagesForTests& operator=(const PagesForTests&) = delete;
  std::uint8_t* data() { return static_cast<std::uint8_t*>(address_); }
  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(address_); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_;
  void* address_;
};

/// A "driver image": machine code given as bytes.
class CodeForTests {
 public:
  CodeForTests() : pages_(4, PROT_READ | PROT_WRITE | PROT_EXEC) { std::memset(pages_.data(), 0xCC, pages_.size()); }
  const void* add(std::initializer_list<int> bytes) { return add_bytes(bytes); }
  template <class Bytes>
  const void* add_bytes(const Bytes& bytes) {
    CHECK(used_ + 16 * ((bytes.size() + 15) / 16) <= pages_.size(), "the pages are full");
    std::uint8_t* at = pages_.data() + used_;
    for (const int byte : bytes) pages_.data()[used_++] = static_cast<std::uint8_t>(byte);
    used_ = (used_ + 15) & ~std::size_t{15};
    return at;
  }
  template <class F>
  F routine(std::initializer_list<int> bytes) {
    return reinterpret_cast<F>(reinterpret_cast<std::uintptr_t>(add(bytes)));
  }
  void load_into(MachineHooks& machine) { CHECK(machine.images.add(begin(), end(), this), "no slot"); }
  std::uintptr_t begin() const { return pages_.address(); }
  std::uintptr_t end() const { return pages_.address() + pages_.size(); }

 private:
  PagesForTests pages_;
  std::size_t used_ = 0;
};

}  // namespace drydock
