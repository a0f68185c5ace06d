/* Numbers of Storport's interface that Microsoft's public documentation names without a value. One table, so that a
 * better source changes this file and nothing else (specification, H-41). The figure in brackets is the confidence:
 *   [1] one public source only (the later public-domain editions of srb.h and storport.h)
 *   [0] no admissible source; the value follows the pattern of its neighbours.
 * Numbers with better standing are written where they are used. */
#ifndef DRYDOCK_WDK_UNCERTAIN_H
#define DRYDOCK_WDK_UNCERTAIN_H

/* PORT_CONFIGURATION_INFORMATION.Dma64BitAddresses (LAY-54) */
#define SCSI_DMA64_MINIPORT_FULL64BIT_NO_BOUNDARY_REQ_SUPPORTED 0x04 /* [0] */
#define SCSI_DMA64_MINIPORT_64BIT_ONE_4GB_SUPPORTED 0x08             /* [0] */

#define SCSI_MAXIMUM_BUSES_PER_ADAPTER 8                             /* [0] as SCSI_MAXIMUM_BUSES */

/* MapBuffers, dump modes, accepted SRB and address types (LAY-54) */
#define STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE 3  /* [1] */
#define DUMP_MODE_CRASH 0x01                         /* [1] */
#define DUMP_MODE_HIBER 0x02                         /* [1] */
#define DUMP_MODE_MARK_MEMORY 0x03                   /* [1] */
#define DUMP_MODE_RESUME 0x04                        /* [1] */
#define SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK 0x1         /* [1] */
#define SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK 0x2      /* [1] */
#define ADDRESS_TYPE_FLAG_BTL8 0x1                   /* [0] */
#define STORAGE_REQUEST_BLOCK_VERSION_1 0x1          /* [1] */
#define SRB_STATUS_INVALID_PARAMETER 0x28            /* [1] LAY-51 */

/* STOR_ADDRESS.Type (LAY-38) */
#define STOR_ADDRESS_TYPE_UNKNOWN 0x0                /* [1] */
#define STOR_ADDRESS_TYPE_MAX 0xffff                 /* [1] */

/* SRBEX_DATA.Type (LAY-59) */
#define DRYDOCK_SRBEX_UNKNOWN 0x00                   /* [1] */
#define DRYDOCK_SRBEX_BIDIRECTIONAL 0x01             /* [1] */
#define DRYDOCK_SRBEX_SCSI_CDB16 0x40                /* [1] */
#define DRYDOCK_SRBEX_SCSI_CDB32 0x41                /* [1] */
#define DRYDOCK_SRBEX_SCSI_CDB_VAR 0x42              /* [1] */
#define DRYDOCK_SRBEX_WMI 0x60                       /* [1] */
#define DRYDOCK_SRBEX_POWER 0x61                     /* [1] */
#define DRYDOCK_SRBEX_PNP 0x62                       /* [1] */
#define DRYDOCK_SRBEX_IO_INFO 0x80                   /* [1] */
#define DRYDOCK_SRBEX_NVME_COMMAND 0x90              /* [0] */

/* SRBEX_DATA.Length of each type: the bytes that follow Type and Length (LAY-36, LAY-37) */
#define SRBEX_DATA_BIDIRECTIONAL_LENGTH 16           /* [1] */
#define SRBEX_DATA_SCSI_CDB16_LENGTH 32              /* [1] */
#define SRBEX_DATA_SCSI_CDB32_LENGTH 48              /* [1] */
#define SRBEX_DATA_SCSI_CDB_VAR_LENGTH_MIN 24        /* [1] */
#define SRBEX_DATA_SCSI_CDB_VAR_LENGTH_MAX 0xffffffffU /* [1] */
#define SRBEX_DATA_WMI_LENGTH 16                     /* [1] */
#define SRBEX_DATA_POWER_LENGTH 12                   /* [1] */
#define SRBEX_DATA_PNP_LENGTH 16                     /* [1] */
#define SRBEX_DATA_IO_INFO_LENGTH 24                 /* [1] */

/* SRBEX_DATA_IO_INFO.Flags (LAY-37) */
#define REQUEST_INFO_NO_CACHE_FLAG 0x00000001            /* [1] */
#define REQUEST_INFO_PAGING_IO_FLAG 0x00000002           /* [1] */
#define REQUEST_INFO_SEQUENTIAL_IO_FLAG 0x00000004       /* [1] */
#define REQUEST_INFO_TEMPORARY_FLAG 0x00000008           /* [1] */
#define REQUEST_INFO_WRITE_THROUGH_FLAG 0x00000010       /* [1] */
#define REQUEST_INFO_HYBRID_WRITE_THROUGH_FLAG 0x00000020 /* [1] */
#define REQUEST_INFO_NO_FILE_OBJECT_FLAG 0x00000040      /* [1] */
#define REQUEST_INFO_VOLSNAP_IO_FLAG 0x00000080          /* [1] */
#define REQUEST_INFO_STREAM_FLAG 0x00000100              /* [1] */
#define REQUEST_INFO_VALID_CACHEPRIORITY_FLAG 0x80000000 /* [1] */

/* STOR_STATUS (LAY-62) */
#define STOR_STATUS_SUCCESS (0x00000000U)                     /* [1] */
#define STOR_STATUS_UNSUCCESSFUL (0xC1000001U)                /* [1] */
#define STOR_STATUS_NOT_IMPLEMENTED (0xC1000002U)             /* [1] */
#define STOR_STATUS_INSUFFICIENT_RESOURCES (0xC1000003U)      /* [1] */
#define STOR_STATUS_BUFFER_TOO_SMALL (0xC1000004U)            /* [1] */
#define STOR_STATUS_ACCESS_DENIED (0xC1000005U)               /* [1] */
#define STOR_STATUS_INVALID_PARAMETER (0xC1000006U)           /* [1] */
#define STOR_STATUS_INVALID_DEVICE_REQUEST (0xC1000007U)      /* [1] */
#define STOR_STATUS_INVALID_IRQL (0xC1000008U)                /* [1] */
#define STOR_STATUS_INVALID_DEVICE_STATE (0xC1000009U)        /* [1] */
#define STOR_STATUS_INVALID_BUFFER_SIZE (0xC100000AU)         /* [1] */
#define STOR_STATUS_UNSUPPORTED_VERSION (0xC100000BU)         /* [1] */
#define STOR_STATUS_BUSY (0xC100000CU)                        /* [1] */

/* PERF_CONFIGURATION_DATA.Flags (LAY-63) */
#define STOR_PERF_DPC_REDIRECTION 0x00000001                         /* [1] */
#define STOR_PERF_CONCURRENT_CHANNELS 0x00000002                     /* [1] */
#define STOR_PERF_INTERRUPT_MESSAGE_RANGES 0x00000004                /* [1] */
#define STOR_PERF_ADV_CONFIG_LOCALITY 0x00000008                     /* [1] */
#define STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO 0x00000010  /* [1] */
#define STOR_PERF_DPC_REDIRECTION_CURRENT_CPU 0x00000020             /* [1] */
#define STOR_PERF_NO_SGL 0x00000040                                  /* [0] */

/* HW_INITIALIZATION_DATA.FeatureSupport (LAY-64) */
#define STOR_FEATURE_VIRTUAL_MINIPORT 0x00000001                  /* [1] */
#define STOR_FEATURE_ATA_PASS_THROUGH 0x00000002                  /* [1] */
#define STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES 0x00000004      /* [1] */
#define STOR_FEATURE_DUMP_POINTERS 0x00000008                     /* [1] */
#define STOR_FEATURE_DEVICE_NAME_NO_SUFFIX 0x00000010             /* [1] */
#define STOR_FEATURE_DUMP_RESUME_CAPABLE 0x00000020               /* [1] */
#define STOR_FEATURE_DEVICE_DESCRIPTOR_FROM_ATA_INFO_VPD 0x00000040 /* [1] */
#define STOR_FEATURE_EXTRA_IO_INFORMATION 0x00000080              /* [1] */
#define STOR_FEATURE_ADAPTER_CONTROL_PRE_FINDADAPTER 0x00000100   /* [1] */
#define STOR_FEATURE_ADAPTER_NOT_REQUIRE_IO_PORT 0x00000200       /* [1] */
#define STOR_FEATURE_DUMP_16_BYTE_ALIGNMENT 0x00000400            /* [1] */
#define STOR_FEATURE_SET_ADAPTER_INTERFACE_TYPE 0x00000800        /* [1] */
#define STOR_FEATURE_DUMP_INFO 0x00001000                         /* [1] */
#define STOR_FEATURE_DMA_ALLOCATION_NO_BOUNDARY 0x00002000        /* [1] */
#define STOR_FEATURE_SUPPORTS_NVME_ADAPTER 0x00004000             /* [1] */
#define STOR_FEATURE_REPORT_INTERNAL_DATA 0x00008000              /* [1] */
#define STOR_FEATURE_EARLY_DUMP 0x00010000                        /* [1] */
#define STOR_FEATURE_NVME_ICE 0x00020000                          /* [1] */

/* Notification types behind inline routines (LAY-58); 0x1000 to 0x1004 are certain. */
#define DRYDOCK_NOTIFY_STATE_CHANGE_DETECTED 0x1005                /* [1] */
#define DRYDOCK_NOTIFY_IO_TARGET_REQUEST_SERVICE_TIME 0x1006       /* [1] */
#define DRYDOCK_NOTIFY_ASYNC_NOTIFICATION_DETECTED 0x1007          /* [1] */

/* StorPortStateChangeDetected and StorPortAsyncNotificationDetected (LAY-67) */
#define STATE_CHANGE_LUN 0x1                                       /* [1] */
#define STATE_CHANGE_TARGET 0x2                                    /* [1] */
#define STATE_CHANGE_BUS 0x4                                       /* [1] */
#define RAID_ASYNC_NOTIFY_FLAG_MEDIA_STATUS 0x1                    /* [1] */
#define RAID_ASYNC_NOTIFY_FLAG_DEVICE_STATUS 0x2                   /* [1] */
#define RAID_ASYNC_NOTIFY_FLAG_DEVICE_OPERATION 0x4                /* [1] */

#define RAID_ASYNC_NOTIFY_SUPPORTED_FLAGS 0x7                      /* [1] all of them */

/* Versions that drivers write into structures; the documentation names each, and by its name the number follows. */
#define STOR_CURRENT_LOG_INTERFACE_REVISION 0x1                    /* [0] */
#define STOR_REQUEST_INFO_VER_1 0x1                                /* [0] */
#define STOR_POFX_DEVICE_VERSION_V1 0x1                            /* [0] */
#define STOR_POFX_DEVICE_VERSION_V2 0x2                            /* [0] */
#define STOR_POFX_DEVICE_VERSION_V3 0x3                            /* [0] */
#define STOR_POFX_COMPONENT_VERSION_V1 0x1                         /* [0] */
#define STOR_POFX_COMPONENT_VERSION_V2 0x2                         /* [0] */
#define STOR_POFX_COMPONENT_IDLE_STATE_VERSION_V1 0x1              /* [0] */
#define DUMP_MINIPORT_VERSION_1 0x0100                             /* [0] */
#define MARK_DUMP_MEMORY_FLAG_PHYSICAL_ADDRESS 0x1                 /* [0] */

/* Keywords of StorPortEtwEvent2/4/8, in their documented order */
#define STORPORT_ETW_EVENT_KEYWORD_IO 0x1ULL                       /* [0] */
#define STORPORT_ETW_EVENT_KEYWORD_PERFORMANCE 0x2ULL              /* [0] */
#define STORPORT_ETW_EVENT_KEYWORD_POWER 0x4ULL                    /* [0] */
#define STORPORT_ETW_EVENT_KEYWORD_ENUMERATION 0x8ULL              /* [0] */

/* StorPortExtendedFunction codes (LAY-60 is [2], LAY-61 [1] but for the two timer codes): see storport.h. */

#endif
