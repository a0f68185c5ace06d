#include "loader/image.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>
#include <fstream>

#include "abi/ms_abi.h"
#include "loader/test_images/pe_editor.h"

namespace drydock {
namespace {

using test::MiniPe;
using test::PeEditor;
using testing::HasSubstr;

std::uint64_t host_number = 4711;
std::string missing_called;
void* missing_caller;

MSABI std::uint64_t host_call(std::uint64_t value) { return value + 100; }

MSABI std::uint64_t missing_import(const MissingImport& which, void* return_address) {
  missing_called = fmt::format("{}: {}!{}", which.image, which.module, which.name);
  missing_caller = return_address;
  EXPECT_EQ(return_address, __builtin_return_address(0));
  EXPECT_EQ(which.context, &host_number);
  return 41;
}

class TestResolver : public ImportResolver {
 public:
  void* resolve(std::string_view module, std::string_view name) override {
    asked.push_back(fmt::format("{}!{}", module, name));
    if (name == "HostCall") return reinterpret_cast<void*>(&host_call);
    if (name == "HostNumber") return &host_number;
    return nullptr;
  }
  std::vector<std::string> asked;
};

bool readable(const void* address) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const bool yes = ::write(ends[1], address, 1) == 1;
  ::close(ends[0]);
  ::close(ends[1]);
  return yes;
}

/// Rights of the mapping at an address as the kernel shows them: "r-x".
std::string rights_at(std::uint64_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long low, high;
    char rights[8];
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &low, &high, rights) == 3 && address >= low && address < high)
      return std::string(rights, 3);
  }
  return "none";
}

class LoadTest : public testing::Test {
 protected:
  LoadOptions options(bool at_preferred_base = true) {
    return {.seeded = seeded_, .missing_import = &missing_import, .missing_context = &host_number,
            .arena_base = 0x1B00'0000'0000, .arena_size = 1u << 26, .use_preferred_base = at_preferred_base, .name = {}};
  }
  Result<Image> load(MiniPe& image, bool at_preferred_base = true) {
    return Image::load_bytes(image.bytes(), "mini.sys", options(at_preferred_base), resolver_);
  }
  template <class R, class... A>
  static R call(const Image& image, const char* name, A... arguments) {
    auto* function = reinterpret_cast<R(MSABI*)(A...)>(image.find_export(name));
    EXPECT_NE(function, nullptr) << name;
    return function(arguments...);
  }

  Seeded seeded_{1};
  TestResolver resolver_;
};

using u64 = std::uint64_t;

/// Each built image, at its preferred base and moved.
class BuiltImageRuns : public LoadTest, public testing::WithParamInterface<std::tuple<std::string, bool>> {
 protected:
  void SetUp() override {
    auto loaded = Image::load(std::get<0>(GetParam()), options(std::get<1>(GetParam())), resolver_);
    ASSERT_TRUE(loaded) << loaded.error().message;
    image_.emplace(std::move(*loaded));
  }
  std::optional<Image> image_;
};

INSTANTIATE_TEST_SUITE_P(All, BuiltImageRuns, testing::Combine(testing::ValuesIn(test::built_images()), testing::Bool()),
                         [](const auto& about) {
                           const std::string& path = std::get<0>(about.param);
                           const auto slash = path.find_last_of('/');
                           return path.substr(slash + 1, path.size() - slash - 5) + (std::get<1>(about.param) ? "_preferred" : "_moved");
                         });

TEST_P(BuiltImageRuns, code_relocated_pointers_and_imports_work) {
  EXPECT_EQ((call<u64, u64, u64>(*image_, "Add", 2, 3)), 5u);
  EXPECT_EQ((call<u64, u64, u64>(*image_, "Apply", 0, 21)), 42u);
  EXPECT_EQ((call<u64, u64, u64>(*image_, "Apply", 1, 5)), 15u);
  EXPECT_EQ(call<u64>(*image_, "ReadHostNumber"), 4711u);
  EXPECT_EQ((call<u64, u64>(*image_, "Innermost", 1)), 102u);
  EXPECT_EQ((call<u64, u64>(*image_, "Recurse", 2)), (102u * 3 + 1) * 3 + 2);
  EXPECT_THAT(resolver_.asked, testing::UnorderedElementsAre("host.sys!HostCall", "host.sys!NoSuchRoutine", "host.sys!HostNumber"));
}

TEST_P(BuiltImageRuns, lies_where_it_should) {
#if defined(__SANITIZE_ADDRESS__)
  if (std::get<1>(GetParam())) GTEST_SKIP() << "the sanitizer's shadow may lie at the preferred base";
#endif
  EXPECT_EQ(image_->base(), std::get<1>(GetParam()) ? image_->pe().preferred_base : 0x1B00'0000'0000u);
  EXPECT_EQ(image_->slide() == 0, std::get<1>(GetParam()));
}

TEST_P(BuiltImageRuns, a_missing_import_says_its_name_and_its_caller_when_called) {
  missing_called.clear();
  EXPECT_EQ((call<u64, u64>(*image_, "CallMissing", 7)), 42u);
  EXPECT_EQ(missing_called, image_->name() + ": host.sys!NoSuchRoutine");
  EXPECT_TRUE(image_->contains(missing_caller));
  ASSERT_EQ(image_->missing_imports().size(), 1u);
  EXPECT_EQ(image_->missing_imports()[0].name, "NoSuchRoutine");
}

TEST_P(BuiltImageRuns, a_missing_variable_reads_as_a_pointer_that_cannot_be_followed) {
  for (const auto& import : image_->pe().imports) {
    if (import.name != "NoSuchRoutine") continue;
    u64 bound, value;
    std::memcpy(&bound, image_->at(import.slot_rva), sizeof bound);
    std::memcpy(&value, reinterpret_cast<void*>(bound), sizeof value);
    EXPECT_EQ(value >> 48, 0xDEADu);
    EXPECT_EQ(image_->missing_import_at(bound), &image_->missing_imports()[0]);
    EXPECT_EQ(image_->missing_import_at(bound + 47), &image_->missing_imports()[0]);
    EXPECT_EQ(image_->missing_import_at(bound - 1), nullptr);
    EXPECT_EQ(image_->missing_import_at(bound + 48), nullptr);
    return;
  }
  FAIL() << "the import is not there";
}

TEST_P(BuiltImageRuns, sections_have_their_rights_and_no_more) {
  for (const auto& section : image_->pe().sections) {
    const std::string rights = rights_at(image_->base() + section.rva);
    EXPECT_EQ(rights[0] == 'r', true) << section.name;
    EXPECT_EQ(rights[1] == 'w', section.writable) << section.name;
    EXPECT_EQ(rights[2] == 'x', section.executable) << section.name;
  }
  EXPECT_EQ(rights_at(image_->base()), "r--");
  EXPECT_EQ(rights_at(image_->base() + image_->size()), "r-x");  // the stubs
}

TEST_P(BuiltImageRuns, discarded_sections_cannot_be_touched_any_more) {
  const PeSection* discardable = nullptr;
  for (const auto& section : image_->pe().sections)
    if (section.discardable) discardable = &section;
  if (!discardable) GTEST_SKIP() << "none in this image";
  EXPECT_TRUE(readable(image_->at(discardable->rva)));
  image_->discard_init();
  EXPECT_FALSE(readable(image_->at(discardable->rva)));
  EXPECT_EQ((call<u64, u64, u64>(*image_, "Add", 2, 3)), 5u);
}

TEST_P(BuiltImageRuns, addresses_have_names) {
  const auto rip = reinterpret_cast<u64>(image_->find_export("Add"));
  EXPECT_EQ(image_->name_of(rip), fmt::format("{}+{:#x}", image_->name(), image_->pe().find_export("Add")->rva));
  EXPECT_EQ(image_->section_of(rip)->name, ".text");
  EXPECT_EQ(image_->section_of(image_->base()), nullptr);
  EXPECT_FALSE(image_->contains(image_->base() - 1));
  EXPECT_TRUE(image_->contains(image_->base()));
  EXPECT_FALSE(image_->contains(image_->base() + image_->size()));
}

TEST_P(BuiltImageRuns, moves_and_unmaps_when_it_dies) {
  const u64 base = image_->base();
  {
    Image moved(std::move(*image_));
    EXPECT_EQ(moved.base(), base);
    EXPECT_EQ((call<u64, u64, u64>(moved, "Add", 2, 3)), 5u);
    missing_called.clear();
    call<u64, u64>(moved, "CallMissing", 7);
    EXPECT_THAT(missing_called, HasSubstr("NoSuchRoutine"));
    EXPECT_EQ(moved.pe().load<std::uint16_t>(0), pe::kDosMagic);
  }
  EXPECT_EQ(rights_at(base), "none");
}

/// The linker of the gcc image leaves the load configuration directory empty: pointed at the structure by hand.
std::vector<std::byte> with_load_config(const std::string& path) {
  auto bytes = test::read_image(path);
  const std::uint32_t rva = PeImage::parse(bytes)->find_export("_load_config_used")->rva;
  PeEditor(bytes).set_directory(pe::kLoadConfigDirectory, rva, 0x70);
  return bytes;
}

TEST_F(LoadTest, the_security_cookie_is_random_48_bits_and_follows_the_seed) {
  for (const auto& path : test::built_images())
    for (const bool preferred : {true, false}) {
      const auto cookie = [&](u64 seed) {
        seeded_ = Seeded(seed);
        auto image = Image::load_bytes(with_load_config(path), path, options(preferred), resolver_);
        EXPECT_TRUE(image) << image.error().message;
        return call<u64>(*image, "ReadCookie");
      };
      const u64 first = cookie(1);
      EXPECT_NE(first, 0u);
      EXPECT_NE(first, 0x2B992DDFA232u);
      EXPECT_EQ(first >> 48, 0u);
      EXPECT_EQ(cookie(1), first);
      EXPECT_NE(cookie(2), first);
    }
}

TEST_F(LoadTest, two_of_the_same_image_lie_side_by_side) {
  MiniPe mini;
  auto first = load(mini, false), second = load(mini, false);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->base(), 0x1B00'0000'0000u);
  EXPECT_EQ(second->base(), 0x1B00'0001'0000u);
}

TEST_F(LoadTest, a_preferred_base_in_use_moves_the_image) {
  MiniPe mini;
  auto optional = mini.edit().optional();
  optional.image_base = 0x1A00'0000'0000;
  mini.edit().set_optional(optional);
  auto first = load(mini), second = load(mini);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->base(), 0x1A00'0000'0000u);
  EXPECT_EQ(second->base(), 0x1B00'0000'0000u);
}

TEST_F(LoadTest, a_base_near_null_is_not_used) {
  MiniPe mini;
  auto optional = mini.edit().optional();
  optional.image_base = 0x10000;
  mini.edit().set_optional(optional);
  auto image = load(mini);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->base(), 0x1B00'0000'0000u);
}

TEST_F(LoadTest, without_relocations_it_stays_or_is_refused) {
  MiniPe mini;
  auto header = mini.edit().file();
  header.characteristics |= pe::kRelocationsStripped;
  mini.edit().set_file(header);
  auto optional = mini.edit().optional();
  optional.image_base = 0x1A00'0000'0000;
  mini.edit().set_optional(optional);
  auto first = load(mini);
  ASSERT_TRUE(first);
  auto second = load(mini);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("relocations are stripped"));
}

TEST_F(LoadTest, a_full_arena_is_refused) {
  MiniPe mini;
  LoadOptions small = options(false);
  small.arena_size = 0x10000;
  auto first = Image::load_bytes(mini.bytes(), "a.sys", small, resolver_);
  auto second = Image::load_bytes(mini.bytes(), "b.sys", small, resolver_);
  ASSERT_TRUE(first);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("b.sys: no room"));
}

TEST_F(LoadTest, low_section_alignment_gets_all_rights_and_a_note) {
  MiniPe mini;
  auto optional = mini.edit().optional();
  optional.section_alignment = optional.file_alignment = 0x20;
  mini.edit().set_optional(optional);
  auto image = load(mini);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(rights_at(image->base()), "rwx");
  EXPECT_THAT(image->notes(), testing::Contains(HasSubstr("below a page")));
}

TEST_F(LoadTest, what_deserves_a_word_is_noted) {
  MiniPe mini;
  mini.directory(pe::kTlsDirectory, 0x1100, 40);
  auto image = load(mini);
  ASSERT_TRUE(image);
  EXPECT_THAT(image->notes(), testing::UnorderedElementsAre(HasSubstr("writable and executable"), HasSubstr("TLS")));
}

TEST_F(LoadTest, a_relocation_of_an_import_slot_does_not_disturb_the_import) {
  MiniPe mini;
  mini.directory(pe::kImportDirectory, 0x1100, 40).directory(pe::kRelocationDirectory, 0x1600, 12);
  mini.put(0x1100, pe::ImportDescriptor{0x1200, 0, 0, 0x1400, 0x1300}).put<u64>(0x1200, 0x1500).put<u64>(0x1300, 0x1500);
  mini.put_text(0x1400, "host.sys").put_text(0x1502, "HostNumber");
  mini.put(0x1600, pe::RelocationBlock{0x1000, 12}).put<std::uint16_t>(0x1608, 0xA300);
  auto image = load(mini, false);
  ASSERT_TRUE(image) << image.error().message;
  void* bound;
  std::memcpy(&bound, image->at(0x1300), sizeof bound);
  EXPECT_EQ(bound, &host_number);
}

TEST_F(LoadTest, what_is_not_a_readable_file_is_refused_in_one_line) {
  for (const char* path : {"/nonexistent/driver.sys", "/tmp", "/dev/null"}) {
    auto image = Image::load(path, options(), resolver_);
    ASSERT_FALSE(image) << path;
    EXPECT_THAT(image.error().message, testing::StartsWith(path));
    EXPECT_THAT(image.error().message, testing::Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace drydock
