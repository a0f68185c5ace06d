/* Asserts, while it is compiled, every size, offset and number of section G of the specification, with whatever compiler
 * and language compiles it. With -DSCSIPORT the SCSI Port interface, else Storport's. On the host both are present. */
#ifdef SCSIPORT
#include "srb.h"
#include "scsi.h"
#else
#include "ntddk.h"
#include "storport.h"
#include "srbhelper.h"
#include "ntddscsi.h"
#include "ntdddisk.h"
#endif
#if DRYDOCK_HOST
#include "srb.h"
#endif

#ifdef __cplusplus
#define ASSERT_HERE(condition, text) static_assert(condition, text);
#else
#define ASSERT_HERE(condition, text) _Static_assert(condition, text);
#endif
#define SIZE(type, bytes) ASSERT_HERE(sizeof(NAME(type)) == (bytes), "sizeof(" #type ") is not " #bytes)
#define AT(type, member, offset) \
  ASSERT_HERE(offsetof(NAME(type), member) == (offset), #type "." #member " is not at " #offset)
#define VALUE(name, number) ASSERT_HERE((ULONG)(name) == (ULONG)(number), #name " is not " #number)

#define NAME(type) type
#include "layout_common.inc"
#ifdef SCSIPORT
#include "layout_scsiport.inc"
#else
#include "layout_storport.inc"
#endif

#if DRYDOCK_HOST
#undef NAME
#define NAME(type) SCSIPORT_##type
#include "layout_scsiport.inc"
#endif

ASSERT_HERE(sizeof(LONG) == 4 && sizeof(ULONG) == 4 && sizeof(WCHAR) == 2 && sizeof(BOOLEAN) == 1, "basic widths")
ASSERT_HERE(sizeof(ULONG_PTR) == 8 && sizeof(PHYSICAL_ADDRESS) == 8 && sizeof(SCSI_NOTIFICATION_TYPE) == 4, "wide types")
ASSERT_HERE(sizeof(CDB) == 16 && sizeof(SENSE_DATA) == 18 && sizeof(INQUIRYDATA) == 104, "SCSI data")
ASSERT_HERE(sizeof(READ_CAPACITY_DATA) == 8 && sizeof(READ_CAPACITY_DATA_EX) == 12, "capacity as on the wire")
ASSERT_HERE(sizeof(VPD_BLOCK_LIMITS_PAGE) == 64 && sizeof(UNMAP_BLOCK_DESCRIPTOR) == 16, "SBC-3 pages")
#ifndef SCSIPORT
/* LAY-36, LAY-37: the length of extended data is what follows Type and Length; POWER is padded by its alignment. */
ASSERT_HERE(SRBEX_DATA_SCSI_CDB16_LENGTH == sizeof(SRBEX_DATA_SCSI_CDB16) - 8, "CDB16")
ASSERT_HERE(SRBEX_DATA_SCSI_CDB32_LENGTH == sizeof(SRBEX_DATA_SCSI_CDB32) - 8, "CDB32")
ASSERT_HERE(SRBEX_DATA_BIDIRECTIONAL_LENGTH == sizeof(SRBEX_DATA_BIDIRECTIONAL) - 8, "BIDIRECTIONAL")
ASSERT_HERE(SRBEX_DATA_WMI_LENGTH == sizeof(SRBEX_DATA_WMI) - 8, "WMI")
ASSERT_HERE(SRBEX_DATA_PNP_LENGTH == sizeof(SRBEX_DATA_PNP) - 8, "PNP")
ASSERT_HERE(SRBEX_DATA_IO_INFO_LENGTH == sizeof(SRBEX_DATA_IO_INFO) - 8, "IO_INFO")
ASSERT_HERE(SRBEX_DATA_POWER_LENGTH == offsetof(SRBEX_DATA_POWER, PowerAction) + 4 - 8, "POWER")
#endif
