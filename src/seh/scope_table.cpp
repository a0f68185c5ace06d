#include "seh/scope_table.h"

#include <algorithm>

namespace drydock::seh {

ScopeTable::ScopeTable(const PeImage& image, std::uint32_t rva) : image_(image), rva_(rva) {
  count_ = std::min(image.load<std::uint32_t>(rva).value_or(0), kScopesMax);
}

std::optional<Scope> ScopeTable::at(std::uint32_t index) const {
  if (index >= count_) return std::nullopt;
  return image_.load<Scope>(rva_ + 4 + index * static_cast<std::uint32_t>(sizeof(Scope)));
}

bool ScopeTable::is_sound() const {
  for (std::uint32_t i = 0; i < count_; ++i) {
    const auto scope = at(i);
    if (!scope || scope->begin >= scope->end || scope->end > image_.size || scope->target >= image_.size) return false;
    if (scope->handler >= image_.size || scope->handler == 0) return false;
  }
  return count_ != 0;
}

std::optional<std::uint32_t> ScopeTable::next_except(std::uint32_t first, std::uint32_t rva) const {
  for (std::uint32_t i = first; i < count_; ++i)
    if (const auto scope = at(i); scope && scope->covers(rva) && !scope->is_finally()) return i;
  return std::nullopt;
}

bool ScopeTable::guards(const Scope& construct, std::uint32_t rva) const {
  for (std::uint32_t i = 0; i < count_; ++i)
    if (const auto scope = at(i); scope && scope->covers(rva) && scope->is_same_construct(construct)) return true;
  return false;
}

std::optional<std::uint32_t> ScopeTable::accepting(std::uint32_t rva, std::uint32_t target) const {
  for (std::uint32_t i = 0; i < count_; ++i)
    if (const auto scope = at(i); scope && scope->covers(rva) && scope->target == target) return i;
  return std::nullopt;
}

// What stands before the __except whose block is the target lies inside of it. Ranges cannot say so: a compiler may put the
// block right behind a call that does not return, and clang 19 lets a range end a byte behind the call.
std::optional<std::uint32_t> ScopeTable::next_finally(std::uint32_t first, std::uint32_t rva, std::optional<std::uint32_t> target) const {
  const auto handler = target ? accepting(rva, *target) : std::nullopt;
  for (std::uint32_t i = first; i < handler.value_or(count_); ++i) {
    const auto scope = at(i);
    if (!scope || !scope->covers(rva)) continue;
    if (target && !handler && guards(*scope, *target)) return std::nullopt;  // the rest is further out
    if (scope->is_finally()) return i;
  }
  return std::nullopt;
}

}  // namespace drydock::seh
