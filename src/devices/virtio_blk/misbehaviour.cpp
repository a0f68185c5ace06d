#include "devices/virtio_blk/misbehaviour.h"

#include <algorithm>
#include <array>

namespace drydock::virtio_blk {

namespace {

constexpr std::uint64_t kStormLeast = 64, kStormMost = 1024;
constexpr Nanoseconds kGlitch = 2 * kMicrosecond, kStormPeriod = 500, kEarlyMost = 100 * kMicrosecond, kSpuriousMost = kMillisecond, kLateMost = kMillisecond;
constexpr Nanoseconds kNoticedMost = 500 * kMillisecond;  // for so long a driver has to cope with all ones
constexpr std::size_t kLateAtOnce = 16;
constexpr unsigned kLateTries = 8;

}  // namespace

/// The interrupt line goes up for a moment, and nothing says why: as if another device on a shared line had done it.
class Misbehaviour::Glitch final : public Event {
 public:
  explicit Glitch(Misbehaviour& owner) : owner_(owner) {}
  void begin(Nanoseconds delay) {
    if (!pending()) owner_.device_.board_.timeline.schedule(*this, delay);
  }
  void stop() {
    up_ = false;
    owner_.device_.board_.timeline.cancel(*this);
  }

 private:
  void fire() override {
    up_ = !up_;
    owner_.device_.glitch_line(up_);
    if (up_) owner_.device_.board_.timeline.schedule(*this, kGlitch);
  }
  Misbehaviour& owner_;
  bool up_ = false;
};

/// Interrupts that announce nothing: one, or a storm of them.
class Misbehaviour::Interrupts final : public Event {
 public:
  Interrupts(Misbehaviour& owner, unsigned queue) : owner_(owner), queue_(queue) {}
  void begin(std::uint64_t count, Nanoseconds delay) {
    left_ += count;
    if (!pending()) owner_.device_.board_.timeline.schedule(*this, delay);
  }
  void stop() {
    left_ = 0;
    owner_.device_.board_.timeline.cancel(*this);
  }

 private:
  void fire() override {
    if (!owner_.alive(queue_)) return stop();
    owner_.device_.interrupt(queue_);
    if (--left_ > 0) owner_.device_.board_.timeline.schedule(*this, kStormPeriod);
  }
  Misbehaviour& owner_;
  unsigned queue_;
  std::uint64_t left_ = 0;
};

/// The slot is looked at, and the device is not there.
class Misbehaviour::Missed final : public Event {
 public:
  explicit Missed(Device& device) : device_(device) {}

 private:
  void fire() override { device_.tell_departure(); }
  Device& device_;
};

/// One access to the data of a request that is over by then. While another mapping allows the page it waits: it could not
/// be told from a right access, and would damage what it meets.
class Misbehaviour::LateAccess final : public Event {
 public:
  explicit LateAccess(Misbehaviour& owner) : owner_(owner) {}
  void begin(LogicalAddress at, std::uint32_t length, DmaDirection direction, Nanoseconds delay) {
    at_ = at, length_ = length, direction_ = direction, delay_ = delay, tries_ = 0;
    owner_.device_.board_.timeline.schedule(*this, delay);
  }

 private:
  void fire() override {
    Device& device = owner_.device_;
    if (!device.bus_mastering() || device.board_.bus_master.refuses_stray(at_, length_, direction_)) return;
    if (++tries_ < kLateTries) device.board_.timeline.schedule(*this, delay_ << tries_);
  }
  Misbehaviour& owner_;
  LogicalAddress at_{};
  std::uint32_t length_ = 0;
  DmaDirection direction_ = DmaDirection::to_device;
  Nanoseconds delay_ = 0;
  unsigned tries_ = 0;
};

Misbehaviour::Misbehaviour(Device& device, FaultPlan& plan) : device_(device), plan_(plan), announced_early_(device.rounds_.size()), glitch_(std::make_unique<Glitch>(*this)), missed_(std::make_unique<Missed>(device)) {
  for (unsigned i = 0; i < device.rounds_.size(); ++i) pending_.push_back(std::make_unique<Interrupts>(*this, i));
}

Misbehaviour::~Misbehaviour() = default;

void Misbehaviour::reset() {
  for (const auto& each : pending_) each->stop();
  glitch_->stop();
  std::fill(announced_early_.begin(), announced_early_.end(), false);
}

bool Misbehaviour::alive(unsigned queue) const { return device_.bus_mastering() && device_.queue(queue).running(); }

// --- rounds and interrupts --------------------------------------------------------------------------------------------

void Misbehaviour::round(unsigned queue) {
  if (!alive(queue)) return;
  if (!announced_early_[queue]) {
    if (plan_.strikes(FaultPoint::device_gone)) return fall_off_the_bus();
    if (plan_.strikes(FaultPoint::spurious_interrupt)) interrupt_for_nothing(queue);
    if (plan_.strikes(FaultPoint::early_interrupt)) {
      announced_early_[queue] = true;
      device_.interrupt(queue);
      return device_.board_.timeline.schedule(*device_.rounds_[queue], after(FaultPoint::early_interrupt, kEarlyMost));
    }
  }
  device_.work(queue);
  announced_early_[queue] = false;
  if (plan_.strikes(FaultPoint::interrupt_storm))
    pending_[queue]->begin(kStormLeast + plan_.choose(FaultPoint::interrupt_storm).below(kStormMost - kStormLeast + 1), kStormPeriod);
}

void Misbehaviour::interrupt_for_nothing(unsigned queue) {
  const Nanoseconds delay = after(FaultPoint::spurious_interrupt, kSpuriousMost);
  const bool glitch = !device_.msix_enabled() && plan_.choose(FaultPoint::spurious_interrupt).below(2) == 0;
  if (glitch) glitch_->begin(delay);
  else pending_[queue]->begin(1, delay);
}

bool Misbehaviour::withholds_interrupt(unsigned queue) {
  return announced_early_[queue] || plan_.strikes(FaultPoint::lost_interrupt);
}

void Misbehaviour::fall_off_the_bus() {
  device_.reset_device();
  device_.set_gone(true);
  device_.board_.timeline.schedule(*missed_, after(FaultPoint::device_gone, kNoticedMost));
}

// --- requests ---------------------------------------------------------------------------------------------------------

void Misbehaviour::give_back(virtio::SplitQueue& ring, const Device::Request& request, Status status, std::uint32_t written) {
  const virtio::Chain& chain = device_.chain_;
  if (!plan_.strikes(FaultPoint::no_status)) *request.status = static_cast<std::byte>(status);
  if (plan_.strikes(FaultPoint::descriptor_loop)) ring.tie_descriptor(chain.head);
  if (request.data < chain.count && plan_.strikes(FaultPoint::late_dma)) reach_late(request);
  if (plan_.strikes(FaultPoint::wild_index)) return ring.push(wild_index(ring.size(), chain.head), written);
  ring.push(chain.head, plan_.strikes(FaultPoint::wrong_length) ? wrong_length(written) : written);
}

void Misbehaviour::reach_late(const Device::Request& request) {
  const virtio::Chain& chain = device_.chain_;
  Seeded& choose = plan_.choose(FaultPoint::late_dma);
  const virtio::Segment& segment = chain.segments[request.data + choose.below(chain.count - request.data)];
  const LogicalAddress at = segment.address + choose.below(segment.length);
  const auto length = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(segment.address.value + segment.length - at.value, kPageSize - at.offset_in_page()));
  auto idle = std::find_if(late_.begin(), late_.end(), [](const auto& each) { return !each->pending(); });
  if (idle == late_.end()) {
    if (late_.size() == kLateAtOnce) return;
    idle = late_.insert(late_.end(), std::make_unique<LateAccess>(*this));
  }
  (*idle)->begin(at, length, request.to_device ? DmaDirection::to_device : DmaDirection::from_device, after(FaultPoint::late_dma, kLateMost));
}

/// Never one of the queue's own: those name requests, and a request that ends before its time is another fault.
std::uint32_t Misbehaviour::wild_index(std::uint32_t size, std::uint32_t head) {
  Seeded& choose = plan_.choose(FaultPoint::wild_index);
  const std::array<std::uint32_t, 4> wild = {size, head + size, ~0u, static_cast<std::uint32_t>(size + choose.below(~0u - size))};
  return wild[choose.below(wild.size())];
}

std::uint32_t Misbehaviour::wrong_length(std::uint32_t right) {
  Seeded& choose = plan_.choose(FaultPoint::wrong_length);
  const std::array<std::uint32_t, 4> wrong = {0, right - 1, right + 1, ~0u};
  const std::uint32_t length = wrong[choose.below(wrong.size())];
  return length != right ? length : right + 1;
}

}  // namespace drydock::virtio_blk
