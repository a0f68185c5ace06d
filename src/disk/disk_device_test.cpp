#include "disk/disk_device.h"

#include <cerrno>

#include "disk/target_for_tests.h"

namespace drydock {
namespace {

struct DiskDeviceTest : TargetForTests {
  static constexpr std::uint32_t kBytes = 1u << 20;
  void SetUp() override { buffer = std::make_unique<PreparedBuffer>(*memory, locked, mappings, pool, kBytes); }
  ~DiskDeviceTest() override { buffer.reset(); }

  /// A client's memory of so many bytes, `shift` bytes into a page.
  std::byte* lend(std::uint32_t bytes, bool device_writes, std::uint32_t shift = 0) {
    if (!pages) pages = *memory->allocate(kBytes / kPageSize + 1);
    else buffer->finish();
    const std::uint64_t address = memory->address(View::user, pages->first) + shift;
    buffer->prepare(address, bytes, device_writes);
    return reinterpret_cast<std::byte*>(address);
  }
  DiskRequest request(DiskRequest::Kind kind, std::uint64_t block, std::uint64_t blocks, bool fua = false) {
    DiskRequest made;
    made.kind = kind;
    made.block = block;
    made.blocks = blocks;
    made.fua = fua;
    made.buffer = buffer.get();
    return made;
  }
  int transfer(DiskRequest::Kind kind, std::uint64_t block, std::uint64_t blocks, bool fua = false, std::uint32_t shift = 0) {
    lend(static_cast<std::uint32_t>(blocks * disk().facts().block_size), kind == DiskRequest::Kind::read, shift);
    DiskRequest made = request(kind, block, blocks, fua);
    return perform(made, disk());
  }
  int without_data(DiskRequest::Kind kind, std::uint64_t block, std::uint64_t blocks, bool fua = false) {
    DiskRequest made = request(kind, block, blocks, fua);
    return perform(made, disk());
  }
  DiskDevice& disk() { return *found.at(0); }
  std::string opcodes() const {
    std::string text;
    for (const Command& c : commands) text += fmt::format("{:02x} ", c.opcode);
    return text;
  }
  std::unique_ptr<PreparedBuffer> buffer;
  std::optional<PageRun> pages;
};

using Kind = DiskRequest::Kind;

// --- what is there ------------------------------------------------------------------------------------------------------------

TEST_F(DiskDeviceTest, ADiskIsWhatItSaysAboutItself) {
  disks[0].blocks = 5'000'000'000;
  disks[0].block_size = 4096;
  disks[0].write_same_max = 1000;
  discover();
  ASSERT_EQ(found.size(), 1u);
  const DiskFacts& facts = disk().facts();
  EXPECT_EQ(facts.vendor, "DRYDOCK");
  EXPECT_EQ(facts.product, "Test disk");
  EXPECT_EQ(facts.revision, "1.0");
  EXPECT_EQ(facts.serial, "S12");
  EXPECT_EQ(facts.blocks, 5'000'000'000u);
  EXPECT_EQ(facts.block_size, 4096u);
  EXPECT_TRUE(facts.fua && facts.write_cache && facts.unmap && facts.write_same);
  EXPECT_FALSE(facts.read_only);
  EXPECT_EQ(facts.unmap_blocks_max, 100u);
  EXPECT_EQ(facts.write_same_blocks_max, 1000u);
}

TEST_F(DiskDeviceTest, ASmallOldDiskNeedsNoReadCapacity16) {
  disks[0].capacity_16 = false;
  discover();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(disk().facts().blocks, 4096u);
  EXPECT_FALSE(disk().facts().unmap);  // only the long form says so
}

TEST_F(DiskDeviceTest, ADiskWhoseSizeIsNotKnownIsNotOffered) {
  disks[0].blocks = 5'000'000'000;
  disks[0].capacity_16 = false;
  discover();
  EXPECT_TRUE(found.empty());
}

TEST_F(DiskDeviceTest, ImpossibleBlockSizesAreNotOffered) {
  for (const std::uint32_t size : {0u, 100u, 520u, 8192u}) {
    disks[0].block_size = size;
    discover();
    EXPECT_TRUE(found.empty()) << size;
  }
}

TEST_F(DiskDeviceTest, UnitsBehindAGapAndAControllerAreFoundByReportLuns) {
  disks[0].first_byte = 0x0C;  // a storage array controller
  disks[5] = {};
  disks[7].first_byte = 0x20;  // not connected now
  discover();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(adapter->find_unit(0, 0, 5), nullptr);
  EXPECT_EQ(adapter->find_unit(0, 0, 0), nullptr);
}

TEST_F(DiskDeviceTest, WithoutReportLunsUnitsAreAskedUpToTheFirstThatIsNotThere) {
  disks[0].reports_luns = false;
  disks[1].first_byte = 0x05;
  disks[2] = {};
  disks[4] = {};
  discover();
  EXPECT_EQ(found.size(), 2u);
}

TEST_F(DiskDeviceTest, AUnitThatBecomesReadyIsWaitedFor) {
  unsigned refused = 0;
  driver.start = [this, &refused, serve = driver.start](void* srb) {
    Request& r = of(srb);
    if (r.srb.opcode() != SCSIOP_TEST_UNIT_READY || refused == 4) return serve(srb);
    ++refused;
    const std::uint8_t sense[14] = {0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 1};
    std::memcpy(r.sense_host, sense, sizeof sense);
    complete(srb, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID, 2);
  };
  discover();
  EXPECT_EQ(found.size(), 1u);
  EXPECT_EQ(refused, 4u);
  EXPECT_GE(scheduler.now(), 1500 * kMillisecond);
}

// --- transfers ----------------------------------------------------------------------------------------------------------------

TEST_F(DiskDeviceTest, WhatIsWrittenIsReadHoweverItWasCut) {
  for (const std::uint32_t shift : {0u, 512u, 3584u}) {
    adapter.reset();
    driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
      configure(config);
      config.NumberOfPhysicalBreaks = 17;
      config.MaximumTransferLength = 100 * 1024;
      return ULONG{SP_RETURN_FOUND};
    };
    found.clear();
    discover();
    std::byte* data = lend(300 * 1024, false, shift);
    for (std::size_t i = 0; i < 300 * 1024; ++i) data[i] = static_cast<std::byte>(i * 7 + i / 512 + shift);
    const std::vector<std::byte> copy(data, data + 300 * 1024);
    DiskRequest write = request(Kind::write, 9, 600);
    ASSERT_EQ(perform(write, disk()), 0);
    EXPECT_GE(commands.size(), 5u);
    for (const Command& c : commands) EXPECT_LE(c.length, 68u * 1024);
    data = lend(300 * 1024, true, shift);
    std::memset(data, 0xEE, 300 * 1024);
    DiskRequest read = request(Kind::read, 9, 600);
    ASSERT_EQ(perform(read, disk()), 0);
    EXPECT_EQ(std::memcmp(data, copy.data(), copy.size()), 0);
  }
}

TEST_F(DiskDeviceTest, AReadIsGivenAMinute) {
  discover();
  transfer(Kind::read, 0, 1);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].timeout, 60u);
}

TEST_F(DiskDeviceTest, ABufferThatOneBreakCannotHoldIsAnErrorNotACrash) {
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.NumberOfPhysicalBreaks = 1;
    return ULONG{SP_RETURN_FOUND};
  };
  disks[0].block_size = 4096;
  discover();
  EXPECT_EQ(transfer(Kind::read, 0, 2), 0);
  EXPECT_EQ(transfer(Kind::read, 0, 2, false, 512), EIO);
}

struct FailureRow {
  std::uint8_t srb_status, scsi_status, key, code, qualifier;
  unsigned times;
  int error;
};
struct FailureTest : DiskDeviceTest, testing::WithParamInterface<FailureRow> {};

TEST_P(FailureTest, EndsInTheErrnoOfTheTable) {
  const FailureRow& row = GetParam();
  discover();
  for (unsigned i = 0; i < row.times; ++i)
    failures.push_back({row.srb_status, row.scsi_status, row.key, row.code, row.qualifier, 0});
  EXPECT_EQ(transfer(Kind::write, 0, 8), row.error);
  EXPECT_TRUE(failures.empty());
}
constexpr std::uint8_t kCheck = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
INSTANTIATE_TEST_SUITE_P(Errors, FailureTest, testing::Values(
    FailureRow{kCheck, 2, 6, 0x29, 0, 1, 0},            // a unit attention is no error
    FailureRow{kCheck, 2, 6, 0x29, 0, 9, EIO},          // … nine in a row are
    FailureRow{kCheck, 2, 3, 0x0C, 0, 1, EIO}, FailureRow{kCheck, 2, 7, 0x27, 0, 1, EROFS},
    FailureRow{kCheck, 2, 7, 0x27, 7, 1, ENOSPC}, FailureRow{kCheck, 2, 5, 0x21, 0, 1, EINVAL},
    FailureRow{SRB_STATUS_BUS_RESET, 0, 0, 0, 0, 8, 0}, FailureRow{SRB_STATUS_NO_DEVICE, 0, 0, 0, 0, 1, ENODEV},
    FailureRow{SRB_STATUS_BUSY, 0, 0, 0, 0, 20, 0}));

TEST_F(DiskDeviceTest, AShortTransferIsTriedAgainAndThenAnError) {
  discover();
  failures.push_back({SRB_STATUS_DATA_OVERRUN, 0, 0, 0, 0, 512});
  EXPECT_EQ(transfer(Kind::read, 0, 8), 0);
  for (int i = 0; i < 9; ++i) failures.push_back({SRB_STATUS_SUCCESS, 0, 0, 0, 0, 512});
  EXPECT_EQ(transfer(Kind::read, 0, 8), EIO);
}

TEST_F(DiskDeviceTest, ALostTransferIsAnErrorAndIsNotSentAgain) {
  discover();
  silent = true;
  EXPECT_EQ(transfer(Kind::read, 0, 8), EIO);
  unsigned reads = 0;
  for (const Command& c : commands) reads += c.function == SRB_FUNCTION_EXECUTE_SCSI;
  EXPECT_EQ(reads, 1u);
}

TEST_F(DiskDeviceTest, AfterAnErrorNoMorePiecesAreSent) {
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.MaximumTransferLength = 512;
    return ULONG{SP_RETURN_FOUND};
  };
  discover();
  failures.push_back({kCheck, 2, 3, 0x11, 0, 0});
  EXPECT_EQ(transfer(Kind::read, 0, 1000), EIO);
  EXPECT_EQ(commands.size(), 1u);
  EXPECT_EQ(transfer(Kind::read, 0, 1000), 0);
  EXPECT_EQ(commands.size(), 1001u);
}

// --- FUA, flush, unmap, write same -----------------------------------------------------------------------------------------------

TEST_F(DiskDeviceTest, FuaIsABitOfTheCommandWhereTheDiskHasIt) {
  discover();
  EXPECT_EQ(transfer(Kind::write, 0, 1, true), 0);
  EXPECT_EQ(opcodes(), "2a ");
  EXPECT_TRUE(commands[0].fua);
}

TEST_F(DiskDeviceTest, FuaIsAFlushAfterTheLastPieceWhereTheDiskHasNone) {
  disks[0].fua = false;
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.MaximumTransferLength = 4096;
    return ULONG{SP_RETURN_FOUND};
  };
  discover();
  EXPECT_EQ(transfer(Kind::write, 0, 16, true), 0);
  EXPECT_EQ(opcodes(), "2a 2a 35 ");
  EXPECT_FALSE(commands[0].fua);
  commands.clear();
  failures.push_back({kCheck, 2, 3, 0x0C, 0, 0});
  EXPECT_EQ(transfer(Kind::write, 0, 8, true), EIO);
  EXPECT_EQ(opcodes(), "2a ");  // what failed is not flushed
}

TEST_F(DiskDeviceTest, AFlushIsOneCommandAndItsErrorIsTold) {
  discover();
  EXPECT_EQ(without_data(Kind::flush, 0, 0), 0);
  EXPECT_EQ(opcodes(), "35 ");
  failures.push_back({kCheck, 2, 4, 0x44, 0, 0});
  EXPECT_EQ(without_data(Kind::flush, 0, 0), EIO);
}

TEST_F(DiskDeviceTest, UnmapAndWriteSameAreCutByTheDisksOwnLimits) {
  disks[0].write_same_max = 150;
  discover();
  EXPECT_EQ(without_data(Kind::unmap, 10, 250), 0);
  EXPECT_EQ(opcodes(), "42 42 42 ");
  commands.clear();
  DiskRequest zero = request(Kind::write_same, 10, 301, true);
  zero.may_unmap = true;
  EXPECT_EQ(perform(zero, disk()), 0);
  EXPECT_EQ(opcodes(), "93 93 93 35 ");
  EXPECT_EQ(commands[0].block, 10u);
  EXPECT_EQ(commands[0].blocks, 150u);
  EXPECT_EQ(commands[2].block, 310u);
  EXPECT_EQ(commands[2].blocks, 1u);
  EXPECT_TRUE(commands[0].unmap);
}

TEST_F(DiskDeviceTest, WhatTheDiskCannotDoIsRefusedWithoutACommand) {
  disks[0].provisioned = false;
  discover();
  EXPECT_EQ(without_data(Kind::unmap, 0, 8), EOPNOTSUPP);
  EXPECT_EQ(without_data(Kind::write_same, 0, 8), EOPNOTSUPP);
  EXPECT_TRUE(commands.empty());
}

TEST_F(DiskDeviceTest, ShutDownFlushesAndTellsAnAdapterThatCaches) {  // ST-141
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.CachesData = TRUE;
    return ULONG{SP_RETURN_FOUND};
  };
  discover();
  run([this] { disk().shut_down(); });
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_EQ(commands[0].opcode, SCSIOP_SYNCHRONIZE_CACHE);
  EXPECT_EQ(commands[1].function, SRB_FUNCTION_FLUSH);
  EXPECT_EQ(commands[2].function, SRB_FUNCTION_SHUTDOWN);
}

// --- the bus changes --------------------------------------------------------------------------------------------------------

struct BusChangeTest : DiskDeviceTest {
  /// As a rescan of everything, or of a part.
  std::size_t look_again(const storport::BusScope& scope = {}) {
    std::vector<DiskDevice*> known;
    for (auto& each : found) known.push_back(each.get());
    const std::size_t before = found.size();
    run([&] {
      for (auto& each : DiskDevice::rescan(*adapter, scope, known)) found.push_back(std::move(each));
    });
    return found.size() - before;
  }
};

TEST_F(BusChangeTest, NothingChanged_NothingNewAndNothingGone) {
  disks[1] = {};
  discover();
  EXPECT_EQ(look_again(), 0u);
  EXPECT_FALSE(found.at(0)->gone() || found.at(1)->gone());
  EXPECT_EQ(transfer(Kind::read, 0, 8), 0);
}

TEST_F(BusChangeTest, ADiskThatAppearsIsFoundAndWorks) {
  discover();
  disks[3] = {};
  ASSERT_EQ(look_again(), 1u);
  lend(512, true);
  DiskRequest read = request(Kind::read, 0, 1);
  EXPECT_EQ(perform(read, *found.at(1)), 0);
}

TEST_F(BusChangeTest, ADiskThatGoesFailsItsRequestsWithNoSuchDevice) {
  disks[1] = {};
  discover();
  disks.erase(1);
  EXPECT_EQ(look_again(), 0u);
  EXPECT_FALSE(disk().gone());
  EXPECT_TRUE(found.at(1)->gone());
  commands.clear();
  lend(512, true);
  DiskRequest read = request(Kind::read, 0, 1);
  EXPECT_EQ(perform(read, *found.at(1)), ENODEV);
  EXPECT_TRUE(commands.empty()) << "the miniport sees nothing of it";
  EXPECT_EQ(look_again(), 0u) << "what is gone is not lost twice";
}

TEST_F(BusChangeTest, ADiskThatComesBackIsANewOne) {
  disks[1] = {};
  discover();
  disks.erase(1);
  look_again();
  disks[1] = {};
  ASSERT_EQ(look_again(), 1u);
  EXPECT_TRUE(found.at(1)->gone());
  EXPECT_FALSE(found.at(2)->gone());
}

TEST_F(BusChangeTest, AnotherDiskAtTheSameAddressIsNotTheOldOne) {
  discover();
  disks[0].product = "Other disk";
  ASSERT_EQ(look_again(), 1u);
  EXPECT_TRUE(found.at(0)->gone());
  EXPECT_EQ(found.at(1)->facts().product, "Other disk");
}

TEST_F(BusChangeTest, OnlyThePartThatChangedIsLookedAt) {
  disks[1] = {};
  discover();
  disks.erase(1);
  disks[2] = {};
  EXPECT_EQ(look_again({storport::BusScope::Of::unit, 0, 0, 2}), 1u);
  EXPECT_FALSE(found.at(1)->gone()) << "nobody looked there";
  EXPECT_EQ(look_again({storport::BusScope::Of::target, 0, 0, 0}), 0u);
  EXPECT_TRUE(found.at(1)->gone());
}

TEST_F(BusChangeTest, AnAdapterThatStopsMeanwhileLosesNoDisk) {
  discover();
  run([&] { adapter->stop(); });
  EXPECT_EQ(look_again(), 0u);
  EXPECT_FALSE(disk().gone());
}

}  // namespace
}  // namespace drydock
