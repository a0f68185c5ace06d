#pragma once
// One machine set up as one line of the benchmark table says.

#include <drydock/machine.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace drydock::bench {

struct Case {
  std::string_view name;
  std::string_view driver;  ///< below DRIVERS
  std::string_view disk;
  Checks checks;
  bool random;              ///< reads all over the (filled) disk, else always the first block
};

inline constexpr std::size_t kBlock = 4096;

inline constexpr Case kCases[] = {
    {"io_null", "ddvioblk.sys", "null", Checks::off, false},
    {"io_null_trapped_doorbell", "ddvioblk_mmio.sys", "null", Checks::off, false},
    {"io_null_default_checks", "ddvioblk.sys", "null", Checks::standard, false},
    {"io_4k_1M", "ddvioblk.sys", "mem:1M", Checks::off, true},
    {"io_4k_64M", "ddvioblk.sys", "mem:64M", Checks::off, true},
};

class Rig {
 public:
  /// Starts the machine and fills the disk; empty, with the reason on standard error, if it does not start.
  static std::unique_ptr<Rig> set_up(const Case& line, const std::string& drivers);
  /// `count` READs of one 4 KiB block each; ends the process on an error, a benchmark of failures means nothing.
  void read(std::uint64_t count);

 private:
  Rig(std::unique_ptr<Machine> machine, bool random);
  void fill();
  std::uint64_t next_offset();

  std::unique_ptr<Machine> machine_;
  Disk& disk_;
  std::uint64_t blocks_;  ///< to choose from
  std::uint64_t choice_ = 1;
  alignas(kBlock) std::array<std::byte, kBlock> buffer_{};
};

}  // namespace drydock::bench
