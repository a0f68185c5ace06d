#include "port/storport/slot_guard.h"

#include <cstring>

#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

/// Both forms of SRB; the miniport of the test does one thing to a request before it completes it.
struct SlotGuardTest : PortForTests, testing::WithParamInterface<Srb::Form> {
  SlotGuardTest() : PortForTests(1, 256, CheckLevel::all) {
    miniport.data.SrbTypeFlags = GetParam() == Srb::Form::storage ? SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK : 0;
    miniport.data.SrbExtensionSize = kExtension;
  }
  static constexpr std::uint32_t kExtension = 200;
  /// What is told of a request with which `offend` was done.
  std::string told(std::function<void(Request&)> offend, std::uint8_t srb_status = SRB_STATUS_SUCCESS, std::uint8_t opcode = SCSIOP_READ) {
    driver.start = [this, offend = std::move(offend), srb_status, first = true](void* srb) mutable {
      if (std::exchange(first, false)) offend(of(srb)), complete(srb, srb_status);
      else complete(srb);
    };
    EXPECT_TRUE(bring_up());
    send(4096, 0, opcode);
    run_out();
    std::string text;
    for (const RuleBroken& b : broken) text += std::string(b.rule) + ": " + b.message + "\n";
    return text;
  }
  bool storage() const { return GetParam() == Srb::Form::storage; }
};

TEST_P(SlotGuardTest, WhatAMiniportMayWriteIsSilent) {
  EXPECT_EQ(told([&](Request& r) {
    std::memset(r.extension_host, 0x11, kExtension);
    std::memset(r.sense_host, 0x22, kSenseLength);
    r.srb.set_scsi_status(2);
    r.srb.set_data(r.srb.data_buffer(), 100);  // an underrun
  }), "");
}

TEST_P(SlotGuardTest, AFreshExtensionIsNotZeroNorWhatTheLastRequestLeft) {  // ST-60
  std::vector<std::byte> seen;
  EXPECT_EQ(told([&](Request& r) { seen.assign(r.extension_host, r.extension_host + kExtension); }), "");
  EXPECT_EQ(seen, std::vector<std::byte>(kExtension, SlotGuard::kUninitialised));
}

TEST_P(SlotGuardTest, TheDataOfAWriteStaysAsItIs) {  // DOC: MDL-50 VER-64 VER-66
  const auto spoil = [&](Request& r) { *memory->alias(reinterpret_cast<std::byte*>(r.data_address) + 5) ^= std::byte{1}; };
  EXPECT_EQ(told(spoil, SRB_STATUS_SUCCESS, SCSIOP_WRITE), "MDL-50: the data of SRB 1 was changed, which is to be written: it stays as it is until the request ends\n");
}

TEST_P(SlotGuardTest, AReadMayChangeItsData) {
  EXPECT_EQ(told([&](Request& r) { *memory->alias(reinterpret_cast<std::byte*>(r.data_address) + 5) ^= std::byte{1}; }), "");
}

TEST_P(SlotGuardTest, AByteBehindTheExtensionIsTold) {  // DRY-03
  const std::string text = told([&](Request& r) { r.extension_host[kExtension + 3] = std::byte{0}; });
  EXPECT_EQ(text, "DRY-03: byte 3 behind the SRB extension of SRB 1 was written (SrbExtensionSize is 200)\n");
}

TEST_P(SlotGuardTest, AByteBehindTheSenseBufferOrTheListIsTold) {
  const std::string text = told([&](Request& r) {
    r.sense_host[kSenseLength] = std::byte{0};
    reinterpret_cast<std::byte*>(r.list_host)[SlotLayout::list_bytes(65)] = std::byte{0};
  });
  EXPECT_NE(text.find("byte 0 behind the sense buffer of SRB 1"), std::string::npos) << text;
  EXPECT_NE(text.find("byte 0 behind the scatter/gather list of SRB 1"), std::string::npos) << text;
}

TEST_P(SlotGuardTest, AChangedListIsTold) {  // ST-43
  EXPECT_EQ(told([](Request& r) { r.list_host->List[0].Length = 1; }), "ST-43: the scatter/gather list of SRB 1 was modified: its memory is Storport's\n");
}

TEST_P(SlotGuardTest, AFieldThatIsThePortDriversIsToldByItsName) {  // DRY-04
  const std::string text = told([&](Request& r) {
    auto* block = static_cast<std::byte*>(r.srb.block());
    const std::size_t at = storage() ? offsetof(STORAGE_REQUEST_BLOCK, OriginalRequest) : offsetof(SCSI_REQUEST_BLOCK, OriginalRequest);
    std::memset(block + at, 0, sizeof(void*));
  });
  EXPECT_EQ(text, "DRY-04: the miniport changed OriginalRequest of SRB 1, which belongs to the port driver\n");
}

TEST_P(SlotGuardTest, BusyWithAnotherLengthIsToldAndBusyWithItsOwnIsNot) {  // ST-114
  EXPECT_EQ(told([](Request&) {}, SRB_STATUS_BUSY), "");
  adapter.reset();
  EXPECT_EQ(told([](Request& r) { r.srb.set_data(r.srb.data_buffer(), 0); }, SRB_STATUS_BUSY),
            "ST-114: SRB 1 was completed as busy with another DataTransferLength than it was given\n");
}

INSTANTIATE_TEST_SUITE_P(Forms, SlotGuardTest, testing::Values(Srb::Form::scsi, Srb::Form::storage));

struct DefaultChecksTest : PortForTests {};

TEST_F(DefaultChecksTest, OnlyAllLooksThatClosely) {
  driver.start = [this](void* srb) {
    of(srb).list_host->List[0].Length = 1;
    complete(srb);
  };
  ASSERT_TRUE(bring_up());
  send();
  EXPECT_TRUE(broken.empty());
}

}  // namespace
}  // namespace drydock::storport
