#include "io/irp_waiter.h"

#include <utility>

#include <fmt/format.h>

namespace drydock {

void IrpWaiter::completed(IRP* irp) {
  ended_ = {irp->IoStatus, irp->Flags};
  completer_ = std::exchange(facts_, nullptr)->completed_by;
  is_back_ = true;
  if (waiting_ != nullptr) manager_.services().scheduler.wake(*std::exchange(waiting_, nullptr));
}

void IrpWaiter::release() { manager_.book().free(*std::exchange(facts_, nullptr), {}); }

bool IrpWaiter::wait_for(Nanoseconds time) {
  struct Alarm final : Event {
    explicit Alarm(IrpWaiter& w) : waiter(w) {}
    ~Alarm() override = default;
    void fire() override {
      if (waiter.waiting_ != nullptr) waiter.manager_.services().scheduler.wake(*std::exchange(waiter.waiting_, nullptr));
    }
    IrpWaiter& waiter;
  } alarm(*this);
  Scheduler& scheduler = manager_.services().scheduler;
  scheduler.timeline().schedule(alarm, time);
  while (!is_back_ && alarm.pending()) {
    waiting_ = scheduler.thread();
    scheduler.block();
  }
  return is_back_;
}

bool IrpWaiter::await(unsigned major) {
  if (is_back_ || wait_for(kPatience)) return true;
  manager_.cancel(facts_->irp, {});
  if (is_back_ || wait_for(kPatience)) return true;
  give_up(major);
  return false;
}

// DOC: DRY-21
void IrpWaiter::give_up(unsigned major) {
  facts_->owner = nullptr;
  const IrpFacts& facts = *std::exchange(facts_, nullptr);
  const Dispatched* holder = nullptr;
  for (const Dispatched& one : facts.dispatches)
    if (!one.passed && (holder == nullptr || one.location <= holder->location)) holder = &one;
  const CodePlace routine{.rip = holder == nullptr ? 0 : holder->routine, .rsp = 0, .rbp = 0, .is_return_address = false};
  manager_.services().broken("DRY-21", "", fmt::format("{} was never completed (IRP {}, waited for {} s, cancelled, waited for {} s more): the dispatch routine that had it last",
                                                       name_of_major(major), facts.serial, kPatience / kSecond, kPatience / kSecond), routine);
}

SystemRequest::Answer SystemRequest::send(DEVICE_OBJECT* top, const IO_STACK_LOCATION& location, NTSTATUS status) {
  IrpFacts* facts = manager_.book().allocate(top->StackSize, IrpOrigin::request, {});
  if (facts == nullptr) return {.status = STATUS_INSUFFICIENT_RESOURCES};
  const Irp irp(facts->irp);
  irp.next() = location;
  irp->IoStatus.Status = status;
  irp->Tail.Overlay.Thread = static_cast<PETHREAD>(manager_.services().scheduler.thread()->kthread);
  irp->Tail.Overlay.OriginalFileObject = location.FileObject;
  waiter_.expect(*facts);
  manager_.call_driver(top, irp.raw(), {});
  if (!waiter_.await(location.MajorFunction)) return {.status = STATUS_UNSUCCESSFUL, .given_up = true};
  return {waiter_.ended().status.Status, waiter_.ended().status.Information, false};
}

}  // namespace drydock
