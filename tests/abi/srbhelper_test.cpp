// include/wdk/srbhelper.h: one question, two forms of the request block, the same answer.
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "wdk/srbhelper.h"

namespace {

// An extended request as Storport lays it out: block, BTL8 address, extended data.
struct ExtendedRequest {
  alignas(8) std::array<UCHAR, 512> bytes{};

  explicit ExtendedRequest(SRBEXDATATYPE cdb_type) {
    auto& srb = block();
    srb.Length = offsetof(STORAGE_REQUEST_BLOCK, Signature);
    srb.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
    srb.Signature = SRB_SIGNATURE;
    srb.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
    srb.SrbLength = static_cast<ULONG>(bytes.size());
    srb.SrbFunction = SRB_FUNCTION_EXECUTE_SCSI;
    srb.AddressOffset = 136;
    auto* address = reinterpret_cast<STOR_ADDR_BTL8*>(&bytes[srb.AddressOffset]);
    address->Type = STOR_ADDRESS_TYPE_BTL8;
    address->AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
    address->Path = 1;
    address->Target = 2;
    address->Lun = 3;
    srb.NumSrbExData = 2;
    srb.SrbExDataOffset[0] = 160;
    reinterpret_cast<SRBEX_DATA_IO_INFO*>(&bytes[160])->Type = SrbExDataTypeIoInfo;
    *(&srb.SrbExDataOffset[0] + 1) = 200;
    reinterpret_cast<SRBEX_DATA*>(&bytes[200])->Type = cdb_type;
  }
  STORAGE_REQUEST_BLOCK& block() { return *reinterpret_cast<STORAGE_REQUEST_BLOCK*>(bytes.data()); }
  template <class T>
  T& cdb_data() { return *reinterpret_cast<T*>(&bytes[200]); }
};

SCSI_REQUEST_BLOCK old_request() {
  SCSI_REQUEST_BLOCK srb{};
  srb.Length = sizeof srb;
  srb.PathId = 1;
  srb.TargetId = 2;
  srb.Lun = 3;
  return srb;
}

// Sets everything through the helpers and reads it back.
void every_value_survives(void* srb) {
  int data = 0, sense = 0, extension = 0;
  SrbSetDataBuffer(srb, &data);
  SrbSetDataTransferLength(srb, 0x12345678);
  SrbSetTimeOutValue(srb, 30);
  SrbSetSrbStatus(srb, SRB_STATUS_BUSY);
  SrbSetScsiStatus(srb, 0x28);
  SrbSetSenseInfoBuffer(srb, &sense);
  SrbSetSenseInfoBufferLength(srb, 18);
  SrbSetSrbExtension(srb, &extension);
  SrbAssignSrbFlags(srb, SRB_FLAGS_DATA_IN);
  SrbSetSrbFlags(srb, SRB_FLAGS_QUEUE_ACTION_ENABLE);
  SrbClearSrbFlags(srb, SRB_FLAGS_DATA_IN);
  SrbSetCdbLength(srb, 10);
  SrbSetRequestTag(srb, 7);
  SrbSetRequestAttribute(srb, SRB_ORDERED_QUEUE_TAG_REQUEST);
  SrbGetCdb(srb)->CDB10.OperationCode = SCSIOP_READ;

  EXPECT_EQ(SrbGetDataBuffer(srb), &data);
  EXPECT_EQ(SrbGetDataTransferLength(srb), 0x12345678u);
  EXPECT_EQ(SrbGetTimeOutValue(srb), 30u);
  EXPECT_EQ(SrbGetSrbStatus(srb), SRB_STATUS_BUSY);
  EXPECT_EQ(SrbGetScsiStatus(srb), 0x28);
  EXPECT_EQ(SrbGetSenseInfoBuffer(srb), &sense);
  EXPECT_EQ(SrbGetSenseInfoBufferLength(srb), 18);
  EXPECT_EQ(SrbGetSrbExtension(srb), &extension);
  EXPECT_EQ(SrbGetMiniportContext(srb), &extension);
  EXPECT_EQ(SrbGetSrbFlags(srb), static_cast<ULONG>(SRB_FLAGS_QUEUE_ACTION_ENABLE));
  EXPECT_EQ(SrbGetCdbLength(srb), 10u);
  EXPECT_EQ(SrbGetRequestTag(srb), 7u);
  EXPECT_EQ(SrbGetRequestAttribute(srb), static_cast<ULONG>(SRB_ORDERED_QUEUE_TAG_REQUEST));
  EXPECT_EQ(*static_cast<UCHAR*>(static_cast<void*>(SrbGetCdb(srb))), SCSIOP_READ);
  EXPECT_EQ(SrbGetSrbFunction(srb), static_cast<ULONG>(SRB_FUNCTION_EXECUTE_SCSI));
  UCHAR path = 0, target = 0, lun = 0;
  SrbGetPathTargetLun(srb, &path, &target, &lun);
  EXPECT_EQ(path, 1);
  EXPECT_EQ(target, 2);
  EXPECT_EQ(lun, 3);
}

TEST(SrbHelper, EveryValueSurvivesInTheOldForm) {
  auto srb = old_request();
  every_value_survives(&srb);
}

TEST(SrbHelper, EveryValueSurvivesWithEachKindOfCdb) {
  for (auto type : {SrbExDataTypeScsiCdb16, SrbExDataTypeScsiCdb32, SrbExDataTypeScsiCdbVar}) {
    ExtendedRequest request(type);
    every_value_survives(&request.block());
  }
}

TEST(SrbHelper, ExtendedDataIsFoundByTypeAndNeverOutsideTheRequest) {
  ExtendedRequest request(SrbExDataTypeScsiCdb16);
  auto& srb = request.block();
  EXPECT_EQ(SrbGetSrbExDataByType(&srb, SrbExDataTypeScsiCdb16), static_cast<void*>(&request.bytes[200]));
  EXPECT_EQ(SrbGetSrbExDataByType(&srb, SrbExDataTypePnP), nullptr);
  EXPECT_EQ(SrbGetSrbExDataByIndex(&srb, 2), nullptr);
  srb.SrbExDataOffset[0] = srb.SrbLength;
  EXPECT_EQ(SrbGetSrbExDataByIndex(&srb, 0), nullptr);
  srb.SrbExDataOffset[0] = 4;
  EXPECT_EQ(SrbGetSrbExDataByIndex(&srb, 0), nullptr);
}

TEST(SrbHelper, RequestWithoutCdbHasNeitherCdbNorScsiStatus) {
  ExtendedRequest request(SrbExDataTypePnP);
  EXPECT_EQ(SrbGetCdb(&request.block()), nullptr);
  EXPECT_EQ(SrbGetScsiStatus(&request.block()), 0);
  EXPECT_EQ(SrbGetSenseInfoBuffer(&request.block()), nullptr);
  SrbSetScsiStatus(&request.block(), 2);
  EXPECT_EQ(request.cdb_data<SRBEX_DATA_SCSI_CDB16>().ScsiStatus, 0) << "nothing was written";
}

TEST(SrbHelper, CopyRefusesTooSmallDestination) {
  ExtendedRequest request(SrbExDataTypeScsiCdb16);
  std::array<UCHAR, 512> copy{};
  EXPECT_FALSE(SrbCopySrb(copy.data(), 511, &request.block()));
  EXPECT_TRUE(SrbCopySrb(copy.data(), 512, &request.block()));
  EXPECT_EQ(std::memcmp(copy.data(), request.bytes.data(), 512), 0);
}

TEST(ScsiMacros, BytesAreReversedInPlaceToo) {
  ULONG value = 0x11223344;
  REVERSE_BYTES(&value, &value);
  EXPECT_EQ(value, 0x44332211u);
  ULONGLONG wide = 0x1122334455667788;
  REVERSE_BYTES_QUAD(&wide, &wide);
  EXPECT_EQ(wide, 0x8877665544332211u);
}

TEST(ListEntries, WhatWentInAtTheTailComesOutAtTheHead) {
  LIST_ENTRY head, first, second;
  InitializeListHead(&head);
  InsertTailList(&head, &first);
  InsertTailList(&head, &second);
  EXPECT_EQ(RemoveHeadList(&head), &first);
  EXPECT_TRUE(RemoveEntryList(&second));
  EXPECT_TRUE(IsListEmpty(&head));
}

TEST(Mdl, SpanCountsEveryPageTouched) {
  EXPECT_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 0x1000), 1u);
  EXPECT_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1FFF, 2), 2u);
  EXPECT_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1FFF, 0), 1u);
  EXPECT_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 0), 0u);
}

}  // namespace
