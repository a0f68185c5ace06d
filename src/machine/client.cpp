#include "machine/client.h"

#include <cerrno>

#include "sched/driving_thread.h"

namespace drydock {

Clients::Slot::Slot(Clients& owner, PageRun run)
    : clients(owner), pages(run),
      prepared(*owner.board_.memory, *owner.board_.locked, *owner.board_.mappings, *owner.board_.pool, kClientBufferSize) {}

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
  return run ? std::make_unique<Slot>(*this, *run) : nullptr;
}

Clients::Slot* Clients::take() {
  std::unique_lock lock(slots_mutex_);
  for (;;) {
    if (!free_slots_.empty()) {
      Slot* slot = free_slots_.back();
      free_slots_.pop_back();
      return slot;
    }
    if (slots_.size() < kSlotsMax)
      if (auto slot = make_slot()) {
        slots_.push_back(std::move(slot));
        return slots_.back().get();
      }
    if (slots_.empty()) return nullptr;
    slot_free_.wait(lock);
  }
}

void Clients::give_back(Slot& slot) {
  {
    const std::lock_guard lock(slots_mutex_);
    free_slots_.push_back(&slot);
  }
  slot_free_.notify_one();
}

// What has arrived since the last look, oldest first; each on a CPU of the seed's choice.
void Clients::poll() {
  if (inbox_.load(std::memory_order_relaxed) == nullptr) [[likely]] return;
  Slot* newest = inbox_.exchange(nullptr, std::memory_order_acquire);
  Slot* oldest = nullptr;
  while (newest != nullptr) {
    Slot* next = newest->next_in_inbox;
    newest->next_in_inbox = oldest;
    oldest = newest;
    newest = next;
  }
  Scheduler& scheduler = *board_.scheduler;
  for (; oldest != nullptr; oldest = oldest->next_in_inbox)
    scheduler.queue_task(*oldest, static_cast<unsigned>(scheduler.choose().below(scheduler.cpu_count())));
}

int Clients::execute(Slot& slot, DiskDevice& device) {
  slot.device = &device;
  slot.done = false;
  slot.request.owner = &slot;
  slot.request.completed = [](DiskRequest& request) { 
    auto& done_slot = *static_cast<Slot*>(request.owner);
    if (request.buffer != nullptr) done_slot.prepared.finish();
    done_slot.done = true;
  };
  Slot* head = inbox_.load(std::memory_order_relaxed);
  do slot.next_in_inbox = head;
  while (!inbox_.compare_exchange_weak(head, &slot, std::memory_order_release, std::memory_order_relaxed));
  const std::lock_guard lock(machine_);
  if (!slot.done) {
    DrivingThread driving(kernel_);
    board_.scheduler->drive(slot.done);
  }
  return slot.done ? slot.request.error : EIO;
}

}  // namespace drydock
