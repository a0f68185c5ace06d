#pragma once
// What is in a request's slot, as byte offsets from its start: the SRB, the sense buffer, the scatter/gather list, the SRB
// extension.

#include <cstddef>
#include <cstdint>

#include "port/srb/srb.h"

namespace drydock::storport {

struct SlotLayout {
  static SlotLayout plan(Srb::Form form, std::uint32_t list_elements, std::uint32_t extension_bytes);
  static constexpr std::uint32_t list_bytes(std::uint32_t elements) {
    return static_cast<std::uint32_t>(offsetof(STOR_SCATTER_GATHER_LIST, List) + elements * sizeof(STOR_SCATTER_GATHER_ELEMENT));
  }
  std::uint32_t sense, list, list_end, extension, extension_bytes, pages;
  Srb::Form form;
};

}  // namespace drydock::storport
