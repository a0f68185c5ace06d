#pragma once
// For tests: PE images made by hand, and good ones spoilt on purpose.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "loader/pe_format.h"

namespace drydock::test {

inline std::vector<std::byte> read_image(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> image(bytes.size());
  if (!bytes.empty()) std::memcpy(image.data(), bytes.data(), bytes.size());
  return image;
}

/// Every image the build could make with the compilers there are.
inline std::vector<std::string> built_images() {
  std::vector<std::string> paths;
  for (const char* name : {"gcc", "clang_gnu", "clang_msvc"}) {
    const std::string path = std::string(LOADER_TEST_IMAGES) + "/" + name + ".sys";
    if (std::ifstream(path)) paths.push_back(path);
  }
  return paths;
}

/// Reads and changes header fields of an image in a byte vector.
class PeEditor {
 public:
  explicit PeEditor(std::vector<std::byte>& bytes) : bytes_(bytes) {}

  template <class T>
  T get(std::size_t offset) const {
    T value{};
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  template <class T>
  void set(std::size_t offset, T value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
  }

  std::size_t file_header() const { return get<std::uint32_t>(0x3C) + 4u; }
  std::size_t optional_header() const { return file_header() + sizeof(pe::FileHeader); }
  std::size_t directory(unsigned index) const { return optional_header() + sizeof(pe::OptionalHeader) + index * 8u; }
  std::size_t section(unsigned index) const {
    return optional_header() + get<std::uint16_t>(file_header() + 16) + index * sizeof(pe::SectionHeader);
  }

  pe::FileHeader file() const { return get<pe::FileHeader>(file_header()); }
  void set_file(pe::FileHeader header) { set(file_header(), header); }
  pe::OptionalHeader optional() const { return get<pe::OptionalHeader>(optional_header()); }
  void set_optional(pe::OptionalHeader header) { set(optional_header(), header); }
  pe::SectionHeader section_header(unsigned index) const { return get<pe::SectionHeader>(section(index)); }
  void set_section(unsigned index, pe::SectionHeader header) { set(section(index), header); }
  void set_directory(unsigned index, std::uint32_t rva, std::uint32_t size) {
    set(directory(index), pe::DataDirectory{rva, size});
  }

 private:
  std::vector<std::byte>& bytes_;
};

/// An image of one section, 4 KiB at RVA 0x1000, with all rights: the rest is put in by the test.
class MiniPe {
 public:
  static constexpr std::uint32_t kRva = 0x1000, kSize = 0x1000, kFileOffset = 0x400;

  MiniPe() : bytes_(kFileOffset + kSize) {
    PeEditor edit(bytes_);
    edit.set<std::uint16_t>(0, pe::kDosMagic);
    edit.set<std::uint32_t>(0x3C, 0x40);
    edit.set<std::uint32_t>(0x40, pe::kSignature);
    edit.set_file({pe::kMachineAmd64, 1, 0, 0, 0, sizeof(pe::OptionalHeader) + 128, pe::kExecutableImage});
    pe::OptionalHeader optional{};
    optional.magic = pe::kMagic64;
    optional.entry_rva = kRva;
    optional.image_base = 0x2'0000'0000;
    optional.section_alignment = 0x1000;
    optional.file_alignment = 0x200;
    optional.image_size = kRva + kSize;
    optional.headers_size = kFileOffset;
    optional.subsystem = pe::kSubsystemNative;
    optional.directory_count = pe::kDirectories;
    edit.set_optional(optional);
    pe::SectionHeader section{};
    std::memcpy(section.name, ".all", 4);
    section.virtual_size = kSize;
    section.rva = kRva;
    section.raw_size = kSize;
    section.raw_offset = kFileOffset;
    section.characteristics = pe::kSectionExecute | pe::kSectionRead | pe::kSectionWrite;
    edit.set_section(0, section);
  }

  template <class T>
  MiniPe& put(std::uint32_t rva, T value) {
    PeEditor(bytes_).set(kFileOffset + rva - kRva, value);
    return *this;
  }
  MiniPe& put_bytes(std::uint32_t rva, const std::vector<std::uint8_t>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) put(rva + static_cast<std::uint32_t>(i), values[i]);
    return *this;
  }
  MiniPe& put_text(std::uint32_t rva, const std::string& text) {
    for (std::size_t i = 0; i <= text.size(); ++i) put(rva + static_cast<std::uint32_t>(i), text.c_str()[i]);
    return *this;
  }
  MiniPe& directory(unsigned index, std::uint32_t rva, std::uint32_t size) {
    PeEditor(bytes_).set_directory(index, rva, size);
    return *this;
  }
  PeEditor edit() { return PeEditor(bytes_); }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace drydock::test
