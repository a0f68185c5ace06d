#pragma once
// Scheduler: virtual CPUs, IRQL, interrupts, DPCs, threads and the clock of one machine, all on one OS thread at a time.
//
// It promises: code at an IRQL is interrupted only by what is higher, and only at preemption points; DPCs of a CPU run
// when it falls below DISPATCH_LEVEL; which CPU goes on at a point is decided by the seed and nothing else. Virtual time
// moves when driver code reaches a point (a little), when it stalls, and, when every CPU is idle, to the next event.
// With nothing to wait for it stands still.
//
// It does not know drivers: ports wrap driver routines in InterruptSource, Dpc and Task.

#include <cstdint>
#include <memory>
#include <vector>

#include "abi/ms_abi.h"
#include "base/seeded.h"
#include "sched/machine_hooks.h"
#include "sched/timeline.h"
#include "sched/virtual_cpu.h"

namespace drydock {

/// What a preemption point costs in virtual time.
enum class PointCost : Nanoseconds { routine = 50, register_access = 200, spin = 100 };

enum class Driven : std::uint8_t {
  done,    ///< what was waited for has happened
  stuck,   ///< nothing can happen any more
  halted,  ///< the machine stopped (bug check)
};

class Scheduler {
 public:
  Scheduler(MachineHooks& hooks, unsigned cpus, std::uint64_t seed);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  Timeline& timeline() { return timeline_; }
  Nanoseconds now() const { return timeline_.now(); }
  unsigned cpu_count() const { return static_cast<unsigned>(cpus_.size()); }
  VirtualCpu& cpu(unsigned index) { return *cpus_[index]; }
  /// The CPU whose code is running; the last one between fibers.
  VirtualCpu& cpu() { return *current_; }
  Fiber& fiber() { return *current_->current; }
  /// Is [address, +size) on the stack of any thread or CPU of the machine? Not for the fast path.
  bool on_any_stack(std::uint64_t address, std::uint64_t size) const;
  /// True while code runs on a fiber (a driver may be entered), false on the driving thread's own stack.
  bool on_fiber() const { return on_fiber_; }

  // --- IRQL -------------------------------------------------------------------------------------------------------
  Irql irql() const { return current_->irql; }
  /// Returns the old level. Raising is immediate; what waits is not looked at.
  Irql raise_irql(Irql to) {
    const Irql old = current_->irql;
    current_->irql = to;
    return old;
  }
  /// Takes what became possible: interrupts, then DPCs.
  void lower_irql(Irql to) {
    current_->irql = to;
    if (current_->wanted > to) [[unlikely]] deliver();
  }

  /// cli and sti of the driver: on the CPU's current code nothing interrupts until sti.
  void disable_interrupts();
  void enable_interrupts();

  // --- preemption -------------------------------------------------------------------------------------------------
  /// Driver code passed a place where the world may look in. On a fiber only.
  void point(PointCost cost) {
    ++hooks_.progress;
    if (timeline_.advance_to_look(static_cast<Nanoseconds>(cost))) [[unlikely]] look_around();
  }
  /// Driver code read a register, or the clock. A long run of such reads during which nothing else happens is a busy-wait: time passes
  /// faster in it, so that what it waits for, or its time-out, comes soon.
  void poll() {
    if (activity_ != polled_activity_) polled_activity_ = activity_, polls_ = 0;
    if (++polls_ < kPollsMax) [[likely]] return point(PointCost::register_access);
    wait_busily();
  }
  /// Driver code waits without giving up the CPU (StorPortStallExecution): interrupts are taken, time passes.
  void stall(Nanoseconds time);
  /// One round of waiting for another CPU.
  void spin();

  // --- work -------------------------------------------------------------------------------------------------------
  /// Notes an interrupt; it is taken on its CPU at the next chance.
  void raise_interrupt(InterruptSource& source);
  void withdraw_interrupt(InterruptSource& source);
  /// False when it is already queued.
  bool queue_dpc(Dpc& dpc, unsigned cpu_index) {
    if (dpc.queued_) return false;
    dpc.queued_ = true;
    VirtualCpu& target = *cpus_[cpu_index];
    target.dpcs.push(dpc);
    note_work(target);
    return true;
  }
  /// The same, before those that wait already.
  bool queue_dpc_first(Dpc& dpc, unsigned cpu_index);
  bool cancel_dpc(Dpc& dpc);
  /// Runs `task` on a system thread of that CPU.
  void queue_task(Task& task, unsigned cpu_index);
  /// The calling thread sleeps for `time`; PASSIVE or APC level only.
  void sleep(Nanoseconds time);
  /// The calling thread sleeps until woken.
  void block();
  Thread* thread() { return current_->thread; }
  /// Whose user memory is current: in a DPC or an interrupt that of the interrupted thread. Null: nobody's.
  const ProcessContext* process() const { return current_->thread == nullptr ? nullptr : current_->thread->process; }
  void wake(Thread& thread);
  /// The calling thread goes on on that CPU; PASSIVE or APC level only.
  void move_thread(unsigned cpu_index);
  /// The others of its CPU have a turn before the calling thread goes on.
  void yield_turn() { end_quantum(); }
  /// From now on drivers see `object` as the calling thread's. The one they saw before.
  void* show_thread_object(void* object);
  /// Whose thread object this is; null: nobody's.
  const Thread* thread_of_object(const void* object) const;
  /// Who runs it; null: nobody.
  const Thread* thread_of_task(const Task& task) const;

  // --- driving ----------------------------------------------------------------------------------------------------
  /// Runs the machine on the calling OS thread until `done`. The caller holds the machine's mutex and a DrivingThread.
  Driven drive(const bool& done);
  /// To be asked once in every round of drive(): more work may have arrived from other client threads; true when it has.
  void set_inbox(bool (*poll)(void*), void* context) { poll_inbox_ = poll, inbox_context_ = context; }

  /// The machine stops: the calling fiber never goes on. Called on a fiber.
  [[noreturn]] void halt();
  bool halted() const { return halted_; }

  /// A driver loops without any point: lets time pass and others run. True when something did. On its fiber.
  bool force_progress(Nanoseconds time);

  Seeded& choose() { return choose_; }

  /// Gives thread number n the address that drivers see as its thread object.
  void set_thread_objects(void* (*make)(void*, unsigned), void* context) { make_kthread_ = make, kthread_context_ = context; }

 private:
  static constexpr std::uint32_t kPollsMax = 10'000;
  bool others_busy() const { return (busy_ & ~current_->bit) != 0; }
  static bool runnable(const VirtualCpu& cpu) { return cpu.current != nullptr || cpu.wanted != kPassiveLevel || !cpu.ready.empty(); }
  // In Microsoft's convention, so that an export need not save registers for a call that hardly ever happens.
  [[gnu::noinline]] MSABI void look_around() noexcept;
  /// Must the running code look around at its next point? To be asked again whenever work comes or the CPU changes.
  void note_work(VirtualCpu& target) {
    target.note_waiting();
    busy_ |= target.bit;
    reconsider();
  }
  void reconsider() { timeline_.set_urgent(current_->wanted > current_->irql || others_busy()); }
  [[gnu::noinline]] MSABI void wait_busily() noexcept;
  void end_quantum();
  [[gnu::noinline]] MSABI void deliver() noexcept;
  void deliver_interrupt(VirtualCpu& cpu);
  void deliver_dpcs(VirtualCpu& cpu);
  void yield_cpu();
  VirtualCpu* pick();
  void run(VirtualCpu& cpu);
  void switch_to(VirtualCpu& cpu, Fiber& fiber);
  void take_thread(VirtualCpu& cpu);
  Thread& idle_thread();
  static void idle_body(void* self);
  static void thread_body(void* thread);
  void worker(Thread& thread);
  void stay(Thread& thread);

  MachineHooks& hooks_;
  Timeline timeline_;
  Seeded choose_;
  std::vector<std::unique_ptr<VirtualCpu>> cpus_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Thread*> spare_threads_;
  VirtualCpu* current_;
  std::uint64_t busy_ = 0;  ///< CPUs that are runnable; seldom one more
  const bool* done_ = nullptr;  ///< what drive() waits for
  std::uint64_t patience_ = 1;
  bool on_fiber_ = false;
  std::uint64_t activity_ = 0;  ///< interrupts and DPCs run, threads that took turns
  std::uint64_t polled_activity_ = 0;
  std::uint32_t polls_ = 0;  ///< register reads in a row without activity
  bool halted_ = false;
  unsigned gs_cpu_ = ~0u;
  bool (*poll_inbox_)(void*) = nullptr;
  void* inbox_context_ = nullptr;
  void* (*make_kthread_)(void*, unsigned) = nullptr;
  void* kthread_context_ = nullptr;
};

}  // namespace drydock
