#include "io/irp_book.h"

#include <cstring>
#include <utility>

namespace drydock {

const char* maker_of(IrpOrigin origin) {
  switch (origin) {
    case IrpOrigin::request: return "the I/O manager";
    case IrpOrigin::allocated: return "IoAllocateIrp";
    case IrpOrigin::initialized: return "IoInitializeIrp";
    case IrpOrigin::asynchronous: return "IoBuildAsynchronousFsdRequest";
    case IrpOrigin::threaded: return "IoBuildSynchronousFsdRequest or IoBuildDeviceIoControlRequest";
    default: return "IoMakeAssociatedIrp";
  }
}

IrpBook::~IrpBook() {
  for (auto& [serial, facts] : by_serial_)
    if (facts->origin != IrpOrigin::initialized && !facts->memory_gone) (void)services_.pool.free(facts->irp);
}

IrpFacts& IrpBook::enter(IRP* irp, std::size_t bytes, IrpOrigin origin, const CodePlace& where) {
  const std::uint64_t serial = ++serials_;
  auto& facts = by_serial_[serial] = std::make_unique<IrpFacts>();
  facts->serial = serial, facts->irp = irp, facts->bytes = bytes, facts->origin = origin, facts->made_at = where;
  by_address_[irp] = facts.get();
  return *facts;
}

IrpFacts* IrpBook::allocate(int stack_count, IrpOrigin origin, const CodePlace& where) {
  const std::size_t bytes = Irp::size_of(stack_count);
  void* memory = services_.pool.allocate_shown(bytes, kIrpTag, services_.pool.guarded() != nullptr ? where : CodePlace{});  // with a place it would be the driver's leak
  if (memory == nullptr) return nullptr;
  return &enter(Irp::format(memory, bytes, stack_count).raw(), bytes, origin, where);
}

IrpFacts& IrpBook::adopt(IRP* irp, std::size_t bytes, const CodePlace& where) {
  if (IrpFacts* before = find(irp); before != nullptr && !before->freed) free(*before, where);
  return enter(irp, bytes, IrpOrigin::initialized, where);
}

IrpFacts* IrpBook::find(const IRP* irp) const {
  const auto found = by_address_.find(irp);
  return found == by_address_.end() ? nullptr : found->second;
}

IrpFacts* IrpBook::find(const IRP* irp, std::uint64_t serial) const {
  IrpFacts* facts = find(irp);
  return facts != nullptr && facts->serial == serial ? facts : nullptr;
}

// Guarded memory tells of a touch itself, and is not given out again soon; other memory rests here.
void IrpBook::free(IrpFacts& facts, const CodePlace& where) {
  facts.freed = true;
  for (void* memory : {std::exchange(facts.system_buffer, nullptr), static_cast<void*>(std::exchange(facts.substitute, nullptr))})
    if (memory != nullptr) (void)services_.pool.free(memory);
  if (facts.origin != IrpOrigin::initialized) {
    facts.memory_gone = services_.pool.guarded() != nullptr;
    if (facts.memory_gone) (void)services_.pool.free(facts.irp, where);
    else std::memset(static_cast<void*>(facts.irp), static_cast<int>(Pool::kFreed), facts.bytes);
  }
  freed_.push_back(&facts);
  if (freed_.size() > kRemembered) forget_oldest();
}

void IrpBook::forget_oldest() {
  IrpFacts* oldest = freed_.front();
  freed_.pop_front();
  const auto at = by_address_.find(oldest->irp);
  if (at != by_address_.end() && at->second == oldest) by_address_.erase(at);
  if (oldest->origin != IrpOrigin::initialized && !oldest->memory_gone) (void)services_.pool.free(oldest->irp);
  by_serial_.erase(oldest->serial);
}

}  // namespace drydock
