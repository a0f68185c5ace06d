#include "hw/bus.h"

#include <gtest/gtest.h>

#include <memory>

namespace drydock {
namespace {

struct Lines : InterruptSink {
  virtual ~Lines() = default;
  void message_arrived(std::uint32_t vector) override { messages.push_back(vector); }
  void line_changed(bool asserted) override { levels.push_back(asserted); }
  std::vector<std::uint32_t> messages;
  std::vector<bool> levels;
};

/// One 32-bit BAR with MSI-X, one 64-bit BAR of registers, one of ports, and a vendor capability with a live dword.
class TestFunction : public PciFunction {
 public:
  explicit TestFunction(const BoardServices& board)
      : PciFunction({0x1234, 0x5678, 0x9ABC, 0xDEF0, 3, 1, 0, 0}, board) {
    add_bar(0, 32, false);
    add_bar(1, 4096);
    add_bar(4, 16384, true, true);
    add_msix(3, 1, 0);
    const std::array<std::byte, 6> body{std::byte{8}};
    vendor = add_capability(pci::kCapabilityVendor, body);
    make_writable(vendor + 4u, 4);
  }
  using PciFunction::send_msix;
  using PciFunction::set_interrupt_line;
  std::uint64_t read_register(unsigned bar, std::uint32_t offset, unsigned size) override {
    return bar * 1'000'000u + offset * 10u + size;
  }
  void write_register(unsigned bar, std::uint32_t offset, unsigned size, std::uint64_t value) override {
    written = {bar, offset, size, value};
  }
  void before_config_read(std::uint32_t offset, unsigned) override {
    if (offset == vendor + 4u) config_bytes()[offset] = std::byte{0x5A};
  }
  std::array<std::uint64_t, 4> written{};
  std::uint8_t vendor;
};

class BusTest : public testing::Test {
 protected:
  BusTest()
      : memory(*PhysicalMemory::create({.size = 16u << 20})),
        window(memory->size() / kPageSize),
        master(*memory, window, trace, false),
        function({timeline, master, lines, trace}) {
    bus.plug(3, function);
  }
  std::uint32_t config(std::uint32_t offset, unsigned size = 4) { return bus.read_config(3, offset, size); }

  Trace trace;
  Timeline timeline;
  Lines lines;
  std::unique_ptr<PhysicalMemory> memory;
  DmaWindow window;
  BusMaster master;
  TestFunction function;
  Bus bus;
};

TEST_F(BusTest, AnEmptySlotReadsAllOnes) {
  EXPECT_EQ(bus.read_config(4, 0, 4), ~0u);
  EXPECT_EQ(bus.read_config(4, 0, 2), 0xFFFFu);
  EXPECT_EQ(bus.read_config(Bus::kSlots, 0, 1), 0xFFu);
  bus.write_config(4, 4, 2, 7);
  EXPECT_EQ(config(0), 0x5678'1234u);
}

TEST_F(BusTest, TheIdentityIsReadOnly) {
  bus.write_config(3, 0, 4, 0);
  bus.write_config(3, pci::kSubsystemVendor, 4, 0);
  EXPECT_EQ(config(0), 0x5678'1234u);
  EXPECT_EQ(config(pci::kSubsystemVendor), 0xDEF0'9ABCu);
  EXPECT_EQ(config(pci::kRevision), 0x0100'0003u);
}

TEST_F(BusTest, WritingAllOnesToABarGivesItsSizeAndThenTheAddressGoesBack) {
  const struct {
    unsigned index;
    std::uint32_t expected;
  } cases[] = {{0, 0xFFFF'FFE1u}, {1, 0xFFFF'F000u}, {4, 0xFFFF'C004u}, {5, 0xFFFF'FFFFu}, {2, 0}, {3, 0}};
  for (const auto& c : cases) {
    const std::uint32_t at = pci::kBar0 + 4 * c.index, before = config(at);
    bus.write_config(3, at, 4, ~0u);
    EXPECT_EQ(config(at), c.expected) << c.index;
    bus.write_config(3, at, 4, before);
    EXPECT_EQ(config(at), before);
  }
}

TEST_F(BusTest, EveryBarIsFoundAtItsAddressAndNowhereElse) {
  EXPECT_GE(function.bar(4).address, Bus::kHighMemory);
  EXPECT_GE(function.bar(1).address, Bus::kMemoryHole);
  EXPECT_LT(function.bar(1).address, Bus::kMemoryHoleEnd);
  const auto hit = bus.find_memory(function.bar(4).address + 0x3004);
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->function, &function);
  EXPECT_EQ(hit->bar, 4u);
  EXPECT_EQ(hit->offset, 0x3004u);
  EXPECT_FALSE(bus.find_memory(function.bar(4).address + 16384));
  EXPECT_FALSE(bus.find_memory(function.bar(4).address - 1));
  EXPECT_TRUE(bus.find_port(static_cast<std::uint32_t>(function.bar(0).address) + 31));
  EXPECT_FALSE(bus.find_port(static_cast<std::uint32_t>(function.bar(0).address) + 32));
  EXPECT_FALSE(bus.find_memory(0));
}

TEST_F(BusTest, TwoFunctionsDoNotOverlapOrSharePages) {
  TestFunction second({timeline, master, lines, trace});
  bus.plug(Bus::slot_number(3, 1), second);
  for (unsigned i : {0u, 1u, 4u}) EXPECT_GE(second.bar(i).address, function.bar(i).address + function.bar(i).size);
  EXPECT_NE(second.bar(1).address >> kPageShift, function.bar(1).address >> kPageShift);
  EXPECT_NE(second.interrupt_line(), 0);
  EXPECT_EQ(bus.function(Bus::slot_number(3, 1)), &second);
}

TEST_F(BusTest, ABarAnswersOnlyWhileTheCommandRegisterSaysSo) {
  const std::uint64_t address = function.bar(1).address;
  bus.write_config(3, pci::kCommand, 2, pci::kCommandIo);
  EXPECT_FALSE(bus.find_memory(address));
  EXPECT_TRUE(bus.find_port(static_cast<std::uint32_t>(function.bar(0).address)));
  bus.write_config(3, pci::kCommand, 2, pci::kCommandMemory);
  EXPECT_TRUE(bus.find_memory(address));
}

TEST_F(BusTest, ABarMovesWhenItsRegisterIsRewritten) {
  const std::uint64_t moved = 0x90'0000'4000;
  bus.write_config(3, pci::kBar0 + 16, 4, static_cast<std::uint32_t>(moved));
  bus.write_config(3, pci::kBar0 + 20, 4, static_cast<std::uint32_t>(moved >> 32));
  ASSERT_TRUE(bus.find_memory(moved + 5));
  EXPECT_EQ(bus.find_memory(moved + 5)->offset, 5u);
}

TEST_F(BusTest, AnAccessPastABarReadsAllOnesAndWritesNothing) {
  EXPECT_EQ(function.read_bar(4, 16383, 1), 4'163'831u);
  EXPECT_EQ(function.read_bar(4, 16383, 2), 0xFFFFu);
  EXPECT_EQ(function.read_bar(4, 16380, 8), ~std::uint64_t{0});
  function.write_bar(4, 16384, 4, 1);
  EXPECT_EQ(function.written[0], 0u);
  function.write_bar(4, 8, 4, 99);
  EXPECT_EQ(function.written, (std::array<std::uint64_t, 4>{4, 8, 4, 99}));
}

TEST_F(BusTest, TheCapabilityListLeadsToEveryCapability) {
  ASSERT_TRUE(config(pci::kStatus, 2) & pci::kStatusCapabilities);
  const std::uint32_t first = config(pci::kCapabilities, 1);
  EXPECT_EQ(config(first, 1), pci::kCapabilityMsix);
  EXPECT_EQ(config(first + 2, 2), 2u);  // entries - 1
  const std::uint32_t second = config(first + 1, 1);
  EXPECT_EQ(second, function.vendor);
  EXPECT_EQ(config(second, 1), pci::kCapabilityVendor);
  EXPECT_EQ(config(second + 1, 1), 0u);
  EXPECT_EQ(config(second + 4, 1), 0x5Au) << "a live window is filled on reading";
}

TEST_F(BusTest, AMessageWaitsWhileItsEntryOrTheWholeFunctionIsMasked) {
  function.program_msix(1, 0xFEE0'0000, 0x41);
  function.send_msix(1);
  EXPECT_TRUE(lines.messages.empty()) << "MSI-X is off";
  function.enable_msix(true);
  EXPECT_TRUE(lines.messages.empty()) << "what was sent while off is lost";
  function.send_msix(1);
  EXPECT_EQ(lines.messages, (std::vector<std::uint32_t>{0x41}));
  function.mask_msix(1, true);
  function.send_msix(1);
  function.send_msix(1);
  EXPECT_EQ(function.read_bar(1, 0x800, 8), 2u) << "pending bit array";
  EXPECT_EQ(lines.messages.size(), 1u);
  function.write_bar(1, 16 + 12, 4, 0);  // software unmasks entry 1
  EXPECT_EQ(lines.messages, (std::vector<std::uint32_t>{0x41, 0x41})) << "one message, however often it was sent";
  EXPECT_EQ(function.read_bar(1, 0x800, 4), 0u);
}

TEST_F(BusTest, TheMsixTableReadsBackWhatWasProgrammed) {
  function.write_bar(1, 32, 8, 0x1'FEE0'1000);
  function.write_bar(1, 40, 4, 0x77);
  EXPECT_EQ(function.read_bar(1, 32, 4), 0xFEE0'1000u);
  EXPECT_EQ(function.read_bar(1, 36, 4), 1u);
  EXPECT_EQ(function.read_bar(1, 40, 8), 0x1'0000'0077u) << "masked since reset";
  function.enable_msix(true);
  function.send_msix(7);  // no such entry
  EXPECT_TRUE(lines.messages.empty());
}

TEST_F(BusTest, TheLineIsPassedOnUnlessDisabledOrReplacedByMsix) {
  function.set_interrupt_line(true);
  EXPECT_EQ(lines.levels, (std::vector<bool>{true}));
  EXPECT_TRUE(config(pci::kStatus, 2) & pci::kStatusInterrupt);
  bus.write_config(3, pci::kCommand, 2, config(pci::kCommand, 2) | pci::kCommandInterruptDisable);
  EXPECT_EQ(lines.levels, (std::vector<bool>{true, false}));
  EXPECT_TRUE(config(pci::kStatus, 2) & pci::kStatusInterrupt) << "the status bit shows the pin, not the enable";
  bus.write_config(3, pci::kCommand, 2, config(pci::kCommand, 2) & ~std::uint32_t{pci::kCommandInterruptDisable});
  EXPECT_EQ(lines.levels.back(), true);
  function.enable_msix(true);
  EXPECT_EQ(lines.levels.back(), false);
}

TEST_F(BusTest, ARemovedFunctionReadsAllOnesEverywhere) {
  function.set_interrupt_line(true);
  function.set_gone(true);
  EXPECT_EQ(lines.levels, (std::vector<bool>{true, false}));
  EXPECT_EQ(config(0), ~0u);
  EXPECT_EQ(function.read_bar(4, 0, 1), 0xFFu);
  function.write_bar(4, 0, 4, 1);
  EXPECT_EQ(function.written[2], 0u);
  function.program_msix(0, 0, 1);
  function.send_msix(0);
  EXPECT_TRUE(lines.messages.empty());
}

}  // namespace
}  // namespace drydock
