#pragma once
// Departure: the HBA has left the bus. The miniport is told, at PASSIVE_LEVEL on a system thread, and then nothing more is
// started; what it has is its to complete, or runs into its time-out.

#include "sched/virtual_cpu.h"

namespace drydock::storport {

class Adapter;

class Departure final : public Task {
 public:
  explicit Departure(Adapter& adapter) : adapter_(adapter) {}

  /// From the board, at any time: only noted.
  void noticed();
  /// Waits for one that was noticed. On a system thread.
  void end();
  void run() override;

 private:
  Adapter& adapter_;
  bool running_ = false;  ///< queued, or telling
  Thread* waits_for_end_ = nullptr;
};

}  // namespace drydock::storport
