#pragma once
// Misbehaviour: what becomes of a Device that has a FaultPlan (--fault): interrupts lost, early, spurious or in storms, used
// ring elements that lie, DMA after the end, the fall off the bus. It stands where the device hands a request back, sends
// its interrupt and begins a round of work; a device without a plan has none and passes those places by.
//
// However it misbehaves, the disk keeps what it was told to keep, and memory outside a live request is not touched.

#include <memory>
#include <vector>

#include "devices/virtio_blk/device.h"
#include "fault/fault_plan.h"

namespace drydock::virtio_blk {

class Misbehaviour {
 public:
  /// Both outlive it.
  Misbehaviour(Device& device, FaultPlan& plan);
  ~Misbehaviour();

  /// A round of work of a queue is due.
  void round(unsigned queue);
  /// The round is over, and its interrupt is wanted. True: it is not sent.
  bool withholds_interrupt(unsigned queue);
  /// The device's chain_ has been carried out.
  void give_back(virtio::SplitQueue& ring, const Device::Request& request, Status status, std::uint32_t written);
  /// The device was reset: interrupts of before do not come any more. DMA that is late is later than that, too.
  void reset();

 private:
  class Interrupts;
  class Glitch;
  class Missed;
  class LateAccess;
  bool alive(unsigned queue) const;
  void interrupt_for_nothing(unsigned queue);
  void fall_off_the_bus();
  void reach_late(const Device::Request& request);
  std::uint32_t wild_index(std::uint32_t size, std::uint32_t head);
  std::uint32_t wrong_length(std::uint32_t right);
  Nanoseconds after(FaultPoint point, Nanoseconds most) { return 1 + plan_.choose(point).below(most); }

  Device& device_;
  FaultPlan& plan_;
  std::vector<bool> announced_early_;                  ///< by queue: its interrupt was sent before its work
  std::vector<std::unique_ptr<Interrupts>> pending_;   ///< by queue
  std::unique_ptr<Glitch> glitch_;
  std::unique_ptr<Missed> missed_;
  std::vector<std::unique_ptr<LateAccess>> late_;
};

}  // namespace drydock::virtio_blk
