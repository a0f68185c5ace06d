#pragma once
// Clients: programs on the machine that read and write its disks. A client's buffer is machine memory in the user view; a
// request is prepared (direct I/O), handed to the class layer on a system thread of the machine, and waited for by
// driving the machine on the calling OS thread. Requests of several OS threads meet in an inbox, so that the driver sees
// them together.

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "disk/disk_device.h"
#include "machine/board.h"
#include "machine/free_slots.h"
#include "machine/kernel.h"
#include "sched/driving_thread.h"

namespace drydock {

inline constexpr std::uint32_t kClientBufferSize = 512 * 1024;  ///< bytes one request can move
inline constexpr std::uint32_t kClientShiftMax = 4096;          ///< how far into its first page a buffer may begin

class Clients {
 public:
  /// A buffer and a request around it; belongs to one client call at a time.
  struct Slot final : Task {
    Slot(Clients& owner, unsigned number, PageRun run);
    ~Slot();
    void run() override;
    std::byte* data(std::uint32_t shift = 0) const;
    /// Locks [data, +length) for the request that follows; a former one is finished first.
    void prepare(std::byte* data, std::uint32_t length, bool device_writes);

    Clients& clients;
    unsigned number;
    PageRun pages;
    PreparedBuffer prepared;
    struct {
      std::uint64_t address = 0;
      std::uint32_t length = 0;
      bool device_writes = false;
    } to_prepare;
    DiskDevice* device = nullptr;
    DiskRequest request;
    bool done = false;
    Slot* next_in_inbox = nullptr;
  };

  Clients(Board& board, MachineKernel& kernel) : board_(board), kernel_(kernel) {
    board.scheduler->set_inbox([](void* self) { return static_cast<Clients*>(self)->poll(); }, this);
  }
  ~Clients() { board_.scheduler->set_inbox(nullptr, nullptr); }

  /// Waits for a free one. Null when the machine has no memory for a single one.
  Slot* take() {
    if (const auto number = free_slots_.take()) [[likely]] return slots_[*number].get();
    return make_or_await();
  }
  void give_back(Slot& slot) {
    free_slots_.give_back(slot.number);
    if (waiting_.load() != 0) [[unlikely]] wake_waiting();
  }
  /// Runs slot.request on `device`; errno. EIO when the machine has stopped.
  int execute(Slot& slot, DiskDevice& device);

  /// Runs `body` on a system thread of the machine, alone with it. False: the machine stopped meanwhile.
  template <class Body>
  bool on_thread(Body&& body) {
    struct Job final : Task {
      explicit Job(Body& b) : body_(b) {}
      void run() override { body_(); done = true; }
      Body& body_;
      bool done = false;
    } job(body);
    const std::lock_guard lock(machine_);
    DrivingThread driving(kernel_);
    board_.scheduler->queue_task(job, 0);
    return drive(job.done, job);
  }
  std::mutex& machine_mutex() { return machine_; }

 private:
  /// Drives until `done`, which the task sets. When nothing can happen any more, a wait in the driver for what never happens
  /// is ended as one. DOC: DRY-31
  bool drive(const bool& done, const Task& task);
  bool poll() { return inbox_.load(std::memory_order_relaxed) != nullptr && take_inbox(); }
  bool take_inbox();
  void begin(Slot& slot);
  Slot* make_or_await();
  void wake_waiting();
  std::unique_ptr<Slot> make_slot();

  Board& board_;
  MachineKernel& kernel_;
  std::mutex machine_;  ///< held by the OS thread that drives
  std::atomic<Slot*> inbox_{nullptr};
  FreeSlots free_slots_;
  std::mutex slots_mutex_;      ///< making slots, and waiting for one
  std::condition_variable slot_free_;
  std::atomic<unsigned> waiting_{0};
  std::array<std::unique_ptr<Slot>, FreeSlots::kMax> slots_;
  unsigned slot_count_ = 0;
};

}  // namespace drydock
