#pragma once
// ContiguousMemory: blocks of whole, physically consecutive pages that drivers own: MmAllocateContiguousMemory and its kin,
// and the non-cached allocator, which is the same here but for who may free it. Seen through the system view.

#include <cstdint>
#include <map>
#include <optional>

#include "mem/physical_memory.h"
#include "trace/code_place.h"

namespace drydock {

class ContiguousMemory {
 public:
  enum class Kind : std::uint8_t { contiguous, non_cached };
  enum class Fault : std::uint8_t { none, not_a_block, other_kind, other_size };
  struct Block {
    PageRun pages;
    std::uint64_t bytes;
    Kind kind;
    CodePlace place;
  };

  explicit ContiguousMemory(PhysicalMemory& memory) : memory_(memory) {}
  ~ContiguousMemory() {
    for (const auto& [address, block] : blocks_) memory_.free(block.pages);
  }
  ContiguousMemory(const ContiguousMemory&) = delete;
  ContiguousMemory& operator=(const ContiguousMemory&) = delete;

  /// Address of the first byte; none when there is no such memory. Contents are undefined.
  std::optional<std::uint64_t> allocate(std::uint64_t bytes, const ContiguousLimits& limits, Kind kind, const CodePlace& place) {
    if (bytes == 0 || bytes > memory_.size()) return std::nullopt;
    const auto run = memory_.allocate_contiguous(static_cast<std::uint32_t>((bytes + kPageMask) >> kPageShift), limits);
    if (!run) return std::nullopt;
    const std::uint64_t address = memory_.address(View::system, run->first);
    blocks_.emplace(address, Block{*run, bytes, kind, place});
    return address;
  }
  /// `bytes`: as many as were asked for, when the caller has to say so. The block is freed even where the size is wrong.
  Fault free(std::uint64_t address, Kind kind, std::optional<std::uint64_t> bytes) {
    const auto found = blocks_.find(address);
    if (found == blocks_.end()) return Fault::not_a_block;
    if (found->second.kind != kind) return Fault::other_kind;
    const bool same_size = !bytes || *bytes == found->second.bytes;
    memory_.free(found->second.pages);
    blocks_.erase(found);
    return same_size ? Fault::none : Fault::other_size;
  }
  /// By address: what was never freed.
  const std::map<std::uint64_t, Block>& blocks() const { return blocks_; }

 private:
  PhysicalMemory& memory_;
  std::map<std::uint64_t, Block> blocks_;
};

}  // namespace drydock
