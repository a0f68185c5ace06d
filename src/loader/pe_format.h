#pragma once
// The PE32+ structures as they lie in a file, from "PE Format" and "x64 exception handling" on learn.microsoft.com.
// Little-endian and naturally aligned within themselves, but anywhere in a file: they are only ever filled by memcpy. Nothing else lives here.

#include <cstdint>

namespace drydock::pe {

inline constexpr std::uint16_t kDosMagic = 0x5A4D;       // "MZ"
inline constexpr std::uint32_t kSignature = 0x00004550;  // "PE\0\0"

inline constexpr std::uint16_t kMachineI386 = 0x014C;
inline constexpr std::uint16_t kMachineArm = 0x01C4;
inline constexpr std::uint16_t kMachineIa64 = 0x0200;
inline constexpr std::uint16_t kMachineAmd64 = 0x8664;
inline constexpr std::uint16_t kMachineArm64 = 0xAA64;

inline constexpr std::uint16_t kRelocationsStripped = 0x0001;
inline constexpr std::uint16_t kExecutableImage = 0x0002;
inline constexpr std::uint16_t kDll = 0x2000;

inline constexpr std::uint16_t kMagic32 = 0x10B;
inline constexpr std::uint16_t kMagic64 = 0x20B;
inline constexpr std::uint16_t kSubsystemNative = 1;

enum Directory : unsigned {
  kExportDirectory = 0,
  kImportDirectory = 1,
  kExceptionDirectory = 3,
  kRelocationDirectory = 5,
  kDebugDirectory = 6,
  kTlsDirectory = 9,
  kLoadConfigDirectory = 10,
  kDelayImportDirectory = 13,
  kDirectories = 16,
};

inline constexpr std::uint32_t kSectionDiscardable = 0x02000000;
inline constexpr std::uint32_t kSectionExecute = 0x20000000;
inline constexpr std::uint32_t kSectionRead = 0x40000000;
inline constexpr std::uint32_t kSectionWrite = 0x80000000;

inline constexpr std::uint16_t kRelocationAbsolute = 0;
inline constexpr std::uint16_t kRelocationDir64 = 10;

inline constexpr std::uint64_t kImportByOrdinal = 1ull << 63;
inline constexpr std::uint32_t kDebugCodeView = 2;
inline constexpr std::uint32_t kCodeViewRsds = 0x53445352;  // "RSDS"

struct FileHeader {
  std::uint16_t machine, section_count;
  std::uint32_t timestamp, symbol_table, symbol_count;
  std::uint16_t optional_header_size, characteristics;
};
static_assert(sizeof(FileHeader) == 20);

struct DataDirectory {
  std::uint32_t rva, size;
};

struct OptionalHeader {
  std::uint16_t magic;
  std::uint8_t linker_major, linker_minor;
  std::uint32_t code_size, initialised_size, uninitialised_size, entry_rva, code_rva;
  std::uint64_t image_base;
  std::uint32_t section_alignment, file_alignment;
  std::uint16_t os_major, os_minor, image_major, image_minor, subsystem_major, subsystem_minor;
  std::uint32_t win32_version, image_size, headers_size, checksum;
  std::uint16_t subsystem, dll_characteristics;
  std::uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
  std::uint32_t loader_flags, directory_count;
};
static_assert(sizeof(OptionalHeader) == 112);

struct SectionHeader {
  char name[8];
  std::uint32_t virtual_size, rva, raw_size, raw_offset, relocations, line_numbers;
  std::uint16_t relocation_count, line_number_count;
  std::uint32_t characteristics;
};
static_assert(sizeof(SectionHeader) == 40);

struct ImportDescriptor {
  std::uint32_t names_rva, timestamp, forwarder_chain, module_rva, slots_rva;
};
static_assert(sizeof(ImportDescriptor) == 20);

struct DelayImportDescriptor {
  std::uint32_t attributes, module_rva, handle_rva, slots_rva, names_rva, bound_rva, unload_rva, timestamp;
};
static_assert(sizeof(DelayImportDescriptor) == 32);

struct ExportHeader {
  std::uint32_t flags, timestamp;
  std::uint16_t major, minor;
  std::uint32_t name_rva, ordinal_base, function_count, name_count, functions_rva, names_rva, ordinals_rva;
};
static_assert(sizeof(ExportHeader) == 40);

struct RelocationBlock {
  std::uint32_t page_rva, size;
};

struct DebugEntry {
  std::uint32_t characteristics, timestamp;
  std::uint16_t major, minor;
  std::uint32_t type, size, rva, offset;
};
static_assert(sizeof(DebugEntry) == 28);

struct RuntimeFunction {
  std::uint32_t begin, end, unwind;
};
static_assert(sizeof(RuntimeFunction) == 12);

// Fields of the load configuration directory, as offsets: its length differs from linker to linker.
inline constexpr std::uint32_t kLoadConfigCookie = 0x58;
inline constexpr std::uint32_t kLoadConfigGuardCheck = 0x70;
inline constexpr std::uint32_t kLoadConfigGuardDispatch = 0x78;

}  // namespace drydock::pe
