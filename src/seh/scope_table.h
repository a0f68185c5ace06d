#pragma once
// The scope table of a function with __try, as the compiler puts it behind the address of __C_specific_handler in .xdata: an
// entry for each guarded range, inner ones first. A construct whose range is not contiguous has several entries with the
// same handler and target. Read from the file: no table can make the reader fault.
//
// DOC: DRY-20 an entry {begin, end, handler, target}: with a target it is an __except, whose handler is the filter (1: the
// constant EXCEPTION_EXECUTE_HANDLER); without one it is a __finally, whose handler is the block.

#include <cstdint>
#include <optional>

#include "loader/pe_image.h"

namespace drydock::seh {

inline constexpr std::uint32_t kScopesMax = 65536;
inline constexpr std::uint32_t kAlwaysHandles = 1;  // in place of a filter

struct Scope {
  std::uint32_t begin = 0, end = 0;  // RVAs, [begin, end)
  std::uint32_t handler = 0;         // RVA of filter or __finally block
  std::uint32_t target = 0;          // RVA of the __except block; 0: a __finally

  bool covers(std::uint32_t rva) const { return rva >= begin && rva < end; }
  bool is_finally() const { return target == 0; }
  bool always_handles() const { return handler == kAlwaysHandles; }
  bool is_same_construct(const Scope& other) const { return handler == other.handler && target == other.target; }
};

class ScopeTable {
 public:
  /// `rva` of the handler's data.
  ScopeTable(const PeImage& image, std::uint32_t rva);
  std::uint32_t count() const { return count_; }
  std::optional<Scope> at(std::uint32_t index) const;
  /// Can it be a scope table at all? What a handler of another kind finds behind its address is none.
  bool is_sound() const;

  /// The first __except from `first` on that guards `rva`; its index.
  std::optional<std::uint32_t> next_except(std::uint32_t first, std::uint32_t rva) const;
  /// The first __finally from `first` on to run when control leaves `rva`, for good or (when `target` is given) for that
  /// place in the same function: one that the target lies inside of is not left.
  std::optional<std::uint32_t> next_finally(std::uint32_t first, std::uint32_t rva, std::optional<std::uint32_t> target) const;

 private:
  std::optional<std::uint32_t> accepting(std::uint32_t rva, std::uint32_t target) const;
  bool guards(const Scope& construct, std::uint32_t rva) const;

  const PeImage& image_;
  std::uint32_t rva_;
  std::uint32_t count_ = 0;
};


}  // namespace drydock::seh
