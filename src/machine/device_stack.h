#pragma once
// PnpStack: the DeviceStack of the embedding API: the PnP and power managers' requests to one device.

#include <drydock/pnp.h>

#include <vector>

#include "io/irp_waiter.h"
#include "machine/client_process.h"

namespace drydock {

class PnpStack final : public DeviceStack {
 public:
  /// `gone` is told when the stack ends.
  using Gone = void (*)(void* context, PnpStack& stack);
  PnpStack(ProcessHost host, DEVICE_OBJECT* physical, Gone gone, void* context) : host_(host), physical_(physical), gone_(gone), context_(context) {}
  ~PnpStack() override;

  /// Calls AddDevice of a driver; on a thread of the machine.
  NTSTATUS add(Driver& driver);
  /// The device has not been wanted by a driver: those that were there are removed. On a thread of the machine.
  void take_down();
  bool removed() const { return physical_ == nullptr; }

  std::uint32_t start() override;
  std::uint32_t query_stop() override { return pnp(IRP_MN_QUERY_STOP_DEVICE); }
  std::uint32_t stop() override { return pnp(IRP_MN_STOP_DEVICE); }
  std::uint32_t cancel_stop() override { return pnp(IRP_MN_CANCEL_STOP_DEVICE); }
  std::uint32_t query_remove() override { return pnp(IRP_MN_QUERY_REMOVE_DEVICE); }
  std::uint32_t cancel_remove() override { return pnp(IRP_MN_CANCEL_REMOVE_DEVICE); }
  std::uint32_t surprise_removal() override;
  std::uint32_t remove() override;
  std::uint32_t query_capabilities() override;
  std::string device_id() override;
  std::uint32_t query_power(unsigned device_state) override { return power(IRP_MN_QUERY_POWER, device_state); }
  std::uint32_t set_power(unsigned device_state) override { return power(IRP_MN_SET_POWER, device_state); }

 private:
  IoManager& io() { return host_.kernel.io(); }
  SystemRequest::Answer send(const IO_STACK_LOCATION& location);
  SystemRequest::Answer ask(const IO_STACK_LOCATION& location);
  std::uint32_t pnp(unsigned minor);
  std::uint32_t power(unsigned minor, unsigned device_state);
  std::vector<DEVICE_OBJECT*> devices() const;
  void look_at_added(const DRIVER_OBJECT* driver);
  void look_at_leftovers(const std::vector<DEVICE_OBJECT*>& before);
  void look_at_surprise(const std::vector<DEVICE_OBJECT*>& before);

  ProcessHost host_;
  DEVICE_OBJECT* physical_;
  Gone gone_;
  void* context_;
};

}  // namespace drydock
