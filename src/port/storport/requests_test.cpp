#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct RequestsTest : PortForTests {
  std::vector<Request*> with_driver;
  RequestsTest() {
    driver.start = [this](void* srb) { with_driver.push_back(&of(srb)); };
  }
};

TEST_F(RequestsTest, ARequestIsBuiltWithoutLockStartedUnderTheStartIoLockAndCompletedOnce) {
  std::string order;
  driver.build = [&](void*) { return order += 'b', scheduler.irql() == kDispatchLevel; };
  driver.start = [&](void* srb) {
    order += 's';
    STOR_LOCK_HANDLE handle{};
    adapter->acquire(StartIoLock, nullptr, handle, {});
    adapter->release_lock(handle, {});
    complete(srb);
    order += 'e';
  };
  ASSERT_TRUE(bring_up());
  const SentForTests& sent = send();
  EXPECT_EQ(order, "bse");
  EXPECT_EQ(sent.completions, 1u);
  EXPECT_EQ(sent.result.srb_status, SRB_STATUS_SUCCESS);
  EXPECT_EQ(sent.result.transferred, 4096u);
  EXPECT_EQ(found_held(), 1u);  // the lock was held already
  EXPECT_EQ(broken.size(), 1u);
  EXPECT_EQ(adapter->outstanding(), 0u);
}

TEST_F(RequestsTest, AfterBuildIoSaidFalseTheRequestNeverReachesStartIo) {  // VER-96
  Request* built = nullptr;
  driver.build = [&](void* srb) { return built = &of(srb), false; };
  ASSERT_TRUE(bring_up());
  const SentForTests& sent = send();
  EXPECT_TRUE(with_driver.empty());
  EXPECT_EQ(sent.completions, 0u);
  complete_later(*built);
  run_for(kMillisecond);
  EXPECT_EQ(sent.completions, 1u);
  EXPECT_TRUE(broken.empty());
}

TEST_F(RequestsTest, BuildIoThatCompletesAndSaysTrueIsAFindingAndNotStarted) {
  driver.build = [&](void* srb) { return complete(srb), true; };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(send().completions, 1u);
  EXPECT_TRUE(with_driver.empty());
  EXPECT_EQ(findings("ST-71"), 1u);
}

TEST_F(RequestsTest, ASecondCompletionIsAFindingAndCompletesNothing) {  // VER-45
  driver.start = [&](void* srb) { complete(srb), complete(srb); };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(send().completions, 1u);
  ASSERT_EQ(findings("VER-45"), 1u);
  EXPECT_EQ(broken[0].code, "0xF1/0x2004");
}

TEST_F(RequestsTest, StatusesThatOnlyThePortDriverSetsAreFindings) {
  driver.start = [&](void* srb) { complete(srb, with_driver.empty() ? SRB_STATUS_PENDING : SRB_STATUS_INTERNAL_ERROR), with_driver.push_back(nullptr); };
  ASSERT_TRUE(bring_up());
  send();
  EXPECT_EQ(findings("VER-102"), 1u);
  send();
  EXPECT_EQ(findings("ST-121"), 1u);
}

TEST_F(RequestsTest, TheSlotIsOpenForTheDriverExactlyWhileItOwnsTheRequest) {
  ASSERT_TRUE(bring_up());
  SentForTests& sent = make();
  sent.keep = true;
  EXPECT_FALSE(sent.request->lent);
  submit(sent);
  EXPECT_TRUE(sent.request->lent);
  run([&] {
    complete(*sent.request);
    EXPECT_FALSE(sent.request->lent);  // at once, before its client knows
    EXPECT_EQ(sent.completions, 0u);
  });
  run_for(kMillisecond);
  EXPECT_EQ(sent.completions, 1u);
}

TEST_F(RequestsTest, TheSlotThatRestedLongestIsUsedNext) {
  driver.start = [&](void* srb) { with_driver.push_back(&of(srb)), complete(srb); };
  ASSERT_TRUE(bring_up());
  for (int i = 0; i < 17; ++i) send();
  for (int i = 1; i < 16; ++i) EXPECT_NE(with_driver[static_cast<std::size_t>(i)], with_driver[0]);
  EXPECT_EQ(with_driver[16], with_driver[0]);
}

TEST_F(RequestsTest, WhatTheDriverDoesToTheLengthIsSeenButNeverMoreThanTheRequest) {
  std::uint32_t says = 1024;
  driver.start = [&](void* srb) {
    of(srb).srb.set_data(nullptr, says);
    complete(srb);
  };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(send().result.transferred, 1024u);
  says = 1u << 30;
  EXPECT_EQ(send().result.transferred, 4096u);
  EXPECT_EQ(adapter->statistics().bytes, 1024u + 4096u);
}

// DOC: ST-40 which DataBuffer each mode maps.
struct MapCase {
  UCHAR mode;
  std::uint8_t opcode, function;
  View view;
};
struct MapBuffersTest : RequestsTest, testing::WithParamInterface<MapCase> {};

TEST_P(MapBuffersTest, TheDataBufferIsInTheDocumentedView) {
  const MapCase& c = GetParam();
  miniport.data.MapBuffers = c.mode;
  ASSERT_TRUE(bring_up());
  SentForTests& sent = make(4096, 0, c.opcode);
  sent.request->srb.set_function(c.function);
  submit(sent);
  const auto place = memory->find(sent.request->srb.data_buffer());
  ASSERT_TRUE(place);
  EXPECT_EQ(place->view, c.view);
  EXPECT_EQ(place->offset, memory->find(sent.request->data_address)->offset);
  complete_later(*sent.request);
}
INSTANTIATE_TEST_SUITE_P(Modes, MapBuffersTest, testing::Values(
    MapCase{STOR_MAP_NO_BUFFERS, SCSIOP_READ, SRB_FUNCTION_EXECUTE_SCSI, View::forbidden},
    MapCase{STOR_MAP_NO_BUFFERS, SCSIOP_INQUIRY, SRB_FUNCTION_EXECUTE_SCSI, View::forbidden},
    MapCase{STOR_MAP_NO_BUFFERS, SCSIOP_INQUIRY, SRB_FUNCTION_IO_CONTROL, View::system},
    MapCase{STOR_MAP_ALL_BUFFERS, SCSIOP_WRITE, SRB_FUNCTION_EXECUTE_SCSI, View::forbidden},
    MapCase{STOR_MAP_NON_READ_WRITE_BUFFERS, SCSIOP_READ16, SRB_FUNCTION_EXECUTE_SCSI, View::forbidden},
    MapCase{STOR_MAP_NON_READ_WRITE_BUFFERS, SCSIOP_INQUIRY, SRB_FUNCTION_EXECUTE_SCSI, View::system},
    MapCase{STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE, SCSIOP_READ, SRB_FUNCTION_EXECUTE_SCSI, View::system}));

struct FormTest : RequestsTest, testing::WithParamInterface<ULONG> {};

TEST_P(FormTest, BothFormsOfTheSrbSayTheSame) {
  miniport.data.SrbTypeFlags = GetParam();
  ASSERT_TRUE(bring_up());
  const SentForTests& sent = send(8192, 3);
  const auto* scsi = static_cast<const SCSI_REQUEST_BLOCK*>(sent.request->srb.block());
  const auto* storage = static_cast<const STORAGE_REQUEST_BLOCK*>(sent.request->srb.block());
  if (GetParam() == 0) {
    EXPECT_EQ(scsi->Function, SRB_FUNCTION_EXECUTE_SCSI);
    EXPECT_EQ(scsi->Length, sizeof *scsi);
    EXPECT_EQ(scsi->Lun, 3);
    EXPECT_EQ(scsi->CdbLength, 10);
    EXPECT_EQ(scsi->SrbExtension, sent.request->extension_driver);
  } else {
    EXPECT_EQ(scsi->Function, SRB_FUNCTION_STORAGE_REQUEST_BLOCK);
    EXPECT_EQ(storage->SrbFunction, SRB_FUNCTION_EXECUTE_SCSI);
    EXPECT_EQ(storage->MiniportContext, sent.request->extension_driver);
    EXPECT_EQ(storage->NumSrbExData, 1u);
  }
  EXPECT_EQ(sent.request->srb.data_length(), 8192u);
  EXPECT_EQ(sent.request->srb.timeout(), 10u);
  EXPECT_EQ(sent.request->srb.cdb().size(), 10u);
  EXPECT_EQ(sent.request->srb.sense_length(), kSenseLength);
  complete_later(*sent.request, SRB_STATUS_ERROR, 2);
  run_for(kMillisecond);
  EXPECT_EQ(sent.result.srb_status, SRB_STATUS_ERROR);
  EXPECT_EQ(sent.result.scsi_status, 2);
}

TEST_P(FormTest, TwoOutstandingRequestsOfAUnitNeverHaveTheSameTag) {
  miniport.data.SrbTypeFlags = GetParam();
  driver.start = [this](void* srb) { with_driver.push_back(&of(srb)); };
  ASSERT_TRUE(bring_up());
  const SentForTests& first = send();  // stays, while more than 256 others come and go
  for (int i = 0; i < 300; ++i) {
    const SentForTests& sent = send();
    ASSERT_NE(sent.request->tag, first.request->tag);
    ASSERT_EQ(adapter->find_tagged(0, 0, 0, static_cast<LONG>(sent.request->tag)), sent.request);
    complete_later(*sent.request);
    run_for(kMicrosecond);
  }
  EXPECT_EQ(adapter->find_tagged(0, 0, 0, static_cast<LONG>(first.request->tag)), first.request);
  EXPECT_EQ(adapter->find_tagged(0, 0, 1, static_cast<LONG>(first.request->tag)), nullptr);
  complete_later(*first.request);
}
INSTANTIATE_TEST_SUITE_P(Forms, FormTest, testing::Values(ULONG{0}, ULONG{SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK}));

TEST_F(RequestsTest, TheListCoversTheBufferInOrder) {
  ASSERT_TRUE(bring_up());
  const SentForTests& sent = send(64 * 1024);
  const STOR_SCATTER_GATHER_LIST& list = *sent.request->list_host;
  std::uint64_t offset = 0;
  for (ULONG i = 0; i < list.NumberOfElements; ++i)
    for (ULONG at = 0; at < list.List[i].Length; at += kPageSize, offset += kPageSize)
      EXPECT_EQ(memory->physical(sent.request->data_address + offset)->value,
                static_cast<std::uint64_t>(list.List[i].PhysicalAddress.QuadPart) + at);
  EXPECT_EQ(offset, 64u * 1024);
  complete_later(*sent.request);
}

struct FewRegistersTest : RequestsTest {
  void SetUp() override {
    driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {  // reaches 4 GiB only: the buffers' pages above are bounced
      configure(config);
      config.Dma64BitAddresses = 0;
      return ULONG{SP_RETURN_FOUND};
    };
  }
};

TEST_F(FewRegistersTest, ARequestThatFindsNoMapRegistersIsStartedWhenTheyComeBack) {
  ASSERT_TRUE(bring_up());
  std::vector<const SentForTests*> sent;
  while (registers->waiting() == 0 && sent.size() < 64) sent.push_back(&send(256 * 1024));
  ASSERT_NE(registers->waiting(), 0u) << "the profile names no page above 4 GiB";
  const std::size_t started = with_driver.size();
  ASSERT_LT(started, sent.size());
  complete_later(*with_driver[0]);
  run_for(kMillisecond);
  EXPECT_GT(with_driver.size(), started);
  for (std::size_t i = 1; i < with_driver.size(); ++i) complete_later(*with_driver[i]), run_for(kMillisecond);
  for (const SentForTests* each : sent) EXPECT_EQ(each->completions, 1u);
  EXPECT_EQ(registers->free_count(), registers->count());
}

TEST_F(FewRegistersTest, AnAdapterMayDieWhileRequestsWaitForMapRegisters) {
  ASSERT_TRUE(bring_up());
  for (int i = 0; i < 64 && registers->waiting() == 0; ++i) send(256 * 1024);
  ASSERT_NE(registers->waiting(), 0u);
  adapter.reset();
  EXPECT_EQ(registers->waiting(), 0u);
  EXPECT_EQ(registers->free_count(), registers->count());
}

struct TwoCpuTest : PortForTests {
  TwoCpuTest() : PortForTests(2) {}
};

TEST_F(TwoCpuTest, RedirectedCompletionsRunOnTheCpuTheRequestCameFrom) {
  driver.initialize = [this] {
    PERF_CONFIGURATION_DATA data{};
    data.Flags = STOR_PERF_DPC_REDIRECTION;
    return adapter->performance_options(false, data) == STOR_STATUS_SUCCESS;
  };
  Request* started = nullptr;
  driver.start = [&](void* srb) { started = &of(srb); };
  ASSERT_TRUE(bring_up());
  SentForTests& sent = make();
  unsigned completed_on = 99;
  sent.request->class_context = &completed_on;
  sent.request->completed = [](Request& done) {
    *static_cast<unsigned*>(done.class_context) = done.adapter->services().scheduler.cpu().index;
    done.adapter->release(done);
  };
  submit(sent);  // on CPU 0
  Job later([&] { complete(*started); });
  scheduler.queue_task(later, 1);
  scheduler.drive(later.done);
  run_for(kMillisecond);
  EXPECT_EQ(completed_on, 0u);
}

}  // namespace
}  // namespace drydock::storport
