#include "loader/pe_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/seeded.h"
#include "loader/test_images/pe_editor.h"

namespace drydock {
namespace {

using test::MiniPe;
using test::PeEditor;
using testing::HasSubstr;
using testing::Not;

std::string refusal(const std::vector<std::byte>& bytes) {
  const auto image = PeImage::parse(bytes);
  return image ? "" : image.error().message;
}

class BuiltImage : public testing::TestWithParam<std::string> {
 protected:
  std::vector<std::byte> bytes_ = test::read_image(GetParam());
};

INSTANTIATE_TEST_SUITE_P(All, BuiltImage, testing::ValuesIn(test::built_images()), [](const auto& about) {
  const auto slash = about.param.find_last_of('/');
  return about.param.substr(slash + 1, about.param.size() - slash - 5);
});

TEST(Toolchains, at_least_one_compiler_made_a_fixture) { EXPECT_FALSE(test::built_images().empty()); }

TEST_P(BuiltImage, names_its_imports_exports_and_sections) {
  const auto image = PeImage::parse(bytes_);
  ASSERT_TRUE(image) << image.error().message;
  std::vector<std::string> names;
  for (const auto& import : image->imports) names.push_back(import.module + "!" + import.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("host.sys!HostCall", "host.sys!NoSuchRoutine", "host.sys!HostNumber"));
  for (const char* name : {"Add", "Apply", "Outermost", "DriverEntry"}) {
    const auto* found = image->find_export(name);
    ASSERT_NE(found, nullptr) << name;
    ASSERT_NE(image->section_at(found->rva), nullptr);
    EXPECT_TRUE(image->section_at(found->rva)->executable);
  }
  EXPECT_EQ(image->find_export("Ad"), nullptr);
  EXPECT_EQ(image->find_export("DriverEntry")->rva, image->entry_rva);
  EXPECT_EQ(image->sections.front().name, ".text");
  EXPECT_GT(image->pdata_size, 0u);
  EXPECT_FALSE(image->relocations.empty());
}

TEST_P(BuiltImage, truncated_anywhere_is_refused_in_one_line) {
  std::size_t end = 0;
  PeEditor edit(bytes_);
  for (unsigned i = 0; i < edit.file().section_count; ++i)
    end = std::max<std::size_t>(end, edit.section_header(i).raw_offset + edit.section_header(i).raw_size);
  ASSERT_LE(end, bytes_.size());
  for (std::size_t length = 0; length < end; ++length) {
    const std::vector<std::byte> part(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(length));
    const std::string message = refusal(part);
    ASSERT_NE(message, "") << "accepted at " << length << " of " << end;
    ASSERT_THAT(message, Not(HasSubstr("\n")));
  }
}

// Flipped bits make either an image whose every promise holds, or one line of refusal. Run under ASan too.
TEST_P(BuiltImage, twenty_thousand_mutations_never_crash_the_parser_or_break_its_promises) {
  Seeded seeded(0x10ADE2);
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto spoilt = bytes_;
    const std::size_t reach = seeded.below(4) ? std::min<std::size_t>(1024, spoilt.size()) : spoilt.size();
    for (auto flips = 1 + seeded.below(8); flips > 0; --flips)
      spoilt[seeded.below(reach)] ^= static_cast<std::byte>(1u << seeded.below(8));
    const auto image = PeImage::parse(spoilt);
    if (!image) {
      ASSERT_FALSE(image.error().message.empty());
      ASSERT_THAT(image.error().message, Not(HasSubstr("\n")));
      continue;
    }
    ++accepted;
    for (const auto rva : image->relocations) ASSERT_LE(rva + 8ull, image->size);
    for (const auto& import : image->imports) ASSERT_TRUE(image->holds(import.slot_rva, 8));
    for (const auto& section : image->sections) {
      ASSERT_LE(std::uint64_t{section.rva} + section.size, image->size);
      ASSERT_LE(std::uint64_t{section.file_offset} + section.file_size, spoilt.size());
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 19'900);
}

TEST(MiniImage, is_accepted_as_it_is) { EXPECT_EQ(refusal(MiniPe().bytes()), ""); }

TEST(Headers, something_else_is_not_a_pe) {
  const char elf[] = "\177ELF and more than enough bytes behind it to be read as a header of some kind";
  std::vector<std::byte> bytes(sizeof elf);
  std::memcpy(bytes.data(), elf, sizeof elf);
  EXPECT_THAT(refusal(bytes), HasSubstr("not a PE"));
  EXPECT_THAT(refusal(bytes), HasSubstr("Linux"));
  bytes[0] = std::byte{0};
  EXPECT_THAT(refusal(bytes), HasSubstr("does not begin with"));
  EXPECT_EQ(refusal({}), "is empty");
}

struct BadHeader {
  const char* name;
  void (*spoil)(PeEditor);
  const char* message;
};

template <class T, class F>
void change(PeEditor edit, F field) {
  if constexpr (std::is_same_v<T, pe::FileHeader>) {
    auto header = edit.file();
    field(header);
    edit.set_file(header);
  } else if constexpr (std::is_same_v<T, pe::OptionalHeader>) {
    auto header = edit.optional();
    field(header);
    edit.set_optional(header);
  } else {
    auto header = edit.section_header(0);
    field(header);
    edit.set_section(0, header);
  }
}

#define FILE_HEADER(statement) [](PeEditor e) { change<pe::FileHeader>(e, [](auto& h) { h.statement; }); }
#define OPTIONAL(statement) [](PeEditor e) { change<pe::OptionalHeader>(e, [](auto& h) { h.statement; }); }
#define SECTION(statement) [](PeEditor e) { change<pe::SectionHeader>(e, [](auto& h) { h.statement; }); }

const BadHeader kBadHeaders[] = {
    {"32-bit machine", FILE_HEADER(machine = pe::kMachineI386), "32-bit x86"},
    {"ARM64", FILE_HEADER(machine = pe::kMachineArm64), "ARM64"},
    {"unknown machine", FILE_HEADER(machine = 0x1234), "0x1234"},
    {"object file", FILE_HEADER(characteristics = 0), "not a linked image"},
    {"no sections", FILE_HEADER(section_count = 0), "no sections"},
    {"97 sections", FILE_HEADER(section_count = 97), "97 sections"},
    {"PE32", OPTIONAL(magic = pe::kMagic32), "32-bit"},
    {"ROM image", OPTIONAL(magic = 0x107), "unknown optional header"},
    {"console program", OPTIONAL(subsystem = 3), "not a kernel driver"},
    {"EFI driver", OPTIONAL(subsystem = 11), "not a kernel driver"},
    {"no entry", OPTIONAL(entry_rva = 0), "no entry point"},
    {"entry in headers", OPTIONAL(entry_rva = 0x20), "lies in no section"},
    {"entry far away", OPTIONAL(entry_rva = 0xFFFFFFFF), "lies in no section"},
    {"entry in data", SECTION(characteristics = pe::kSectionRead), "not executable"},
    {"image of no size", OPTIONAL(image_size = 0), "SizeOfImage"},
    {"image of 4 GiB", OPTIONAL(image_size = 0xFFFFFFFF), "SizeOfImage"},
    {"image smaller than its section", OPTIONAL(image_size = 0x1000), "lies outside the image"},
    {"base off its boundary", OPTIONAL(image_base = 0x2'0000'1000), "64 KiB"},
    {"base at the very end", OPTIONAL(image_base = 0xFFFF'FFFF'FFFF'0000), "no room"},
    {"alignment 0", OPTIONAL(section_alignment = 0), "power of two"},
    {"alignment 0x3000", OPTIONAL(section_alignment = 0x3000), "power of two"},
    {"headers longer than the file", OPTIONAL(headers_size = 0x10000), "truncated"},
    {"section outside the file", SECTION(raw_offset = 0x7FFFFFFF), "truncated"},
    {"section wraps around", SECTION(raw_offset = 0xFFFFFF00), "truncated"},
    {"section outside the image", SECTION(rva = 0x2000), "lies outside the image"},
    {"section size wraps around", SECTION(virtual_size = 0xFFFFF000), "lies outside the image"},
    {"section not aligned", SECTION(virtual_size = 0x100; h.rva = 0x1200), "not aligned"},
    {"section over the headers", SECTION(virtual_size = 0x100; h.rva = 0), "overlaps"},
};

TEST(Headers, each_kind_of_damage_is_named) {
  for (const auto& bad : kBadHeaders) {
    MiniPe image;
    bad.spoil(image.edit());
    EXPECT_THAT(refusal(image.bytes()), HasSubstr(bad.message)) << bad.name;
  }
}

TEST(Sections, two_that_overlap_are_refused_and_neighbours_are_not) {
  MiniPe image;
  auto second = image.edit().section_header(0);
  std::memcpy(second.name, ".two", 4);
  second.virtual_size = second.raw_size = 0x10;
  second.rva = 0x2000;
  image.edit().set_section(1, second);
  change<pe::FileHeader>(image.edit(), [](auto& h) { h.section_count = 2; });
  change<pe::OptionalHeader>(image.edit(), [](auto& h) { h.image_size = 0x3000; });
  EXPECT_EQ(refusal(image.bytes()), "");
  second.rva = 0x1000;
  image.edit().set_section(1, second);
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("section .two at 0x1000 overlaps"));
}

TEST(Sections, low_alignment_of_old_drivers_is_accepted) {
  MiniPe image;
  change<pe::OptionalHeader>(image.edit(), [](auto& h) { h.section_alignment = h.file_alignment = 0x20; });
  const auto parsed = PeImage::parse(image.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_TRUE(parsed->shares_pages());
}

TEST(Sections, bytes_behind_the_file_part_read_as_zero) {
  MiniPe image;
  image.put<std::uint64_t>(0x11FC, 0x1122334455667788);
  change<pe::SectionHeader>(image.edit(), [](auto& h) { h.raw_size = 0x200; });
  const auto parsed = PeImage::parse(image.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->load<std::uint64_t>(0x11FC), 0x55667788u);
  EXPECT_EQ(parsed->load<std::uint64_t>(0x1FF8), 0u);
  EXPECT_EQ(parsed->load<std::uint64_t>(0x1FF9), std::nullopt);
  EXPECT_EQ(parsed->view(0x11FC, 8), std::nullopt);
}

/// One module, one name; the descriptor at 0x1100, names at 0x1200, slots at 0x1300.
MiniPe with_import() {
  MiniPe image;
  image.directory(pe::kImportDirectory, 0x1100, 40);
  image.put(0x1100, pe::ImportDescriptor{0x1200, 0, 0, 0x1400, 0x1300});
  image.put<std::uint64_t>(0x1200, 0x1500).put<std::uint64_t>(0x1300, 0x1500);
  image.put_text(0x1400, "HAL.dll").put_text(0x1502, "HalSomething");
  return image;
}

TEST(Imports, by_name_and_by_ordinal) {
  auto image = with_import();
  image.put<std::uint64_t>(0x1208, pe::kImportByOrdinal | 12);
  const auto parsed = PeImage::parse(image.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->imports.size(), 2u);
  EXPECT_EQ(parsed->imports[0].module, "HAL.dll");
  EXPECT_EQ(parsed->imports[0].name, "HalSomething");
  EXPECT_EQ(parsed->imports[0].slot_rva, 0x1300u);
  EXPECT_EQ(parsed->imports[1].name, "#12");
  EXPECT_EQ(parsed->imports[1].ordinal, 12);
  EXPECT_EQ(parsed->imports[1].slot_rva, 0x1308u);
}

TEST(Imports, a_list_without_end_runs_out_of_the_image) {
  auto image = with_import();
  image.put(0x1100, pe::ImportDescriptor{0x1600, 0, 0, 0x1400, 0x1550});
  for (std::uint32_t rva = 0x1600; rva < 0x2000; rva += 8) image.put<std::uint64_t>(rva, pe::kImportByOrdinal | 1);
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("HAL.dll"));
}

TEST(Imports, a_table_that_names_the_same_list_again_and_again_is_refused) {
  auto image = with_import();
  image.put(0x1114, pe::ImportDescriptor{0x1200, 0, 0, 0x1400, 0x1300});
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("import tables overlap"));
}

TEST(Imports, two_slots_may_not_overlap_in_part) {
  auto image = with_import();
  image.put(0x1114, pe::ImportDescriptor{0x1200, 0, 0, 0x1400, 0x1304});
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("import tables overlap"));
}

TEST(Imports, a_module_table_without_end_meets_its_limit) {
  MiniPe image;
  change<pe::OptionalHeader>(image.edit(), [](auto& h) { h.image_size = 0x100000; });
  auto& bytes = image.bytes();
  bytes.resize(MiniPe::kFileOffset + 0x20000);
  change<pe::SectionHeader>(image.edit(), [](auto& h) { h.virtual_size = h.raw_size = 0x20000; });
  image.directory(pe::kImportDirectory, 0x3000, 40).put_text(0x1400, "loop.sys");
  for (std::uint32_t i = 0; i < 400; ++i) image.put(0x3000 + i * 20, pe::ImportDescriptor{0x1800, 0, 0, 0x1400, 0x1808});
  EXPECT_THAT(refusal(bytes), HasSubstr("more than 256 modules"));
}

TEST(Imports, names_outside_the_image_or_unreadable_are_refused) {
  auto outside = with_import();
  outside.put<std::uint64_t>(0x1200, 0x100000000);
  EXPECT_THAT(refusal(outside.bytes()), HasSubstr("outside the image"));
  auto binary = with_import();
  binary.put_text(0x1502, "Bad\nName");
  EXPECT_THAT(refusal(binary.bytes()), HasSubstr("not readable text"));
  auto slots = with_import();
  slots.put(0x1100, pe::ImportDescriptor{0x1200, 0, 0, 0x1400, 0x1FFC});
  EXPECT_THAT(refusal(slots.bytes()), HasSubstr("address table"));
}

TEST(Imports, delayed_ones_are_reported) {
  MiniPe image;
  image.directory(pe::kDelayImportDirectory, 0x1100, 64);
  image.put(0x1100, pe::DelayImportDescriptor{1, 0x1400, 0, 0x1300, 0x1200, 0, 0, 0});
  image.put<std::uint64_t>(0x1200, 0x1500).put_text(0x1400, "ext-ms.dll").put_text(0x1502, "Later");
  const auto parsed = PeImage::parse(image.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_TRUE(parsed->imports.empty());
  ASSERT_EQ(parsed->delay_imports.size(), 1u);
  EXPECT_EQ(parsed->delay_imports[0].name, "Later");
}

MiniPe with_relocation(std::uint16_t entry, std::uint32_t page = 0x1000, std::uint32_t size = 12) {
  MiniPe image;
  image.directory(pe::kRelocationDirectory, 0x1100, 12);
  image.put(0x1100, pe::RelocationBlock{page, size}).put<std::uint16_t>(0x1108, entry);
  return image;
}

TEST(Relocations, only_64_bit_addresses_inside_the_image) {
  auto good = with_relocation(0xA200);
  const auto parsed = PeImage::parse(good.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->relocations, testing::ElementsAre(0x1200u));
  EXPECT_THAT(refusal(with_relocation(0x3200).bytes()), HasSubstr("type 3"));
  EXPECT_THAT(refusal(with_relocation(0xAFF9).bytes()), HasSubstr("wild relocation"));
  EXPECT_THAT(refusal(with_relocation(0xA200, 0x7FFFF000).bytes()), HasSubstr("wild relocation"));
  EXPECT_THAT(refusal(with_relocation(0xA200, 0xFFFFFFFF).bytes()), HasSubstr("wild relocation"));
  EXPECT_THAT(refusal(with_relocation(0xA3FC, 0).bytes()), HasSubstr("wild relocation"));
  EXPECT_THAT(refusal(with_relocation(0xA200, 0x1000, 0xFFFFFFF0).bytes()), HasSubstr("wild"));
  EXPECT_THAT(refusal(with_relocation(0xA200, 0x1000, 4).bytes()), HasSubstr("wild"));
}

TEST(Relocations, a_table_outside_the_file_is_refused) {
  MiniPe image;
  image.directory(pe::kRelocationDirectory, 0x1F00, 0x200);
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("relocation table"));
}

TEST(LoadConfiguration, the_cookie_must_lie_inside) {
  MiniPe image;
  image.directory(pe::kLoadConfigDirectory, 0x1100, 0x40);
  image.put<std::uint32_t>(0x1100, 0x94).put<std::uint64_t>(0x1158, 0x2'0000'1800).put<std::uint64_t>(0x1170, 0x2'0000'1900);
  const auto parsed = PeImage::parse(image.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->load_config.security_cookie, 0x2'0000'1800u);
  EXPECT_EQ(parsed->load_config.guard_check, 0x2'0000'1900u);
  image.put<std::uint64_t>(0x1158, 0x2'0000'1FFC);
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("security cookie"));
  image.put<std::uint64_t>(0x1158, 0x1'0000'0000);
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("security cookie"));
  image.put<std::uint32_t>(0x1100, 0x50);  // an old linker's, which ends before the cookie
  EXPECT_EQ(refusal(image.bytes()), "");
}

TEST(Exports, forwarders_are_told_from_addresses_and_damage_is_refused) {
  MiniPe image;
  image.directory(pe::kExportDirectory, 0x1100, 0x100);
  image.put(0x1100, pe::ExportHeader{0, 0, 0, 0, 0, 1, 2, 2, 0x1400, 0x1410, 0x1420});
  image.put<std::uint32_t>(0x1400, 0x1234).put<std::uint32_t>(0x1404, 0x1180);
  image.put<std::uint32_t>(0x1410, 0x1430).put<std::uint32_t>(0x1414, 0x1440);
  image.put<std::uint16_t>(0x1420, 0).put<std::uint16_t>(0x1422, 1);
  image.put_text(0x1430, "Here").put_text(0x1440, "There").put_text(0x1180, "OTHER.There");
  const auto parsed = PeImage::parse(image.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->exports.size(), 2u);
  EXPECT_EQ(parsed->find_export("Here")->rva, 0x1234u);
  EXPECT_EQ(parsed->find_export("There")->forwarder, "OTHER.There");
  image.put<std::uint16_t>(0x1422, 2);
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("export table is damaged"));
  image.put(0x1100, pe::ExportHeader{0, 0, 0, 0, 0, 1, 2, 0x7FFFFFFF, 0x1400, 0x1410, 0x1420});
  EXPECT_THAT(refusal(image.bytes()), HasSubstr("named exports"));
}

TEST(Debug, the_pdb_is_named_and_damage_there_is_no_reason_to_refuse) {
  MiniPe image;
  image.directory(pe::kDebugDirectory, 0x1100, sizeof(pe::DebugEntry));
  image.put(0x1100, pe::DebugEntry{0, 0, 0, 0, pe::kDebugCodeView, 40, 0x1200, 0x600});
  image.put<std::uint32_t>(0x1200, pe::kCodeViewRsds).put_text(0x1218, "c:\\b\\my.pdb");
  EXPECT_EQ(PeImage::parse(image.bytes())->pdb_path, "c:\\b\\my.pdb");
  image.put(0x1100, pe::DebugEntry{0, 0, 0, 0, pe::kDebugCodeView, 0xFFFFFFF0, 0xFFFFFFFF, 0});
  EXPECT_EQ(refusal(image.bytes()), "");
}

TEST(Tls, a_directory_is_reported) {
  MiniPe image;
  EXPECT_FALSE(PeImage::parse(image.bytes())->has_tls);
  image.directory(pe::kTlsDirectory, 0x1100, 40);
  EXPECT_TRUE(PeImage::parse(image.bytes())->has_tls);
}

}  // namespace
}  // namespace drydock
