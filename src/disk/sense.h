#pragma once
// What the end of a SCSI command means to a client: go on, try again, or which errno. Pure; a table.

#include <cstddef>
#include <cstdint>
#include <span>

namespace drydock {

struct Sense {
  bool valid = false;
  std::uint8_t key = 0, code = 0, qualifier = 0;
};
/// Fixed and descriptor format. SPC-4 4.5
Sense parse_sense(std::span<const std::byte> bytes);

enum class Then : std::uint8_t { done, retry, fail };
struct Judgement {
  Then then;
  int error;  ///< errno when it fails (also after the last retry)
};
/// `srb_status` without its flag bits matters; sense only with AUTOSENSE_VALID.
Judgement judge(std::uint8_t srb_status, std::uint8_t scsi_status, std::span<const std::byte> sense);

}  // namespace drydock
