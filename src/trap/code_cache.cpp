#include "trap/code_cache.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/check.h"

namespace drydock {

CodeCache::~CodeCache() {
  for (std::uint8_t* chunk : chunks_) munmap(chunk, kCodeChunk);
}

const void* CodeCache::add(std::span<const std::uint8_t> instruction) {
  constexpr std::uint8_t kRet = 0xC3;
  const std::size_t size = (instruction.size() + 1 + 15) & ~std::size_t{15};
  if (used_ + size > kCodeChunk) {
    void* chunk = mmap(nullptr, kCodeChunk, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(chunk != MAP_FAILED, "no memory for emulated instructions");
    chunks_.push_back(static_cast<std::uint8_t*>(chunk));
    used_ = 0;
  }
  std::uint8_t* at = chunks_.back() + used_;
  CHECK(mprotect(chunks_.back(), kCodeChunk, PROT_READ | PROT_WRITE) == 0, "code cache cannot be written");
  std::copy(instruction.begin(), instruction.end(), at);
  at[instruction.size()] = kRet;
  CHECK(mprotect(chunks_.back(), kCodeChunk, PROT_READ | PROT_EXEC) == 0, "code cache cannot be executed");
  used_ += size;
  return at;
}

}  // namespace drydock
