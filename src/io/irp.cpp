#include "io/irp.h"

#include <cstring>

namespace drydock {

static_assert(sizeof(IRP) == 208 && sizeof(IO_STACK_LOCATION) == 72);  // DOC: LAY-09 LAY-10

Irp Irp::format(void* storage, std::size_t bytes, int stack_count) {
  std::memset(storage, 0, bytes);
  Irp irp(static_cast<IRP*>(storage));
  irp->Type = kType;
  irp->Size = static_cast<USHORT>(bytes);
  irp->StackCount = static_cast<CHAR>(stack_count);
  irp->CurrentLocation = static_cast<CHAR>(stack_count + 1);
  irp->Tail.Overlay.CurrentStackLocation = &irp.location(stack_count + 1);
  irp->ThreadListEntry.Flink = irp->ThreadListEntry.Blink = &irp->ThreadListEntry;
  return irp;
}

}  // namespace drydock
