#pragma once
// PageAccess: what a page lets whoever it belongs to do with it.

#include <cstdint>

namespace drydock {

enum class PageAccess : std::uint8_t { none, read, read_write };

constexpr bool allows(PageAccess access, bool write) {
  return access == PageAccess::read_write || (access == PageAccess::read && !write);
}

}  // namespace drydock
