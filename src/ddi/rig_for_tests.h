#pragma once
// A kernel without a machine, for tests of exports: memory, pool, clock, one virtual CPU or more, and a list of findings.
// A body runs as if it were the driver: on a system thread, inside a guarded call.

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ddi/kernel.h"
#include "ddi/row.h"
#include "sched/driving_thread.h"

namespace drydock::ddi {

class KernelForTests final : public Kernel, private TraceObserver {
 public:
  explicit KernelForTests(unsigned cpus = 2, CheckLevel checks = CheckLevel::all, PhysProfile profile = PhysProfile::mixed)
      : memory_(std::move(*PhysicalMemory::create({.size = 16u << 20, .profile = profile, .seed = 1}))),
        scheduler_(*this, cpus, 1), pool_(*memory_, true), pages_(memory_->size() >> kPageShift), locked_(pages_), mappings_(*memory_),
        window_(pages_), registers_(std::move(*MapRegisterPool::create(*memory_, trace_, {.count = 16, .checks = true}))),
        mmio_(memory_->slot()), call_(scheduler_, trace_, checks),
        storage_{scheduler_, *memory_, pool_, locked_, mappings_, window_, *registers_, bus_, mmio_, registry_, trace_, call_} {
    services_ = &storage_;
    spaces_ = &spaces_owned_;
    scheduler_.set_thread_objects([](void* self, unsigned) { return static_cast<void*>(static_cast<KernelForTests*>(self)->allocate(0x800)); }, this);
    mdls_ = &mdls_owned_;
    if (checks != CheckLevel::off) mdls_->map_with_care();
    if (checks != CheckLevel::off) trace_.add(*this, false);
  }
  ~KernelForTests() { objects_.reset(), contiguous_.clear(); }

  /// Runs `body` as driver code.
  void run(std::function<void()> body) { EXPECT_EQ(run_to_the_end(std::move(body)), Driven::done); }
  /// It may end early, and the machine with it: by an exception, or a bug check.
  Driven run_to_the_end(std::function<void()> body) {
    struct Body final : Task {
      Body(KernelForTests& k, std::function<void()> b) : kernel(k), body(std::move(b)) {}
      void run() override {
        kernel.call_("test", EntryKind::routine, &enter, static_cast<void*>(this));
        done = true;
      }
      static MSABI void enter(void* self) { static_cast<Body*>(self)->body(); }
      KernelForTests& kernel;
      std::function<void()> body;
      bool done = false;
    } task(*this, std::move(body));
    DrivingThread driving(*this);
    scheduler_.queue_task(task, 0);
    return scheduler_.drive(task.done);
  }

  /// Memory a driver may own.
  template <class T = char>
  T* allocate(std::size_t bytes) { return static_cast<T*>(pool_.allocate(bytes, PoolKind::nonpaged, 0x74736554)); }

  PhysicalMemory& memory() { return *memory_; }
  Scheduler& scheduler() { return scheduler_; }
  SystemMappings& mappings() { return mappings_; }
  std::vector<std::string> findings;  ///< "RULE: message"
  std::vector<std::string> printed;
  std::uint64_t constant = 0;  ///< an address in the read-only part of "the image"
  std::vector<std::uint64_t> touched;  ///< addresses in the forbidden or the lent view

  NTSTATUS initialize_storport(void*, void*, const void*) override { return STATUS_SUCCESS; }
  [[noreturn]] void bug_check(std::uint32_t, const std::uint64_t (&)[4], CodePlace, std::string_view) override { abort_driver_call(*current_fiber, AbortReason::bug_check); }
  [[noreturn]] void raise_exception(TrapFrame&, EXCEPTION_RECORD& record) override {
    raised.push_back(record.ExceptionCode);
    abort_driver_call(*current_fiber, AbortReason::exception);
  }
  seh::Dispatcher& exceptions() override { return exceptions_; }
  std::vector<NTSTATUS> raised;  ///< a routine raised it; the call ended there
  void debug_print(std::string_view text) override { printed.emplace_back(text); }
  std::string name_of(std::uint64_t) const override { return "test"; }
  bool in_image(std::uint64_t address, std::uint64_t, bool write) const override { return constant != 0 && address == constant && !write; }
  void touch(std::uint64_t address, std::uint64_t, PhysicalMemory::Place, bool, CodePlace) override { touched.push_back(address); }
  TouchVerdict touch_user(std::uint64_t address, std::uint64_t size, bool write, TouchBy, CodePlace) override {
    const TouchVerdict verdict = spaces_owned_.judge({address, size, write, scheduler_.process(), scheduler_.irql()}).verdict;
    user_touches.push_back({address, verdict});
    return verdict;
  }
  std::vector<std::pair<std::uint64_t, TouchVerdict>> user_touches;
  std::byte* touch_mapping(std::uint64_t address, std::uint64_t, bool, CodePlace) override {
    touched.push_back(address);
    return nullptr;
  }
  void probe(std::uint64_t address, std::uint64_t, const char*, CodePlace) override { probed.push_back(address); }
  std::vector<std::uint64_t> probed;
  void trap(TrapFrame&) override { ADD_FAILURE() << "a trap"; }

 private:
  void observe(const TraceEvent& event) override {
    if (const auto* broken = std::get_if<RuleBroken>(&event)) findings.push_back(std::string(broken->rule) + ": " + broken->message);
  }

  struct NoImages final : CodeMap {
    std::optional<CodeImage> image_at(std::uint64_t) const override { return std::nullopt; }
  };

  Trace trace_;
  NoImages no_images_;
  seh::Dispatcher exceptions_{no_images_};
  std::unique_ptr<PhysicalMemory> memory_;
  Scheduler scheduler_;
  Pool pool_;
  std::size_t pages_;
  LockedPages locked_;
  SystemMappings mappings_;
  DmaWindow window_;
  std::unique_ptr<MapRegisterPool> registers_;
  MmioMap mmio_;
  Bus bus_;
  Registry registry_;
  DriverCall call_;
  storport::Services storage_;
  AddressSpaces spaces_owned_{*memory_, locked_};
  MdlBook mdls_owned_{*memory_, locked_, mappings_, spaces_owned_};
};

/// The export as a driver would call it.
template <class F>
F export_named(std::string_view module, std::string_view name) {
  const Row* row = find_row(module, name);
  EXPECT_NE(row, nullptr) << name;
  return reinterpret_cast<F>(reinterpret_cast<std::uintptr_t>(row->address));
}

}  // namespace drydock::ddi
