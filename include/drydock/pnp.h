#pragma once
// Plug and play: a device that the machine's own bus has found, and the drivers that stand on it.
//
//   auto filter = machine->load("filter.sys"), function = machine->load("function.sys");
//   auto added = machine->add_device({function.driver, filter.driver});   // AddDevice of each, the lowest first
//   added.stack->start();                                                 // IRP_MN_START_DEVICE
//   …
//   added.stack->remove();                                                // IRP_MN_REMOVE_DEVICE: the stack is gone
//
// Every request goes to the top of the stack, as the PnP and power managers send it, and is waited for. A stack that is still
// there when the machine stops is removed then.

#include <cstdint>
#include <memory>
#include <string>

namespace drydock {

class DeviceStack {
 public:
  /// Removes what has not been removed.
  virtual ~DeviceStack() = default;

  // IRP_MJ_PNP; NTSTATUS.
  virtual std::uint32_t start() = 0;
  virtual std::uint32_t query_stop() = 0;
  virtual std::uint32_t stop() = 0;
  virtual std::uint32_t cancel_stop() = 0;
  virtual std::uint32_t query_remove() = 0;
  virtual std::uint32_t cancel_remove() = 0;
  virtual std::uint32_t surprise_removal() = 0;
  virtual std::uint32_t remove() = 0;
  virtual std::uint32_t query_capabilities() = 0;
  /// The device's own id, as IRP_MN_QUERY_ID tells it; empty: the request failed.
  virtual std::string device_id() = 0;

  /// IRP_MJ_POWER: D0 is 0, D3 is 3.
  virtual std::uint32_t query_power(unsigned device_state) = 0;
  virtual std::uint32_t set_power(unsigned device_state) = 0;
};

struct AddedDevice {
  std::unique_ptr<DeviceStack> stack;  ///< null: see status
  std::uint32_t status = 0;            ///< what AddDevice of the driver that would not have the device returned
  explicit operator bool() const { return stack != nullptr; }
};

}  // namespace drydock
