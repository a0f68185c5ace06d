#include "machine/client.h"

#include <cerrno>

#include "sched/driving_thread.h"

namespace drydock {

Clients::Slot::Slot(Clients& owner, unsigned index, PageRun run)
    : clients(owner), number(index), pages(run),
      prepared(*owner.board_.memory, *owner.board_.locked, *owner.board_.mappings, *owner.board_.pool, kClientBufferSize) {
  request.owner = this;
  request.completed = [](DiskRequest& ended) {
    auto& slot = *static_cast<Slot*>(ended.owner);
    if (ended.buffer != nullptr) slot.prepared.finish();
    slot.done = true;
  };
}

Clients::Slot::~Slot() { clients.board_.memory->free(pages); }

std::byte* Clients::Slot::data(std::uint32_t shift) const {
  return reinterpret_cast<std::byte*>(clients.board_.memory->address(View::user, pages.first)) + shift;
}

void Clients::Slot::prepare(std::byte* from, std::uint32_t length, bool device_writes) {
  to_prepare = {reinterpret_cast<std::uint64_t>(from), length, device_writes};
}

// On a system thread of the machine: down the stack.
void Clients::Slot::run() {
  if (request.buffer != nullptr) prepared.prepare(to_prepare.address, to_prepare.length, to_prepare.device_writes);
  device->submit(request);
}

std::unique_ptr<Clients::Slot> Clients::make_slot() {
  const std::lock_guard lock(machine_);
  const auto run = board_.memory->allocate((kClientBufferSize + kClientShiftMax) >> kPageShift);
  if (!run) return nullptr;
  board_.memory->open_user(*run);
  return std::make_unique<Slot>(*this, slot_count_, *run);
}

// Says that it waits before it looks once more, so that who gives a slot back sees the one or leaves the other.
Clients::Slot* Clients::make_or_await() {
  std::unique_lock lock(slots_mutex_);
  for (;;) {
    if (slot_count_ < FreeSlots::kMax)
      if (auto slot = make_slot()) {
        slots_[slot_count_] = std::move(slot);
        return slots_[slot_count_++].get();
      }
    if (slot_count_ == 0) return nullptr;
    ++waiting_;
    auto number = free_slots_.take();
    if (!number) slot_free_.wait(lock);
    --waiting_;
    if (number || (number = free_slots_.take())) return slots_[*number].get();
  }
}

void Clients::wake_waiting() {
  const std::lock_guard lock(slots_mutex_);
  slot_free_.notify_one();
}

// Each request begins on a CPU of the seed's choice.
void Clients::begin(Slot& slot) {
  Scheduler& scheduler = *board_.scheduler;
  scheduler.queue_task(slot, static_cast<unsigned>(scheduler.choose().below(scheduler.cpu_count())));
}

// What has arrived since the last look, oldest first.
bool Clients::take_inbox() {
  Slot* newest = inbox_.exchange(nullptr, std::memory_order_acquire);
  Slot* oldest = nullptr;
  while (newest != nullptr) {
    Slot* next = newest->next_in_inbox;
    newest->next_in_inbox = oldest;
    oldest = newest;
    newest = next;
  }
  for (; oldest != nullptr; oldest = oldest->next_in_inbox) begin(*oldest);
  return true;
}

bool Clients::drive(const bool& done, const Task& task) {
  Driven driven = board_.scheduler->drive(done);
  if (driven != Driven::stuck) [[likely]] return driven == Driven::done;
  const Thread* thread = board_.scheduler->thread_of_task(task);
  if (thread == nullptr || !kernel_.has_objects() || !kernel_.objects().dispatcher.give_up(*thread)) return false;
  return board_.scheduler->drive(done) == Driven::done;
}

// A machine that nobody drives takes the request directly; else it lies in the inbox when its driver looks there.
int Clients::execute(Slot& slot, DiskDevice& device) {
  slot.device = &device;
  slot.done = false;
  std::unique_lock lock(machine_, std::try_to_lock);
  if (lock) {
    begin(slot);
  } else {
    Slot* head = inbox_.load(std::memory_order_relaxed);
    do slot.next_in_inbox = head;
    while (!inbox_.compare_exchange_weak(head, &slot, std::memory_order_release, std::memory_order_relaxed));
    lock.lock();
  }
  if (!slot.done) {
    DrivingThread driving(kernel_);
    drive(slot.done, slot);
  }
  return slot.done ? slot.request.error : EIO;
}

}  // namespace drydock
