#include "disk/cdb.h"

namespace drydock {

namespace {

Cdb cdb(std::uint8_t opcode, std::uint8_t length) {
  Cdb made;
  made.bytes[0] = opcode;
  made.length = length;
  return made;
}

constexpr std::uint8_t kFua = 0x08;

}  // namespace

Cdb read_write_cdb(bool write, std::uint64_t block, std::uint32_t blocks, bool fua) {
  const bool small = block + blocks <= 0x1'0000'0000 && blocks <= 0xFFFF;
  Cdb made = small ? cdb(write ? 0x2A : 0x28, 10) : cdb(write ? 0x8A : 0x88, 16);
  made.bytes[1] = fua ? kFua : 0;
  if (small) {
    put_big_endian(&made.bytes[2], static_cast<std::uint32_t>(block));
    put_big_endian(&made.bytes[7], static_cast<std::uint16_t>(blocks));
  } else {
    put_big_endian(&made.bytes[2], block);
    put_big_endian(&made.bytes[10], blocks);
  }
  return made;
}

Cdb synchronize_cache_cdb() { return cdb(0x35, 10); }

Cdb unmap_cdb(std::uint16_t parameter_length) {
  Cdb made = cdb(0x42, 10);
  put_big_endian(&made.bytes[7], parameter_length);
  return made;
}

Cdb write_same_cdb(std::uint64_t block, std::uint32_t blocks, bool unmap) {
  Cdb made = cdb(0x93, 16);
  made.bytes[1] = unmap ? 0x08 : 0;
  put_big_endian(&made.bytes[2], block);
  put_big_endian(&made.bytes[10], blocks);
  return made;
}

Cdb inquiry_cdb(std::uint8_t length) {
  Cdb made = cdb(0x12, 6);
  made.bytes[4] = length;
  return made;
}

Cdb vital_product_cdb(std::uint8_t page, std::uint8_t length) {
  Cdb made = inquiry_cdb(length);
  made.bytes[1] = 1;
  made.bytes[2] = page;
  return made;
}

Cdb read_capacity_10_cdb() { return cdb(0x25, 10); }

Cdb read_capacity_16_cdb(std::uint32_t length) {
  Cdb made = cdb(0x9E, 16);
  made.bytes[1] = 0x10;
  put_big_endian(&made.bytes[10], length);
  return made;
}

Cdb mode_sense_6_cdb(std::uint8_t page, std::uint8_t length) {
  Cdb made = cdb(0x1A, 6);
  made.bytes[2] = page;
  made.bytes[4] = length;
  return made;
}

Cdb test_unit_ready_cdb() { return cdb(0x00, 6); }

Cdb report_luns_cdb(std::uint32_t length) {
  Cdb made = cdb(0xA0, 12);
  put_big_endian(&made.bytes[6], length);
  return made;
}

}  // namespace drydock
