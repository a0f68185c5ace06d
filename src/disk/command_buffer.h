#pragma once
// CommandBuffer: one page of ours that a device may read or fill, with the MDL to hand it down.

#include "io/prepared_buffer.h"
#include "port/storport/services.h"

namespace drydock {

class CommandBuffer {
 public:
  static constexpr std::uint32_t kBytes = 4096;

  explicit CommandBuffer(const storport::Services& s)
      : memory_(s.memory), prepared_(s.memory, s.locked, s.mappings, s.pool, kBytes) {
    const auto run = memory_.allocate(1);
    CHECK(run.has_value(), "no page for a command buffer");
    run_ = *run;
  }
  ~CommandBuffer() { memory_.free(run_); }
  CommandBuffer(const CommandBuffer&) = delete;
  CommandBuffer& operator=(const CommandBuffer&) = delete;

  std::uint8_t* bytes() const { return reinterpret_cast<std::uint8_t*>(memory_.system(run_.first)); }
  std::uint64_t address() const { return memory_.address(View::system, run_.first); }
  PreparedBuffer& prepared() { return prepared_; }

 private:
  PhysicalMemory& memory_;
  PreparedBuffer prepared_;
  PageRun run_;
};

}  // namespace drydock
