#pragma once
// IrpBuilder: IRPs that IoBuild…Request makes for a driver: the first stack location filled in, the buffers placed by the
// method of the target device or of the control code. What it locks and allocates hangs on the IRP: of a request that is
// queued to a thread the I/O manager gives it back (IoManager::end_threaded), of an asynchronous one whoever built it.
//
// Memory that cannot be locked here, a local variable or a variable of the image, has a substitute in the pool: it is filled
// before the first driver sees it, and copied back when the last one is done.

#include "io/irp_book.h"

namespace drydock {

/// A piece of the driver's memory: its own address, and drydock's alias (null: it is no memory).
struct DriverRange {
  void* address = nullptr;
  std::byte* alias = nullptr;
  std::uint32_t length = 0;
};

class IrpBuilder {
 public:
  IrpBuilder(const IoServices& services, IrpBook& book) : services_(services), book_(book) {}

  struct Transfer {
    unsigned major = IRP_MJ_READ;
    DEVICE_OBJECT* target = nullptr;
    DriverRange buffer;
    std::int64_t offset = 0;
  };
  /// Null: no memory for it. DOC: BUF-92 BUF-93
  IrpFacts* transfer(const Transfer& wanted, IrpOrigin origin, const CodePlace& where);

  struct Control {
    std::uint32_t code = 0;
    bool internal = false;
    DEVICE_OBJECT* target = nullptr;
    DriverRange in, out;
  };
  /// DOC: BUF-90
  IrpFacts* control(const Control& wanted, const CodePlace& where);

 private:
  bool place_transfer(IrpFacts& facts, const Transfer& wanted, const CodePlace& where);
  bool place_control(IrpFacts& facts, const Control& wanted);
  bool lock(IrpFacts& facts, const DriverRange& buffer, bool device_writes, const CodePlace& where);
  std::byte* system_buffer(IrpFacts& facts, std::uint32_t length, const DriverRange& in, const CodePlace& where);

  const IoServices& services_;
  IrpBook& book_;
};

}  // namespace drydock
