#pragma once
// CodeCache: executable memory for re-encoded instructions, each followed by a ret. It only grows; what is equal is
// stored once by its user. Never writable and executable at once.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace drydock {

inline constexpr std::size_t kCodeChunk = 64 * 1024;

class CodeCache {
 public:
  CodeCache() = default;
  ~CodeCache();
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;

  /// A callable copy of the instruction.
  const void* add(std::span<const std::uint8_t> instruction);

 private:
  std::vector<std::uint8_t*> chunks_;
  std::size_t used_ = kCodeChunk;  // of the last chunk
};

}  // namespace drydock
