#include "loader/pe_directories.h"

#include <algorithm>

#include "base/checked.h"

namespace drydock::pe {
namespace {

/// A name in the image: printable, ended by a zero byte, at most kSymbolLengthMax characters.
Result<std::string> name_at(const PeImage& image, std::uint32_t rva, const char* what) {
  std::string name;
  for (std::uint32_t i = 0; i <= kSymbolLengthMax; ++i) {
    const auto where = checked_add(rva, i);
    const auto c = where ? image.load<char>(*where) : std::nullopt;
    if (!c) return refuse("the name of {} at {:#x} lies outside the image", what, rva);
    if (*c == 0) break;
    if (*c < 0x20 || *c > 0x7E) return refuse("the name of {} at {:#x} is not readable text", what, rva);
    name.push_back(*c);
  }
  if (name.empty()) return refuse("the name of {} at {:#x} is empty", what, rva);
  if (name.size() > kSymbolLengthMax) return refuse("the name of {} at {:#x} is longer than {} characters", what, rva, kSymbolLengthMax);
  return name;
}

/// Import and delay-import tables: a list of modules, each with a list of names and a list of slots to fill.
class ImportReader {
 public:
  ImportReader(const PeImage& image, std::vector<PeImport>& imports) : image_(image), imports_(imports) {}

  template <class Descriptor>
  Result<void> read(std::uint32_t rva) {
    for (std::uint32_t i = 0; i <= kImportModulesMax; ++i) {
      const auto where = checked_add<std::uint32_t>(rva, i * static_cast<std::uint32_t>(sizeof(Descriptor)));
      const auto descriptor = where ? image_.load<Descriptor>(*where) : std::nullopt;
      if (!descriptor) return refuse("its import table at {:#x} runs out of the image", rva);
      if (descriptor->module_rva == 0 || descriptor->slots_rva == 0) return {};
      TRY(const std::string module, name_at(image_, descriptor->module_rva, "an imported module"));
      TRY_VOID(read_module(module, descriptor->names_rva ? descriptor->names_rva : descriptor->slots_rva, descriptor->slots_rva));
    }
    return refuse("imports from more than {} modules, or its import table has no end", kImportModulesMax);
  }

 private:
  Result<void> read_module(const std::string& module, std::uint32_t names, std::uint32_t slots) {
    for (std::uint32_t i = 0; imports_.size() <= kImportsMax; ++i) {
      const auto name_rva = checked_add(names, i * 8);
      const auto slot_rva = checked_add(slots, i * 8);
      const auto entry = name_rva ? image_.load<std::uint64_t>(*name_rva) : std::nullopt;
      if (!entry) return refuse("the list of names imported from {} runs out of the image", module);
      if (*entry == 0) return {};
      if (!slot_rva || !image_.holds(*slot_rva, 8)) return refuse("the address table for {} runs out of the image", module);
      TRY(PeImport import, read_entry(module, *entry));
      import.slot_rva = *slot_rva;
      imports_.push_back(std::move(import));
    }
    return refuse("has more than {} imports, or the list for {} has no end", kImportsMax, module);
  }

  Result<PeImport> read_entry(const std::string& module, std::uint64_t entry) const {
    PeImport import;
    import.module = module;
    if (entry & kImportByOrdinal) {
      import.ordinal = static_cast<std::uint16_t>(entry);
      import.name = fmt::format("#{}", *import.ordinal);
      return import;
    }
    if (entry > image_.size) return refuse("an import from {} has its name at {:#x}, outside the image", module, entry);
    TRY(import.name, name_at(image_, static_cast<std::uint32_t>(entry) + 2, "an import"));  // behind a 16-bit hint
    return import;
  }

  const PeImage& image_;
  std::vector<PeImport>& imports_;
};

/// Each slot belongs to one import: tables that overlap would bind one name over another.
Result<void> check_slots(const std::vector<PeImport>& imports) {
  std::vector<const PeImport*> sorted;
  for (const auto& import : imports) sorted.push_back(&import);
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->slot_rva < b->slot_rva; });
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i]->slot_rva - sorted[i - 1]->slot_rva < 8)
      return refuse("its import tables overlap: {} and {} share the slot at {:#x}", sorted[i - 1]->name, sorted[i]->name, sorted[i]->slot_rva);
  return {};
}

Result<void> read_imports(const DirectoryTable& directories, PeImage& image) {
  if (const auto d = directories[kImportDirectory]; d.rva != 0) {
    TRY_VOID(ImportReader(image, image.imports).read<ImportDescriptor>(d.rva));
    TRY_VOID(check_slots(image.imports));
  }
  if (const auto d = directories[kDelayImportDirectory]; d.rva != 0)
    TRY_VOID(ImportReader(image, image.delay_imports).read<DelayImportDescriptor>(d.rva));
  return {};
}

Result<void> read_relocation(std::uint16_t entry, std::uint32_t page_rva, PeImage& image) {
  const unsigned type = entry >> 12;
  if (type == kRelocationAbsolute) return {};
  if (type != kRelocationDir64) return refuse("has a relocation of type {}, which x86-64 images do not use", type);
  const auto rva = checked_add<std::uint32_t>(page_rva, entry & 0xFFFu);
  if (!rva || !lies_inside<std::uint32_t>(*rva, 8, image.size))
    return refuse("has a wild relocation: {:#x} + {:#x} lies outside the image", page_rva, entry & 0xFFFu);
  if (!image.holds(*rva, 8)) return refuse("has a wild relocation: {:#x} lies in no section", *rva);
  image.relocations.push_back(*rva);
  return {};
}

Result<void> read_relocations(DataDirectory directory, PeImage& image) {
  if (directory.rva == 0 || directory.size == 0) return {};
  const auto table = image.view(directory.rva, directory.size);
  if (!table) return refuse("its relocation table ({:#x} bytes at {:#x}) lies outside the file", directory.size, directory.rva);
  std::size_t offset = 0;
  while (offset + sizeof(RelocationBlock) <= table->size()) {
    RelocationBlock block;
    std::memcpy(&block, table->data() + offset, sizeof block);
    if (block.page_rva == 0 && block.size == 0) break;  // padding
    if (block.size < sizeof block || block.size > table->size() - offset)
      return refuse("has a relocation block of {:#x} bytes for page {:#x}: wild", block.size, block.page_rva);
    for (std::size_t at = sizeof block; at + 2 <= block.size; at += 2) {
      std::uint16_t entry;
      std::memcpy(&entry, table->data() + offset + at, sizeof entry);
      TRY_VOID(read_relocation(entry, block.page_rva, image));
    }
    offset += (std::size_t{block.size} + 3) & ~std::size_t{3};
  }
  return {};
}

Result<PeExport> read_export(const PeImage& image, DataDirectory directory, const ExportHeader& header, std::uint32_t i) {
  const auto name_slot = checked_add<std::uint32_t>(header.names_rva, i * 4);
  const auto ordinal_slot = checked_add<std::uint32_t>(header.ordinals_rva, i * 2);
  const auto name_rva = name_slot ? image.load<std::uint32_t>(*name_slot) : std::nullopt;
  const auto index = ordinal_slot ? image.load<std::uint16_t>(*ordinal_slot) : std::nullopt;
  if (!name_rva || !index || *index >= header.function_count) return refuse("its export table is damaged at entry {}", i);
  const auto function_slot = checked_add<std::uint32_t>(header.functions_rva, *index * 4u);
  const auto rva = function_slot ? image.load<std::uint32_t>(*function_slot) : std::nullopt;
  if (!rva || *rva >= image.size) return refuse("its export {} lies outside the image", i);
  PeExport found;
  TRY(found.name, name_at(image, *name_rva, "an export"));
  found.rva = *rva;
  if (*rva >= directory.rva && *rva - directory.rva < directory.size) {
    TRY(found.forwarder, name_at(image, *rva, "a forwarded export"));
  }
  return found;
}

Result<void> read_exports(DataDirectory directory, PeImage& image) {
  if (directory.rva == 0) return {};
  const auto header = image.load<ExportHeader>(directory.rva);
  if (!header) return refuse("its export table at {:#x} lies outside the image", directory.rva);
  if (header->name_count > kExportsMax || header->function_count > 65536)
    return refuse("has {} named exports; at most {} are accepted", header->name_count, kExportsMax);
  for (std::uint32_t i = 0; i < header->name_count; ++i) {
    TRY(PeExport found, read_export(image, directory, *header, i));
    image.exports.push_back(std::move(found));
  }
  return {};
}

/// The field at `offset`, if this linker's load configuration is long enough to have it.
std::uint64_t load_config_field(const PeImage& image, DataDirectory directory, std::uint32_t length, std::uint32_t offset) {
  const auto where = checked_add(directory.rva, offset);
  if (!where || offset + 8 > length) return 0;
  return image.load<std::uint64_t>(*where).value_or(0);
}

Result<void> read_load_config(DataDirectory directory, PeImage& image) {
  if (directory.rva == 0) return {};
  const auto length = image.load<std::uint32_t>(directory.rva);
  if (!length) return refuse("its load configuration at {:#x} lies outside the image", directory.rva);
  auto& config = image.load_config;
  config.security_cookie = load_config_field(image, directory, *length, kLoadConfigCookie);
  config.guard_check = load_config_field(image, directory, *length, kLoadConfigGuardCheck);
  config.guard_dispatch = load_config_field(image, directory, *length, kLoadConfigGuardDispatch);
  if (config.security_cookie == 0) return {};
  const std::uint64_t rva = config.security_cookie - image.preferred_base;
  if (rva >= image.size || !image.holds(static_cast<std::uint32_t>(rva), 8))
    return refuse("its security cookie {:#x} lies outside the image", config.security_cookie);
  return {};
}

Result<void> read_pdata(DataDirectory directory, PeImage& image) {
  if (directory.rva == 0 || directory.size == 0) return {};
  if (!image.view(directory.rva, directory.size))
    return refuse("its unwind table (.pdata, {:#x} bytes at {:#x}) lies outside the file", directory.size, directory.rva);
  image.pdata_rva = directory.rva;
  image.pdata_size = directory.size - directory.size % static_cast<std::uint32_t>(sizeof(RuntimeFunction));
  return {};
}

/// Only informative, so a damaged one is no reason to refuse a driver: the PDB's name is left empty.
std::string read_pdb_path(DataDirectory directory, const PeImage& image) {
  constexpr std::uint32_t kEntriesMax = 32, kPathOffset = 24, kPathMax = 1024;
  const auto count = std::min<std::uint32_t>(directory.rva ? directory.size / sizeof(DebugEntry) : 0, kEntriesMax);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto where = checked_add<std::uint32_t>(directory.rva, i * static_cast<std::uint32_t>(sizeof(DebugEntry)));
    const auto entry = where ? image.load<DebugEntry>(*where) : std::nullopt;
    if (!entry || entry->type != kDebugCodeView || entry->size <= kPathOffset) continue;
    const auto record = image.view(entry->rva, entry->size);
    std::uint32_t signature = 0;
    if (record) std::memcpy(&signature, record->data(), sizeof signature);
    if (signature != kCodeViewRsds) continue;
    const char* text = reinterpret_cast<const char*>(record->data()) + kPathOffset;
    return std::string(text, strnlen(text, std::min<std::size_t>(record->size() - kPathOffset, kPathMax)));
  }
  return {};
}

}  // namespace

Result<void> read_directories(const DirectoryTable& directories, PeImage& image) {
  TRY_VOID(read_imports(directories, image));
  TRY_VOID(read_relocations(directories[kRelocationDirectory], image));
  TRY_VOID(read_exports(directories[kExportDirectory], image));
  TRY_VOID(read_load_config(directories[kLoadConfigDirectory], image));
  TRY_VOID(read_pdata(directories[kExceptionDirectory], image));
  image.has_tls = directories[kTlsDirectory].rva != 0;
  image.pdb_path = read_pdb_path(directories[kDebugDirectory], image);
  return {};
}

}  // namespace drydock::pe
