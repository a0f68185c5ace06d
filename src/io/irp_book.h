#pragma once
// IrpBook: what is known of each IRP beside what it says itself: who made it and where, which dispatch routines have it, how
// it ended. IRPs that have been freed stay in the book, and their memory unused, for a while: who completes or frees one of
// them again is told of the first time.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "io/io_services.h"
#include "io/irp.h"

namespace drydock {

inline constexpr std::uint32_t kIrpTag = 0x20707249;  // 'Irp '

/// Who made an IRP says who may free it, and what happens at its end.
enum class IrpOrigin : std::uint8_t {
  request,       ///< the I/O manager's, for a client
  allocated,     ///< IoAllocateIrp
  initialized,   ///< IoInitializeIrp, in memory of the driver's
  asynchronous,  ///< IoBuildAsynchronousFsdRequest
  threaded,      ///< IoBuildSynchronousFsdRequest, IoBuildDeviceIoControlRequest: queued to a thread
  associated     ///< IoMakeAssociatedIrp
};
/// The routine that makes IRPs of this origin.
const char* maker_of(IrpOrigin origin);

/// A client that waits for its IRP.
class IrpOwner {
 public:
  /// Every driver is done with it. At DISPATCH_LEVEL or below, in whatever thread.
  virtual void completed(IRP* irp) = 0;

 protected:
  ~IrpOwner() = default;
};

/// One dispatch routine that was given the IRP, until its stack location has been passed on the way up.
struct Dispatched {
  std::uint64_t id = 0;
  int location = 0;
  DEVICE_OBJECT* device = nullptr;
  std::uint64_t routine = 0;     ///< its address: where a finding about the whole call points
  unsigned major = 0;
  bool returned = false, passed = false, marked = false, sent_down = false;
  NTSTATUS status_given = 0, status_returned = 0, status_passed = 0;
};

struct IrpFacts {
  std::uint64_t serial = 0;      ///< counted from 1: how messages call it
  IRP* irp = nullptr;
  IrpOrigin origin = IrpOrigin::request;
  IrpOwner* owner = nullptr;
  std::size_t bytes = 0;
  CodePlace made_at{};
  bool completed = false, freed = false, memory_gone = false;
  bool kept_by_maker = false;    ///< its completion routine stopped the completion: the maker may go on with it
  std::vector<std::uint64_t> completed_by, freed_by, made_by;  ///< stacks
  std::vector<Dispatched> dispatches;
  void drop_settled() {
    std::erase_if(dispatches, [](const Dispatched& one) { return one.returned && one.passed; });
  }
  // Of the I/O manager's own making, given back at the end:
  void* system_buffer = nullptr;
  std::byte* output = nullptr;       ///< alias: where the system buffer goes back to
  std::uint32_t output_length = 0;
  std::byte* substitute = nullptr;   ///< for a buffer that cannot be locked
  std::byte* substituted = nullptr;  ///< alias: where it goes back to; null: nowhere
  std::uint32_t substituted_length = 0;
};

class IrpBook {
 public:
  static constexpr std::size_t kRemembered = 256;  ///< freed IRPs

  explicit IrpBook(const IoServices& services) : services_(services) {}
  ~IrpBook();
  IrpBook(const IrpBook&) = delete;
  IrpBook& operator=(const IrpBook&) = delete;

  /// Null: no memory.
  IrpFacts* allocate(int stack_count, IrpOrigin origin, const CodePlace& where);
  /// An IRP in the driver's own memory.
  IrpFacts& adopt(IRP* irp, std::size_t bytes, const CodePlace& where);
  /// Null: never seen. A freed one is found as long as it is remembered and its memory holds no other.
  IrpFacts* find(const IRP* irp) const;
  IrpFacts* find(const IRP* irp, std::uint64_t serial) const;
  void free(IrpFacts& facts, const CodePlace& where);

  /// IRPs that are not freed, oldest first.
  template <class F>
  void for_each_live(F&& f) const {
    for (const auto& [serial, facts] : by_serial_)
      if (!facts->freed) f(*facts);
  }

 private:
  IrpFacts& enter(IRP* irp, std::size_t bytes, IrpOrigin origin, const CodePlace& where);
  void forget_oldest();

  const IoServices& services_;
  std::map<std::uint64_t, std::unique_ptr<IrpFacts>> by_serial_;
  std::unordered_map<const IRP*, IrpFacts*> by_address_;
  std::deque<IrpFacts*> freed_;
  std::uint64_t serials_ = 0;
};

}  // namespace drydock
