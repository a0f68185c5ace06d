/*
 * virtio_spec.h - the parts of "Virtual I/O Device (VIRTIO) Version 1.2" this driver uses.
 * Names follow the standard; the section is given beside each group. All fields are little endian, as is x86.
 */
#pragma once

/* 4.1.2 PCI device discovery. A transitional block device (0x1001) is driven through its modern capabilities. */
#define VIRTIO_PCI_VENDOR               0x1AF4
#define VIRTIO_PCI_DEVICE_BLK           0x1042
#define VIRTIO_PCI_DEVICE_BLK_LEGACY_ID 0x1001

/* 4.1.4 struct virtio_pci_cap: where in the BARs the register blocks lie. */
typedef struct _VIRTIO_PCI_CAP {
    UCHAR CapVndr;
    UCHAR CapNext;
    UCHAR CapLen;
    UCHAR CfgType;
    UCHAR Bar;
    UCHAR Id;
    UCHAR Padding[2];
    ULONG Offset;
    ULONG Length;
} VIRTIO_PCI_CAP;
C_ASSERT(sizeof(VIRTIO_PCI_CAP) == 16);

#define VIRTIO_PCI_CAP_COMMON_CFG 1
#define VIRTIO_PCI_CAP_NOTIFY_CFG 2   /* followed by a ULONG, notify_off_multiplier (4.1.4.4) */
#define VIRTIO_PCI_CAP_ISR_CFG    3
#define VIRTIO_PCI_CAP_DEVICE_CFG 4

/* 4.1.4.3 struct virtio_pci_common_cfg */
typedef struct _VIRTIO_COMMON_CFG {
    ULONG  DeviceFeatureSelect;
    ULONG  DeviceFeature;
    ULONG  DriverFeatureSelect;
    ULONG  DriverFeature;
    USHORT ConfigMsixVector;
    USHORT NumQueues;
    UCHAR  DeviceStatus;
    UCHAR  ConfigGeneration;
    USHORT QueueSelect;
    USHORT QueueSize;
    USHORT QueueMsixVector;
    USHORT QueueEnable;
    USHORT QueueNotifyOff;
    ULONG  QueueDesc[2];              /* 64-bit registers may be written as two halves */
    ULONG  QueueDriver[2];
    ULONG  QueueDevice[2];
} VIRTIO_COMMON_CFG;
C_ASSERT(sizeof(VIRTIO_COMMON_CFG) == 56);

#define VIRTIO_MSI_NO_VECTOR 0xFFFF

/* 2.1 Device status field */
#define VIRTIO_STATUS_ACKNOWLEDGE        0x01
#define VIRTIO_STATUS_DRIVER             0x02
#define VIRTIO_STATUS_DRIVER_OK          0x04
#define VIRTIO_STATUS_FEATURES_OK        0x08
#define VIRTIO_STATUS_DEVICE_NEEDS_RESET 0x40
#define VIRTIO_STATUS_FAILED             0x80
#define VIRTIO_STATUS_GONE               0xFF   /* what any register of a removed PCI device reads as */

/* 4.1.4.5 ISR status (INTx only): reading it deasserts the line. */
#define VIRTIO_ISR_QUEUE  0x01
#define VIRTIO_ISR_CONFIG 0x02

/* 6 Reserved feature bits; 5.2.3 Feature bits of the block device */
#define VIRTIO_FEATURE(Bit)         (1ULL << (Bit))
#define VIRTIO_BLK_F_SIZE_MAX       VIRTIO_FEATURE(1)
#define VIRTIO_BLK_F_SEG_MAX        VIRTIO_FEATURE(2)
#define VIRTIO_BLK_F_RO             VIRTIO_FEATURE(5)
#define VIRTIO_BLK_F_BLK_SIZE       VIRTIO_FEATURE(6)
#define VIRTIO_BLK_F_FLUSH          VIRTIO_FEATURE(9)
#define VIRTIO_BLK_F_TOPOLOGY       VIRTIO_FEATURE(10)
#define VIRTIO_BLK_F_CONFIG_WCE     VIRTIO_FEATURE(11)
#define VIRTIO_BLK_F_MQ             VIRTIO_FEATURE(12)
#define VIRTIO_BLK_F_DISCARD        VIRTIO_FEATURE(13)
#define VIRTIO_BLK_F_WRITE_ZEROES   VIRTIO_FEATURE(14)
#define VIRTIO_F_INDIRECT_DESC      VIRTIO_FEATURE(28)
#define VIRTIO_F_EVENT_IDX          VIRTIO_FEATURE(29)
#define VIRTIO_F_VERSION_1          VIRTIO_FEATURE(32)
#define VIRTIO_F_ACCESS_PLATFORM    VIRTIO_FEATURE(33)

/* 5.2.4 struct virtio_blk_config */
typedef struct _VIRTIO_BLK_CONFIG {
    ULONG  Capacity[2];               /* in 512-byte sectors, whatever BlkSize says */
    ULONG  SizeMax;
    ULONG  SegMax;
    USHORT Cylinders;
    UCHAR  Heads;
    UCHAR  Sectors;
    ULONG  BlkSize;
    UCHAR  PhysicalBlockExp;
    UCHAR  AlignmentOffset;
    USHORT MinIoSize;
    ULONG  OptIoSize;
    UCHAR  Writeback;
    UCHAR  Unused0;
    USHORT NumQueues;
    ULONG  MaxDiscardSectors;
    ULONG  MaxDiscardSeg;
    ULONG  DiscardSectorAlignment;
    ULONG  MaxWriteZeroesSectors;
    ULONG  MaxWriteZeroesSeg;
    UCHAR  WriteZeroesMayUnmap;
    UCHAR  Unused1[3];
} VIRTIO_BLK_CONFIG;
C_ASSERT(sizeof(VIRTIO_BLK_CONFIG) == 60);

#define VIRTIO_SECTOR_SHIFT 9

/* 5.2.6 Device operation: a request is this header, the data, and one status byte written by the device. */
typedef struct _VIRTIO_BLK_REQ {
    ULONG     Type;
    ULONG     Reserved;
    ULONGLONG Sector;
} VIRTIO_BLK_REQ;
C_ASSERT(sizeof(VIRTIO_BLK_REQ) == 16);

#define VIRTIO_BLK_T_IN           0
#define VIRTIO_BLK_T_OUT          1
#define VIRTIO_BLK_T_FLUSH        4
#define VIRTIO_BLK_T_GET_ID       8
#define VIRTIO_BLK_T_DISCARD      11
#define VIRTIO_BLK_T_WRITE_ZEROES 13

#define VIRTIO_BLK_S_OK     0
#define VIRTIO_BLK_S_IOERR  1
#define VIRTIO_BLK_S_UNSUPP 2

#define VIRTIO_BLK_ID_BYTES 20

typedef struct _VIRTIO_BLK_RANGE {    /* struct virtio_blk_discard_write_zeroes */
    ULONGLONG Sector;
    ULONG     NumSectors;
    ULONG     Flags;
} VIRTIO_BLK_RANGE;
C_ASSERT(sizeof(VIRTIO_BLK_RANGE) == 16);

#define VIRTIO_BLK_RANGE_UNMAP 0x1    /* WRITE_ZEROES may deallocate */

/* 2.7.5 The virtqueue descriptor table */
typedef struct _VIRTQ_DESC {
    ULONGLONG Addr;
    ULONG     Len;
    USHORT    Flags;
    USHORT    Next;
} VIRTQ_DESC;
C_ASSERT(sizeof(VIRTQ_DESC) == 16);

#define VIRTQ_DESC_F_NEXT     1
#define VIRTQ_DESC_F_WRITE    2       /* the device writes this buffer */
#define VIRTQ_DESC_F_INDIRECT 4

/* 2.7.6 The virtqueue available ring; Ring[QueueSize] is used_event */
typedef struct _VIRTQ_AVAIL {
    USHORT Flags;
    USHORT Idx;
    USHORT Ring[1];
} VIRTQ_AVAIL;

/* 2.7.8 The virtqueue used ring; avail_event follows the last element */
typedef struct _VIRTQ_USED_ELEM {
    ULONG Id;
    ULONG Len;
} VIRTQ_USED_ELEM;

typedef struct _VIRTQ_USED {
    USHORT Flags;
    USHORT Idx;
    VIRTQ_USED_ELEM Ring[1];
} VIRTQ_USED;

#define VIRTQ_USED_F_NO_NOTIFY 1
