#include "disk/unit_commands.h"

#include <cerrno>
#include <cstring>

#include "disk/sense.h"

namespace drydock {

using storport::Request;

namespace {

constexpr std::uint32_t kTimeoutSeconds = 10;
constexpr unsigned kRetries = 8;
// ASSUMED: how long a unit that is not ready is given before it is asked again. disk_device_test: AUnitThatBecomesReadyIsWaitedFor
constexpr Nanoseconds kRetryPause = 500 * kMillisecond;

}  // namespace

UnitCommands::Outcome UnitCommands::run(std::uint8_t function, const Cdb& cdb, std::uint32_t length) {
  for (unsigned attempt = 0;; ++attempt) {
    Request* request = adapter_.take_request();
    if (request == nullptr) return {ENOMEM, 0};
    request->srb.set_function(function);
    request->srb.set_cdb(cdb);
    request->srb.set_timeout(kTimeoutSeconds);
    request->srb.set_flags(SRB_FLAGS_NO_QUEUE_FREEZE | (length != 0 ? SRB_FLAGS_DATA_IN : 0));
    request->unit = &unit_;
    if (length != 0) {
      std::memset(buffer_.bytes(), 0, CommandBuffer::kBytes);
      buffer_.prepared().prepare(buffer_.address(), length, true);
      request->direction = Request::Direction::in;
      request->mdl = buffer_.prepared().mdl();
      request->data_address = buffer_.address();
      request->data_length = length;
    }
    wait_for(*request);
    const Judgement judged = judge(request->result.srb_status, request->result.scsi_status, request->sense());
    const bool lost = request->state == Request::State::abandoned;
    const std::uint32_t transferred = request->result.transferred;
    if (length != 0) buffer_.prepared().finish();
    adapter_.release(*request);
    if (judged.then == Then::done) return {0, transferred};
    if (judged.then == Then::fail || lost || attempt == kRetries) return {judged.error, 0};
    if (attempt != 0) adapter_.services().scheduler.sleep(kRetryPause);  // at once after a unit attention
  }
}

// The completion may come before submit() returns, or on another CPU while this thread sleeps.
void UnitCommands::wait_for(Request& request) {
  struct Waiting {
    Scheduler& scheduler;
    Thread* thread = nullptr;
    bool done = false;
  } waiting{adapter_.services().scheduler};
  request.owner = &waiting;
  request.completed = [](Request& done) {
    auto& w = *static_cast<Waiting*>(done.owner);
    w.done = true;
    if (w.thread != nullptr) w.scheduler.wake(*w.thread);
  };
  adapter_.submit(request);
  if (waiting.done) return;
  waiting.thread = waiting.scheduler.thread();
  waiting.scheduler.block();
}

}  // namespace drydock
