#include "loader/symbols/symboliser.h"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include "abi/ms_abi.h"
#include "loader/test_images/pe_editor.h"

namespace drydock {
namespace {

using testing::HasSubstr;
using u64 = std::uint64_t;

MSABI u64 missing_import(const MissingImport&, void*) { return 0; }

class NoImports : public ImportResolver {
 public:
  void* resolve(std::string_view, std::string_view) override { return nullptr; }
};

/// The line of the fixture's source that holds a text.
std::uint32_t line_with(const std::string& wanted) {
  std::ifstream source(LOADER_TEST_FIXTURE);
  std::uint32_t number = 0;
  for (std::string line; std::getline(source, line);)
    if (++number; line.find(wanted) != std::string::npos) return number;
  return 0;
}

bool symboliser_installed() {
  for (const char* name : {"/usr/bin/llvm-symbolizer-19", "/usr/bin/llvm-symbolizer", "/usr/bin/llvm-symbolizer-14"})
    if (::access(name, X_OK) == 0) return true;
  return false;
}

class SymboliserTest : public testing::Test {
 protected:
  SymboliserTest() { ::mkdtemp(directory_.data()); }
  ~SymboliserTest() override {
    ::unlink(script().c_str());
    ::rmdir(directory_.c_str());
  }

  Image load(const std::string& path, bool preferred = true) {
    Seeded seeded(1);
    NoImports none;
    auto image = Image::load(path, {.seeded = seeded, .missing_import = &missing_import, .use_preferred_base = preferred, .name = {}}, none);
    EXPECT_TRUE(image) << image.error().message;
    return std::move(*image);
  }

  std::string script() const { return directory_ + "/symbolizer"; }

  /// A program in the symboliser's place.
  Symboliser::Options instead(const std::string& text, int timeout_ms) {
    std::ofstream(script()) << "#!/bin/sh\n" << text << "\n";
    ::chmod(script().c_str(), 0755);
    return {.programs = {script()}, .timeout_ms = timeout_ms};
  }

  std::string directory_ = testing::TempDir() + "drydock-symbols-XXXXXX";
};

TEST_F(SymboliserTest, driver_addresses_have_function_file_and_line) {
  if (!symboliser_installed()) GTEST_SKIP() << "no llvm-symbolizer here";
  Symboliser symboliser;
  for (const auto& path : test::built_images())
    for (const bool preferred : {true, false}) {
      const Image image = load(path, preferred);
      const auto where = symboliser.locate(image, reinterpret_cast<u64>(image.find_export("Touch")), RipKind::exact);
      ASSERT_EQ(where.size(), 1u) << path;
      EXPECT_EQ(where[0].function, "Touch");
      EXPECT_EQ(where[0].file, "fixture.c");
      EXPECT_THAT(where[0].file_path, testing::EndsWith("test_images/fixture.c"));
      EXPECT_THAT(where[0].line, testing::AnyOf(line_with("LINE: Touch"), line_with("LINE: Touch") - 1));
    }
}

TEST_F(SymboliserTest, a_return_address_behind_a_functions_end_belongs_to_the_call) {
  if (!symboliser_installed()) GTEST_SKIP() << "no llvm-symbolizer here";
  Symboliser symboliser;
  for (const auto& path : test::built_images()) {
    const Image image = load(path);
    const auto* outermost = image.pe().find_export("Innermost");
    const auto function = find_function(image.pe(), outermost->rva);
    ASSERT_TRUE(function);
    const u64 end = image.base() + function->end;
    EXPECT_THAT(symboliser.describe(image, end, RipKind::return_address), testing::StartsWith("Innermost fixture.c:")) << path;
  }
}

TEST_F(SymboliserTest, an_image_nobody_knows_is_named_by_offset) {
  Symboliser symboliser;
  test::MiniPe mini;
  Seeded seeded(1);
  NoImports none;
  auto image = Image::load_bytes(mini.bytes(), "/nonexistent/mini.sys", {.seeded = seeded, .missing_import = &missing_import, .name = {}}, none);
  ASSERT_TRUE(image);
  EXPECT_EQ(symboliser.describe(*image, image->base() + 0x1010, RipKind::exact), "mini.sys+0x1010");
}

TEST_F(SymboliserTest, without_the_program_there_are_still_names) {
  Symboliser symboliser({.programs = {"no-such-symbolizer", "/nonexistent/one"}});
  const Image image = load(test::built_images().at(0));
  EXPECT_EQ(symboliser.describe(image, image.base() + 0x1010, RipKind::exact), image.name() + "+0x1010");
}

TEST_F(SymboliserTest, a_path_that_would_break_the_question_is_not_asked_about) {
  Symboliser symboliser;
  EXPECT_TRUE(symboliser.locate("/images/a\"b.sys", 0x1000).empty());
  EXPECT_TRUE(symboliser.locate("/images/a\nCODE /etc/passwd", 0x1000).empty());
  EXPECT_TRUE(symboliser.locate("", 0x1000).empty());
}

TEST_F(SymboliserTest, a_child_that_never_answers_costs_a_bounded_time) {
  Symboliser symboliser(instead("exec sleep 1000", 100));
  const Image image = load(test::built_images().at(0));
  const auto start = std::chrono::steady_clock::now();
  for (u64 i = 0; i < 50; ++i) EXPECT_EQ(symboliser.describe(image, image.base() + 0x1000 + i, RipKind::exact), image.name_of(image.base() + 0x1000 + i));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(SymboliserTest, a_child_that_dies_or_talks_nonsense_is_survived) {
  const Image image = load(test::built_images().at(0));
  const std::string plain = image.name_of(image.base() + 0x1000);
  for (const char* program : {"exit 3", "read question; echo '}{'; cat", "read question; echo '{\"Symbol\":[1,{\"Line\":\"x\"}]}'; cat",
                              "yes", "yes ''", "cat /dev/zero", "kill -9 $$"}) {
    Symboliser symboliser(instead(program, 300));
    EXPECT_EQ(symboliser.describe(image, image.base() + 0x1000, RipKind::exact), plain) << program;
    EXPECT_EQ(symboliser.describe(image, image.base() + 0x1001, RipKind::exact), image.name_of(image.base() + 0x1001)) << program;
  }
}

TEST_F(SymboliserTest, no_question_is_asked_twice) {
  const std::string count = directory_ + "/count";
  {
    Symboliser symboliser(instead("while read q; do echo x >> " + count + "; echo '{\"Symbol\":[{\"FunctionName\":\"F\",\"FileName\":\"d/f.c\",\"Line\":7}]}'; done", 5000));
    const Image image = load(test::built_images().at(0));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(symboliser.describe(image, image.base() + 0x1000, RipKind::exact), "F f.c:7");
  }
  std::ifstream counted(count);
  std::string all{std::istreambuf_iterator<char>(counted), {}};
  EXPECT_EQ(all, "x\n");
  ::unlink(count.c_str());
}

/// Processes whose parent is `parent`.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  DIR* proc = ::opendir("/proc");
  while (const dirent* entry = ::readdir(proc)) {
    std::ifstream stat(std::string("/proc/") + entry->d_name + "/stat");
    int pid = 0, ppid = 0;
    std::string name, state;
    if (stat >> pid >> name >> state >> ppid && ppid == parent) children.push_back(pid);
  }
  ::closedir(proc);
  return children;
}

template <class Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(10)))
    if (condition()) return true;
  return false;
}

TEST_F(SymboliserTest, it_dies_with_us_even_when_we_are_killed) {
  const auto options = instead("exec sleep 1000", 100'000);
  const pid_t us = ::fork();
  if (us == 0) {
    Symboliser symboliser(options);
    symboliser.locate("/images/x.sys", 1);
    ::_exit(0);
  }
  std::vector<pid_t> children;
  ASSERT_TRUE(comes_true([&] { return !(children = children_of(us)).empty(); }));
  ASSERT_TRUE(comes_true([&] {  // it is past fork: already the other program
    std::ifstream command("/proc/" + std::to_string(children[0]) + "/comm");
    std::string name;
    return command >> name && name == "sleep";
  }));
  ::kill(us, SIGKILL);
  ::waitpid(us, nullptr, 0);
  EXPECT_TRUE(comes_true([&] { return ::kill(children[0], 0) != 0 || [&] {
    std::ifstream stat("/proc/" + std::to_string(children[0]) + "/stat");
    std::string pid, name, state;
    return stat >> pid >> name >> state && state == "Z";  // dead, only not yet reaped by init
  }(); }));
}

}  // namespace
TEST(TellingPlace, is_the_innermost_outside_a_header) {
  const std::vector<SourceLocation> chain = {{"StorPortAllocatePool", "storport.h", "", 220}, {"AllocateLog", "my.c", "", 13}, {"Init", "my.c", "", 40}};
  EXPECT_EQ(telling_place(chain).line, 13u);
  EXPECT_EQ(telling_place({chain[0]}).line, 220u);
  EXPECT_EQ(telling_place({chain[2], chain[0]}).line, 40u);
}

}  // namespace drydock
