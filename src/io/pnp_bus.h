#pragma once
// PnpBus: the bus driver of devices that exist for the sake of the drivers on them. It makes their physical device objects
// and answers, at the bottom of their stacks, what a bus driver answers.

#include <string>

#include "io/io_manager.h"

namespace drydock {

class PnpBus {
 public:
  explicit PnpBus(IoManager& manager) : manager_(manager) {}
  ~PnpBus();
  PnpBus(const PnpBus&) = delete;
  PnpBus& operator=(const PnpBus&) = delete;

  /// Null: no memory.
  DEVICE_OBJECT* add();
  /// Nothing is attached to it any more.
  void remove(DEVICE_OBJECT* physical);
  /// IoHost::serve: false when the device is none of these.
  bool serve(DEVICE_OBJECT* device, IRP* irp, NTSTATUS* status);

 private:
  bool make_driver();
  NTSTATUS answer(DEVICE_OBJECT* device, IRP* irp);
  NTSTATUS answer_pnp(DEVICE_OBJECT* device, IRP* irp, const IO_STACK_LOCATION& location);
  NTSTATUS answer_id(IRP* irp, BUS_QUERY_ID_TYPE type);
  NTSTATUS answer_relations(DEVICE_OBJECT* device, IRP* irp, DEVICE_RELATION_TYPE type);
  IoManager& manager_;
  DRIVER_OBJECT* driver_ = nullptr;
};

}  // namespace drydock
