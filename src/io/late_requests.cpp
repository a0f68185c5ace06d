#include "io/late_requests.h"

namespace drydock {

namespace {

/// Runs once and is gone. The device is held meanwhile.
class Late : public Task {
 public:
  Late(IoManager& manager, DEVICE_OBJECT* device) : manager_(manager), device_(device) {
    manager_.devices().hold(device_);
    Scheduler& scheduler = manager_.services().scheduler;
    scheduler.queue_task(*this, static_cast<unsigned>(scheduler.choose().below(scheduler.cpu_count())));
  }
  void run() final {
    act();
    manager_.devices().let_go(device_);
    delete this;
  }

 protected:
  virtual ~Late() = default;
  virtual void act() = 0;
  SystemRequest::Answer send(const IO_STACK_LOCATION& location) { return SystemRequest(manager_).send(DeviceObjects::top_of(device_), location, STATUS_NOT_SUPPORTED); }
  IoManager& manager_;
  DEVICE_OBJECT* device_;
};

class LatePower final : public Late {
 public:
  LatePower(IoManager& manager, const PowerRequest& request) : Late(manager, request.device), request_(request) {}

 private:
  void act() override {
    IO_STACK_LOCATION location{};
    location.MajorFunction = IRP_MJ_POWER;
    location.MinorFunction = request_.minor;
    location.Parameters.Power.Type = DevicePowerState;
    location.Parameters.Power.State.DeviceState = static_cast<DEVICE_POWER_STATE>(request_.state);
    const SystemRequest::Answer answer = send(location);
    if (request_.completion == nullptr || answer.given_up) return;
    IO_STATUS_BLOCK status{};
    status.Status = answer.status;
    status.Information = answer.information;
    manager_.services().call("REQUEST_POWER_COMPLETE", EntryKind::routine, request_.completion, request_.device, request_.minor, request_.state, request_.context, &status);
  }
  PowerRequest request_;
};

class LateQuestion final : public Late {
 public:
  LateQuestion(IoManager& manager, DEVICE_OBJECT* physical, UCHAR minor, DEVICE_RELATION_TYPE relation) : Late(manager, physical), minor_(minor), relation_(relation) {}

 private:
  void act() override {
    IO_STACK_LOCATION location{};
    location.MajorFunction = IRP_MJ_PNP;
    location.MinorFunction = minor_;
    if (minor_ == IRP_MN_QUERY_DEVICE_RELATIONS) location.Parameters.QueryDeviceRelations.Type = relation_;
    const SystemRequest::Answer answer = send(location);
    if (minor_ == IRP_MN_QUERY_DEVICE_RELATIONS && answer.status >= 0 && answer.information != 0) give_back(reinterpret_cast<DEVICE_RELATIONS*>(answer.information));
  }
  // Each device in the list was referenced for us; the list is ours.
  void give_back(DEVICE_RELATIONS* relations) {
    const auto* host = reinterpret_cast<const DEVICE_RELATIONS*>(manager_.host().memory_at(relations, sizeof *relations, false));
    for (ULONG i = 0; host != nullptr && i < host->Count; ++i) manager_.devices().let_go(host->Objects[i]);
    (void)manager_.services().pool.free(relations);
  }
  UCHAR minor_;
  DEVICE_RELATION_TYPE relation_;
};

}  // namespace

void request_power(IoManager& manager, const PowerRequest& request) { new LatePower(manager, request); }

void ask_again(IoManager& manager, DEVICE_OBJECT* physical, UCHAR minor, DEVICE_RELATION_TYPE relation) { new LateQuestion(manager, physical, minor, relation); }

}  // namespace drydock
