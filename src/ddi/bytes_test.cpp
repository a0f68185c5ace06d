#include "ddi/bytes.h"

#include <cstring>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

struct Access {
  char what;  // r, w
  std::uint32_t offset;
  unsigned size;
  bool operator==(const Access&) const = default;
};
void PrintTo(const Access& a, std::ostream* out) { *out << a.what << a.offset << '/' << a.size; }

/// A function whose registers are 64 bytes, and who remembers how they were accessed.
class RegistersForTests final : public PciFunction {
 public:
  explicit RegistersForTests(const BoardServices& board) : PciFunction({1, 2, 3, 4, 1, 1, 0, 0}, board) { add_bar(0, 4096); }
  std::uint64_t read_register(unsigned, std::uint32_t offset, unsigned size) override {
    accesses.push_back({'r', offset, size});
    std::uint64_t value = 0;
    std::memcpy(&value, bytes + offset, size);
    return value;
  }
  void write_register(unsigned, std::uint32_t offset, unsigned size, std::uint64_t value) override {
    accesses.push_back({'w', offset, size});
    std::memcpy(bytes + offset, &value, size);
  }
  unsigned char bytes[64] = {};
  std::vector<Access> accesses;
};

struct BytesTest : testing::Test, private InterruptSink {
  BytesTest() : master(kernel.memory(), kernel.services().window, kernel.services().trace, true),
                function({kernel.scheduler().timeline(), master, *this, kernel.services().trace}),
                registers(reinterpret_cast<char*>(kernel.services().mmio.map(function, 0, 0, 64))) {}
  void message_arrived(std::uint32_t) override {}
  void line_changed(bool) override {}
  template <class F>
  static F routine_named(const char* name, const char* module = "ntoskrnl.exe") { return export_named<F>(module, name); }

  KernelForTests kernel;
  BusMaster master;
  RegistersForTests function;
  char* registers;
};

using Copy = MSABI void* (*)(void*, const void*, std::uint64_t);

TEST_F(BytesTest, ACopyIntoRegistersIsMadeOfTheWidestAlignedStoresAndIsNoFinding) {
  kernel.run([&] {
    char from[] = "0123456789abcdef";
    routine_named<Copy>("memcpy")(registers + 2, from, 15);
  });
  EXPECT_TRUE(kernel.findings.empty());
  EXPECT_EQ(std::memcmp(function.bytes + 2, "0123456789abcde", 15), 0);
  EXPECT_EQ(function.accesses, (std::vector<Access>{{'w', 2, 2}, {'w', 4, 4}, {'w', 8, 8}, {'w', 16, 1}}));
}

TEST_F(BytesTest, EveryRoutineThatMovesBytesReadsRegisters) {
  std::memcpy(function.bytes, "register", 8);
  kernel.run([&] {
    char to[8] = {};
    const auto check = [&] { EXPECT_EQ(std::memcmp(to, "register", 8), 0), std::memset(to, 0, 8); };
    routine_named<Copy>("memcpy")(to, registers, 8), check();
    routine_named<Copy>("memmove")(to, registers, 8), check();
    routine_named<MSABI void (*)(void*, const void*, std::uint64_t)>("RtlCopyMemory")(to, registers, 8), check();
    routine_named<MSABI void (*)(void*, const void*, ULONG)>("StorPortMoveMemory", "storport.sys")(to, registers, 8), check();
    routine_named<MSABI ULONG (*)(void*, std::uint64_t, const void*, std::uint64_t)>("StorPortSecureCopyMemory", "storport.sys")(to, 8, registers, 8), check();
  });
  EXPECT_TRUE(kernel.findings.empty());
  EXPECT_EQ(function.accesses, (std::vector<Access>(5, {'r', 0, 8})));
}

TEST_F(BytesTest, RegistersAreFilledAndCompared) {
  kernel.run([&] {
    routine_named<MSABI void* (*)(void*, int, std::uint64_t)>("memset")(registers + 4, 0x5A, 4);
    routine_named<MSABI void (*)(void*, std::uint64_t)>("RtlZeroMemory")(registers + 6, 1);
    char same[] = {0x5A, 0x5A, 0, 0x5A};
    EXPECT_EQ(routine_named<MSABI int (*)(const void*, const void*, std::uint64_t)>("memcmp")(registers + 4, same, 4), 0);
    EXPECT_EQ(routine_named<MSABI std::uint64_t (*)(const void*, const void*, std::uint64_t)>("RtlCompareMemory")(registers + 3, registers + 5, 3), 0u);
  });
  EXPECT_TRUE(kernel.findings.empty());
  EXPECT_EQ(function.accesses[0], (Access{'w', 4, 4}));
  EXPECT_EQ(function.accesses[1], (Access{'w', 6, 1}));
  EXPECT_EQ(function.accesses[2], (Access{'r', 4, 4}));
}

TEST_F(BytesTest, PastTheEndOfTheRegistersIsAFindingAndNothingIsAccessed) {
  kernel.run([&] {
    char local[16] = {};
    routine_named<Copy>("memcpy")(registers + 56, local, 16);
    routine_named<Copy>("memcpy")(local, registers + 64, 1);
    routine_named<MSABI void* (*)(void*, int, std::uint64_t)>("memset")(registers + 60, 0, 5);
    routine_named<Copy>("memcpy")(registers + 64, local, 0);
  });
  ASSERT_EQ(kernel.findings.size(), 3u);
  for (const std::string& finding : kernel.findings) EXPECT_TRUE(finding.starts_with("BUF-68: ")) << finding;
  EXPECT_TRUE(function.accesses.empty());
}

}  // namespace
}  // namespace drydock::ddi
