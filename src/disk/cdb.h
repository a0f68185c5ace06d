#pragma once
// Cdb: the command descriptor blocks a disk class driver sends. Pure; SBC-3 and SPC-4 sections beside each builder.

#include <array>
#include <cstdint>
#include <span>

namespace drydock {

struct Cdb {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t length = 0;
  operator std::span<const std::uint8_t>() const { return {bytes.data(), length}; }
};

/// READ/WRITE (10) where block address and count fit, else (16). SBC-3 5.8, 5.11, 5.25, 5.28
Cdb read_write_cdb(bool write, std::uint64_t block, std::uint32_t blocks, bool fua);
Cdb synchronize_cache_cdb();                                                    ///< whole medium. SBC-3 5.18
Cdb unmap_cdb(std::uint16_t parameter_length);                                  ///< SBC-3 5.23
Cdb write_same_cdb(std::uint64_t block, std::uint32_t blocks, bool unmap);      ///< (16). SBC-3 5.40
Cdb inquiry_cdb(std::uint8_t length);                                           ///< SPC-4 6.6
Cdb vital_product_cdb(std::uint8_t page, std::uint8_t length);
Cdb read_capacity_10_cdb();                                                     ///< SBC-3 5.12
Cdb read_capacity_16_cdb(std::uint32_t length);                                 ///< SBC-3 5.13
Cdb mode_sense_6_cdb(std::uint8_t page, std::uint8_t length);                   ///< SPC-4 6.11
Cdb test_unit_ready_cdb();                                                      ///< SPC-4 6.47
Cdb report_luns_cdb(std::uint32_t length);                                      ///< SPC-4 6.33

template <class T>
constexpr void put_big_endian(std::uint8_t* to, T value) {
  for (unsigned i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
}
template <class T>
constexpr T get_big_endian(const std::uint8_t* from) {
  T value = 0;
  for (unsigned i = 0; i < sizeof(T); ++i) value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 | from[i]);
  return value;
}

}  // namespace drydock
