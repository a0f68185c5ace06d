#pragma once
// IrpWaiter: one IRP of the I/O manager's own making, and the thread that waits for it. A request that no driver completes
// within the patience (virtual time) is cancelled, as a client would by ending; if that does not help either it is given up:
// its IRP stays with whoever has it, and that is a finding.

#include "io/io_manager.h"
#include "io/request_buffers.h"

namespace drydock {

class IrpWaiter final : private IrpOwner {
 public:
  static constexpr Nanoseconds kPatience = 60 * kSecond;

  explicit IrpWaiter(IoManager& manager) : manager_(manager) {}

  /// From now on it is this one, which is about to be sent.
  void expect(IrpFacts& facts) { facts_ = &facts, facts.owner = this, is_back_ = false; }
  bool is_back() const { return is_back_; }
  /// False: given up.
  bool await(unsigned major);
  /// False: no driver let go of it as yet.
  bool cancel() { return facts_ != nullptr && !is_back_ && manager_.cancel(facts_->irp, {}); }
  /// The IRP, which was never sent, is freed. One that is back is gone already.
  void release();
  /// What it said when it came back.
  const RequestBuffers::Ended& ended() const { return ended_; }
  /// The stack of who completed it.
  const std::vector<std::uint64_t>& completer() const { return completer_; }

 private:
  void completed(IRP* irp) override;
  bool wait_for(Nanoseconds time);
  void give_up(unsigned major);

  IoManager& manager_;
  IrpFacts* facts_ = nullptr;  ///< while drivers have the IRP
  RequestBuffers::Ended ended_{};
  Thread* waiting_ = nullptr;
  std::vector<std::uint64_t> completer_;
  bool is_back_ = false;
};

/// A request of the system's own, such as those of the PnP manager: sent and waited for on a thread at PASSIVE_LEVEL.
class SystemRequest {
 public:
  explicit SystemRequest(IoManager& manager) : manager_(manager), waiter_(manager) {}

  struct Answer {
    NTSTATUS status = STATUS_SUCCESS;
    std::uint64_t information = 0;
    bool given_up = false;
  };
  /// `location` is what the first driver gets; `status` what the IRP says until a driver says otherwise.
  Answer send(DEVICE_OBJECT* top, const IO_STACK_LOCATION& location, NTSTATUS status = STATUS_SUCCESS);

 private:
  IoManager& manager_;
  IrpWaiter waiter_;
};

}  // namespace drydock
