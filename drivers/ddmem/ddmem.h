/* The control codes of ddmem.sys: a device that keeps 64 KiB. Programs and driver share this file. */
#ifndef DDMEM_H
#define DDMEM_H

#define DDMEM_DEVICE_NAME L"\\Device\\DdMem"
#define DDMEM_LINK_NAME L"\\DosDevices\\DdMem"
#define DDMEM_BYTES 0x10000

/* Answers DDMEM_SIZE. */
#define IOCTL_DDMEM_GET_SIZE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Takes DDMEM_FILL. */
#define IOCTL_DDMEM_FILL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_WRITE_ACCESS)

typedef struct {
  unsigned int Bytes;
} DDMEM_SIZE;

typedef struct {
  unsigned int Offset, Length;
  unsigned char Value;
} DDMEM_FILL;

#endif
