#pragma once
// UnitCommands: what the class driver asks a unit for itself. Each waits for its answer on the calling thread, and is
// tried again as judge() says. On a system thread at PASSIVE_LEVEL; one command at a time.

#include <span>

#include "disk/cdb.h"
#include "disk/command_buffer.h"
#include "port/storport/adapter.h"

namespace drydock {

class UnitCommands {
 public:
  struct Outcome {
    int error = 0;             ///< errno
    std::uint32_t length = 0;  ///< bytes of the answer
    bool ok() const { return error == 0; }
  };
  UnitCommands(storport::Adapter& adapter, storport::LogicalUnit& unit)
      : adapter_(adapter), unit_(unit), buffer_(adapter.services()) {}

  /// A command that brings up to `length` bytes; they are in answer(), the rest of which is 0.
  Outcome ask(const Cdb& cdb, std::uint32_t length) { return run(SRB_FUNCTION_EXECUTE_SCSI, cdb, length); }
  Outcome tell(const Cdb& cdb) { return run(SRB_FUNCTION_EXECUTE_SCSI, cdb, 0); }
  /// DOC: ST-141 SRB_FUNCTION_FLUSH or SHUTDOWN.
  Outcome function(std::uint8_t function) { return run(function, {}, 0); }
  std::span<const std::uint8_t> answer() const { return {buffer_.bytes(), CommandBuffer::kBytes}; }

 private:
  Outcome run(std::uint8_t function, const Cdb& cdb, std::uint32_t length);
  void wait_for(storport::Request& request);

  storport::Adapter& adapter_;
  storport::LogicalUnit& unit_;
  CommandBuffer buffer_;
};

}  // namespace drydock
