#pragma once
// What is in a request's slot, as byte offsets from its start: the SRB, the sense buffer, the scatter/gather list, the SRB
// extension. `apart`: a closed page lies before and behind the extension, which then ends where its page ends; else the
// extension follows the list.

#include <cstddef>
#include <cstdint>

#include "port/srb/srb.h"

namespace drydock::storport {

struct SlotLayout {
  static SlotLayout plan(Srb::Form form, std::uint32_t list_elements, std::uint32_t extension_bytes, bool apart = false);
  static constexpr std::uint32_t list_bytes(std::uint32_t elements) {
    return static_cast<std::uint32_t>(offsetof(STOR_SCATTER_GATHER_LIST, List) + elements * sizeof(STOR_SCATTER_GATHER_ELEMENT));
  }
  std::uint32_t sense, list, list_end, extension, extension_bytes, pages;
  std::uint32_t head_pages;  ///< that are lent before the first closed one
  std::uint32_t tail_pages;  ///< that are lent behind it
  bool apart;
  Srb::Form form;
  std::uint32_t extension_end() const { return extension + extension_bytes; }

  struct Object {
    const char* name;
    std::uint32_t start, end;
  };
  /// The object a byte belongs to, or the last one before it.
  Object at(std::uint32_t offset) const;
};

}  // namespace drydock::storport
