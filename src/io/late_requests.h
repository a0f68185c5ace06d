#pragma once
// Requests that the system sends on a thread of its own because a driver asked for them: power requests, and questions of
// the PnP manager after a driver has told of a change.

#include "io/irp_waiter.h"

namespace drydock {

/// PoRequestPowerIrp: to the top of the device's stack; then the driver's routine (may be null) is called, at PASSIVE_LEVEL.
struct PowerRequest {
  DEVICE_OBJECT* device = nullptr;  ///< as the driver named it
  UCHAR minor = 0;
  ULONG state = 0;                  ///< POWER_STATE
  using Completion = void(MSABI*)(DEVICE_OBJECT*, UCHAR, ULONG, void*, IO_STATUS_BLOCK*);
  Completion completion = nullptr;
  void* context = nullptr;
};
void request_power(IoManager& manager, const PowerRequest& request);

/// A PnP question whose answer is only given back: IRP_MN_QUERY_DEVICE_RELATIONS or IRP_MN_QUERY_PNP_DEVICE_STATE.
void ask_again(IoManager& manager, DEVICE_OBJECT* physical, UCHAR minor, DEVICE_RELATION_TYPE relation);

}  // namespace drydock
