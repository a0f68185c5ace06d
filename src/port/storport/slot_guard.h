#pragma once
// SlotGuard: what `--checks all` looks for in a request's slot. When the slot is lent, the SRB extension is filled with
// garbage (it is documented as uninitialised), every byte that belongs to nobody with another pattern, and what only the
// port driver writes is remembered: the scatter/gather list and the fields by which it knows the SRB. When the miniport
// completes the request, what has changed is told. The data of a
// write is known by a signature. DOC: ST-43 ST-60 ST-114 DRY-03 DRY-04 MDL-50 VER-64 VER-66

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mem/physical_memory.h"
#include "port/storport/request.h"
#include "port/storport/slot_layout.h"

namespace drydock::storport {

class SlotGuard {
 public:
  static constexpr std::byte kUninitialised{0xB5};  ///< in a fresh SRB extension
  static constexpr std::byte kNobodys{0xA9};        ///< between and behind the parts of a slot

  struct Offence {
    std::string_view rule;
    std::string message;
    std::string_view code = {};
  };

  SlotGuard(const SlotLayout& layout, const PhysicalMemory& memory) : layout_(layout), memory_(memory) {}

  /// The slot is about to be lent; SRB and list are complete.
  void seal(const Request& request);
  /// The miniport has completed the request.
  std::vector<Offence> inspect(const Request& request) const;

 private:
  struct Gap {
    const char* behind;
    std::uint32_t begin, end;
  };
  struct Sealed {
    std::vector<std::byte> list;
    std::vector<std::byte> srb;
    std::optional<std::uint64_t> data;  ///< signature of what is to be written
  };
  /// Of the data that the miniport is to write and nobody may change meanwhile; none for other requests. DOC: MDL-50
  std::optional<std::uint64_t> signature_of(const Request& request) const;
  std::vector<Gap> gaps() const;
  static std::byte* slot_of(const Request& request) { return static_cast<std::byte*>(request.srb.block()); }
  void inspect_gaps(const Request& request, std::vector<Offence>& offences) const;
  void inspect_srb(const Request& request, const Sealed& sealed, std::vector<Offence>& offences) const;

  SlotLayout layout_;
  const PhysicalMemory& memory_;
  std::vector<Sealed> sealed_;  ///< by number of the request
};

}  // namespace drydock::storport
