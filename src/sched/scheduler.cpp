#include "sched/scheduler.h"

#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "sched/driving_thread.h"

namespace drydock {

namespace {

constexpr std::size_t kGsCurrentThread = 0x188;
constexpr std::uint64_t kLongestPatience = 32;  // points passed before the other CPU gets a turn, at most
constexpr unsigned kCpusMax = 64;

void show_thread(VirtualCpu& cpu, void* kthread) {
  if (cpu.gs_page != nullptr)
    std::memcpy(static_cast<std::byte*>(cpu.gs_page) + kGsCurrentThread, &kthread, sizeof kthread);
}

}  // namespace

Scheduler::Scheduler(MachineHooks& hooks, unsigned cpus, std::uint64_t seed) : hooks_(hooks), choose_(seed) {
  CHECK(cpus >= 1 && cpus <= kCpusMax, "{} virtual CPUs", cpus);
  for (unsigned i = 0; i < cpus; ++i) {
    cpus_.push_back(std::make_unique<VirtualCpu>(*this, i));
    cpus_.back()->idle.start(&Scheduler::idle_body, cpus_.back().get());
  }
  current_ = cpus_[0].get();
  hooks.scheduler = this;
}

Scheduler::~Scheduler() = default;

// --- preemption ---------------------------------------------------------------------------------------------------------

MSABI void Scheduler::look_around() noexcept {
  if (timeline_.something_due()) timeline_.fire_due();
  if (current_->wanted > current_->irql) deliver();
  if (others_busy() && --patience_ == 0) {
    patience_ = 1 + choose_.below(kLongestPatience);
    yield_cpu();
    if (current_->wanted > current_->irql) deliver();
  }
  reconsider();
}

void Scheduler::stall(Nanoseconds time) {
  const Nanoseconds end = now() + time;
  while (now() < end) {
    const Nanoseconds next = timeline_.next_due() < end ? timeline_.next_due() : end;
    if (next > now()) timeline_.advance(next - now());
    ++hooks_.progress;
    look_around();
  }
  end_quantum();
}

MSABI void Scheduler::wait_busily() noexcept {
  constexpr std::uint32_t kLong = 100'000;
  stall(polls_ < kLong ? 5 * kMicrosecond : 20 * kMicrosecond);
}

// Below DISPATCH_LEVEL a thread that computes or waits busily shares its CPU with the others of that CPU.
void Scheduler::end_quantum() {
  VirtualCpu& cpu = *current_;
  Thread* self = cpu.thread;
  if (self == nullptr || cpu.irql >= kDispatchLevel || cpu.interrupts_off || cpu.ready.empty()) return;
  const Irql irql = cpu.irql;
  cpu.ready.push(*self);
  cpu.current = nullptr;
  cpu.thread = nullptr;
  cpu.irql = kPassiveLevel;
  ++activity_;
  self->fiber.suspend();
  cpu.irql = irql;
  reconsider();
}

bool Scheduler::force_progress(Nanoseconds time) {
  const std::uint64_t progress = hooks_.progress, activity = activity_;
  const bool due = timeline_.next_due() <= now() + time;
  stall(time);
  const std::uint64_t own = hooks_.progress;
  if (others_busy()) yield_cpu();
  const bool others_went_on = hooks_.progress != own;
  if (due || activity_ != activity || others_went_on) return true;
  hooks_.progress = progress;  // passing time alone is no progress: the watchdog goes on counting
  return false;
}

void Scheduler::spin() {
  timeline_.advance(static_cast<Nanoseconds>(PointCost::spin));
  ++hooks_.progress;
  if (timeline_.something_due()) timeline_.fire_due();
  yield_cpu();
}

// Gives the other CPUs a turn; this CPU stays occupied by the fiber.
void Scheduler::yield_cpu() {
  VirtualCpu& self = *current_;
  self.current->suspend();
  current_ = &self;
  reconsider();
}

void Scheduler::disable_interrupts() { current_->interrupts_off = true; }

void Scheduler::enable_interrupts() {
  current_->interrupts_off = false;
  if (current_->wanted > current_->irql) deliver();
}

// --- interrupts and DPCs --------------------------------------------------------------------------------------------------

void Scheduler::raise_interrupt(InterruptSource& source) {
  if (source.pending) return;
  source.pending = true;
  VirtualCpu& target = *cpus_[source.cpu_index];
  target.interrupts.push(source);
  note_work(target);
}

void Scheduler::withdraw_interrupt(InterruptSource& source) {
  if (!source.pending) return;
  source.pending = false;
  cpus_[source.cpu_index]->interrupts.remove(source);
  cpus_[source.cpu_index]->note_waiting();
}

bool Scheduler::queue_dpc_first(Dpc& dpc, unsigned cpu_index) {
  if (dpc.queued_) return false;
  dpc.queued_ = true;
  cpus_[cpu_index]->dpcs.push_front(dpc);
  note_work(*cpus_[cpu_index]);
  return true;
}

bool Scheduler::cancel_dpc(Dpc& dpc) {
  if (!dpc.queued_) return false;
  for (auto& each : cpus_)
    if (each->dpcs.remove(dpc)) each->note_waiting();
  dpc.queued_ = false;
  return true;
}

MSABI void Scheduler::deliver() noexcept {
  VirtualCpu& cpu = *current_;
  if (cpu.interrupts_off) return;
  while (cpu.wanted > cpu.irql)
    if (cpu.interrupts.front() != nullptr) deliver_interrupt(cpu);
    else deliver_dpcs(cpu);
}

void Scheduler::deliver_interrupt(VirtualCpu& cpu) {
  InterruptSource* source = cpu.interrupts.pop();
  cpu.note_waiting();
  source->pending = false;
  const Irql interrupted = cpu.irql;
  cpu.irql = source->irql;
  ++activity_;
  source->service();
  cpu.irql = interrupted;
  if (source->asserted) raise_interrupt(*source);
}

void Scheduler::deliver_dpcs(VirtualCpu& cpu) {
  const Irql interrupted = cpu.irql;
  cpu.irql = kDispatchLevel;
  while (Dpc* dpc = cpu.dpcs.pop()) {
    cpu.note_waiting();
    dpc->queued_ = false;
    ++activity_;
    dpc->run();
    while (cpu.wanted > kDispatchLevel) deliver_interrupt(cpu);
  }
  cpu.irql = interrupted;
}

// --- threads --------------------------------------------------------------------------------------------------------------

void Scheduler::idle_body(void* self) {
  auto& cpu = *static_cast<VirtualCpu*>(self);
  for (;;) {
    cpu.scheduler.deliver();
    cpu.current = nullptr;
    cpu.idle.suspend();
  }
}

void Scheduler::thread_body(void* self) {
  auto& thread = *static_cast<Thread*>(self);
  thread.scheduler.worker(thread);
}

void Scheduler::worker(Thread& thread) {
  for (;;) {
    thread.task->run();
    thread.task = nullptr;
    stay(thread);
    spare_threads_.push_back(&thread);
    cpus_[thread.cpu_index]->current = nullptr;
    thread.fiber.suspend();
  }
}

// What drive() and the idle fiber would do next, without switching stacks for it: as long as no other CPU and no other
// thread has anything to do, the thread that is done serves its CPU as the idle thread.
void Scheduler::stay(Thread& thread) {
  VirtualCpu& cpu = *cpus_[thread.cpu_index];
  cpu.thread = nullptr;
  show_thread(cpu, nullptr);
  for (;;) {
    if (cpu.wanted != kPassiveLevel && !cpu.interrupts_off) deliver();
    if (*done_ || (poll_inbox_ != nullptr && poll_inbox_(inbox_context_)) || others_busy() || !cpu.ready.empty() || cpu.interrupts_off) return;
    if (!timeline_.jump_to_next()) return;
  }
}

Thread& Scheduler::idle_thread() {
  if (spare_threads_.empty()) {
    const auto number = static_cast<unsigned>(threads_.size());
    threads_.push_back(std::make_unique<Thread>(*this, "thread " + std::to_string(number)));
    threads_.back()->fiber.start(&Scheduler::thread_body, threads_.back().get());
    if (make_kthread_ != nullptr) threads_.back()->kthread = make_kthread_(kthread_context_, number);
    return *threads_.back();
  }
  Thread& thread = *spare_threads_.back();
  spare_threads_.pop_back();
  return thread;
}

void Scheduler::queue_task(Task& task, unsigned cpu_index) {
  Thread& thread = idle_thread();
  thread.task = &task;
  thread.cpu_index = cpu_index;
  wake(thread);
}

void Scheduler::wake(Thread& thread) {
  thread.blocked = false;
  VirtualCpu& cpu = *cpus_[thread.cpu_index];
  cpu.ready.push(thread);
  busy_ |= cpu.bit;
  reconsider();
}

void Scheduler::block() {
  VirtualCpu& cpu = *current_;
  Thread* self = cpu.thread;
  CHECK(self != nullptr && cpu.irql < kDispatchLevel, "something waits on no thread, at IRQL {}", cpu.irql);
  self->blocked = true;
  cpu.current = nullptr;
  cpu.thread = nullptr;
  const Irql irql = cpu.irql;
  cpu.irql = kPassiveLevel;
  self->fiber.suspend();
  cpu.irql = irql;
}

void Scheduler::move_thread(unsigned cpu_index) {
  VirtualCpu& cpu = *current_;
  Thread* self = cpu.thread;
  CHECK(self != nullptr && cpu.irql < kDispatchLevel, "something moves to another CPU on no thread, at IRQL {}", cpu.irql);
  if (cpu.index == cpu_index) return;
  const Irql irql = cpu.irql;
  cpu.current = nullptr;
  cpu.thread = nullptr;
  cpu.irql = kPassiveLevel;
  self->cpu_index = cpu_index;
  wake(*self);
  self->fiber.suspend();
  cpus_[cpu_index]->irql = irql;
  reconsider();
}

void* Scheduler::show_thread_object(void* object) {
  Thread& self = *current_->thread;
  void* before = std::exchange(self.kthread, object);
  show_thread(*current_, object);
  return before;
}

const Thread* Scheduler::thread_of_object(const void* object) const {
  for (const auto& each : threads_)
    if (each->kthread == object) return each.get();
  return nullptr;
}

const Thread* Scheduler::thread_of_task(const Task& task) const {
  for (const auto& each : threads_)
    if (each->task == &task) return each.get();
  return nullptr;
}

void Scheduler::sleep(Nanoseconds time) {
  struct WakeUp final : Event {
    WakeUp(Scheduler& s, Thread& t) : scheduler(s), thread(t) {}
    ~WakeUp() override = default;
    void fire() override { scheduler.wake(thread); }
    Scheduler& scheduler;
    Thread& thread;
  } wake_up(*this, *current_->thread);
  timeline_.schedule(wake_up, time);
  block();
}

bool Scheduler::on_any_stack(std::uint64_t address, std::uint64_t size) const {
  const auto holds = [&](const Fiber& fiber) { return fiber.owns_stack(address) && size <= fiber.stack_top() - address; };
  for (const auto& each : cpus_)
    if (holds(each->idle)) return true;
  for (const auto& each : threads_)
    if (holds(each->fiber)) return true;
  return false;
}

// --- driving --------------------------------------------------------------------------------------------------------------

VirtualCpu* Scheduler::pick() {
  std::uint64_t left = busy_;
  VirtualCpu* chosen = nullptr;
  std::uint64_t candidates = 0;
  while (left != 0) {
    VirtualCpu& cpu = *cpus_[static_cast<std::size_t>(std::countr_zero(left))];
    left &= left - 1;
    if (!runnable(cpu)) {
      busy_ &= ~cpu.bit;
      continue;
    }
    ++candidates;
    if (candidates == 1 || choose_.below(candidates) == 0) chosen = &cpu;
  }
  return chosen;
}

void Scheduler::take_thread(VirtualCpu& cpu) {
  Thread* thread = cpu.ready.pop();
  cpu.thread = thread;
  cpu.current = &thread->fiber;
  show_thread(cpu, thread->kthread);
}

void Scheduler::run(VirtualCpu& cpu) {
  if (cpu.current == nullptr) {
    if (cpu.wanted != kPassiveLevel) cpu.current = &cpu.idle;
    else take_thread(cpu);
  }
  switch_to(cpu, *cpu.current);
  if (!runnable(cpu)) busy_ &= ~cpu.bit;
}

void Scheduler::switch_to(VirtualCpu& cpu, Fiber& fiber) {
  current_ = &cpu;
  if (gs_cpu_ != cpu.index) {
    set_gs_base(cpu.gs_page);
    gs_cpu_ = cpu.index;
  }
  reconsider();
  on_fiber_ = true;
  run_fiber(hooks_, fiber);
  on_fiber_ = false;
}

Driven Scheduler::drive(const bool& done) {
  gs_cpu_ = ~0u;  // this OS thread may be another than the last
  done_ = &done;
  while (!done) {
    if (halted_) return Driven::halted;
    if (poll_inbox_ != nullptr) (void)poll_inbox_(inbox_context_);
    if (timeline_.something_due()) timeline_.fire_due();
    if (VirtualCpu* cpu = pick()) run(*cpu);
    else if (!timeline_.jump_to_next()) return halted_ ? Driven::halted : Driven::stuck;
  }
  return Driven::done;
}

void Scheduler::halt() {
  CHECK(on_fiber_, "the machine is halted from outside its fibers");
  halted_ = true;
  current_->current->suspend();
  CHECK(false, "a halted fiber was resumed");
  __builtin_unreachable();
}

}  // namespace drydock
