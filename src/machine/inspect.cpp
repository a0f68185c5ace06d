// `drydock inspect`: a driver's file as people ask about it. The image is parsed as for a run, and nothing of it is run.

#include <drydock/inspect.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <filesystem>

#include "ddi/row.h"
#include "loader/image.h"
#include "loader/pe_facts.h"
#include "loader/pe_format.h"
#include "machine/device_hints.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

bool imports_from(const PeImage& image, const char* module) {
  return std::any_of(image.imports.begin(), image.imports.end(), [&](const PeImport& i) { return strcasecmp(i.module.c_str(), module) == 0; });
}

ImportFacts import_facts(const PeImport& import) {
  const ddi::Row* row = ddi::find_row(import.module, import.name);
  if (row == nullptr) return {import.module, import.name, Coverage::missing, "", ""};
  return {import.module, import.name, row->coverage == ddi::Coverage::full ? Coverage::complete : Coverage::partial, row->page, row->note};
}

std::string version(unsigned major, unsigned minor) { return fmt::format("{}.{}", major, minor); }

/// Linkers record a path of their own machine, a Windows one as a rule.
bool pdb_exists(const std::string& recorded, const std::string& driver) {
  if (recorded.empty()) return false;
  const auto name = recorded.substr(recorded.find_last_of("/\\") + 1);
  std::error_code error;
  return fs::exists(recorded, error) || fs::exists(fs::path(driver).parent_path() / name, error);
}

std::vector<std::string> oddities(const PeImage& image) {
  std::vector<std::string> notes;
  for (const PeSection& section : image.sections)
    if (section.writable && section.executable) notes.push_back(fmt::format("section {} is writable and executable", section.name));
  if (image.shares_pages()) notes.push_back(fmt::format("sections are aligned to {:#x}: they share pages and get all rights", image.section_alignment));
  if (image.has_tls) notes.push_back("it has a TLS directory, which the kernel does not process");
  for (const PeImport& import : image.delay_imports) notes.push_back(fmt::format("{}!{} is a delayed import, which the kernel does not bind", import.module, import.name));
  if (image.relocations_stripped) notes.push_back("it has no relocations: it can only be loaded at its preferred base");
  return notes;
}

void add_layout(const PeImage& image, DriverFacts& facts) {
  facts.image_base = image.preferred_base;
  facts.image_size = image.size;
  facts.entry_rva = image.entry_rva;
  facts.entry_section = image.section_at(image.entry_rva)->name;
  for (const PeSection& s : image.sections)
    facts.sections.push_back({s.name, s.rva, s.size, s.file_size, s.readable, s.writable, s.executable, s.discardable});
  for (const PeExport& e : image.exports) facts.exports.push_back(e.name);
  facts.relocations = static_cast<std::uint32_t>(image.relocations.size());
  facts.unwind_entries = image.pdata_size / static_cast<std::uint32_t>(sizeof(pe::RuntimeFunction));
}

void add_toolchain(const PeImage& image, DriverFacts& facts) {
  const PeFacts pe = facts_of(image);
  facts.linker_version = version(image.linker_major, image.linker_minor);
  facts.os_version = version(pe.os_major, pe.os_minor);
  facts.subsystem_version = version(pe.subsystem_major, pe.subsystem_minor);
  facts.timestamp = image.timestamp;
  facts.reproducible = pe.reproducible;
  facts.checksum = pe.checksum;
  facts.checksum_is_right = pe.checksum == pe.checksum_computed;
  facts.signature_bytes = pe.signature_size;
  facts.rich_header = pe.rich_header, facts.dwarf = pe.has_dwarf, facts.pdb = pe.has_codeview;
  facts.coff_symbols = pe.coff_symbols;
  facts.pdb_path = image.pdb_path, facts.pdb_id = pe.pdb_id;
  facts.pdb_is_there = pdb_exists(image.pdb_path, facts.file);
  facts.stack_cookie = pe.stack_cookie, facts.control_flow_guard = pe.control_flow_guard;
  facts.dynamic_base = pe.dynamic_base, facts.high_entropy = pe.high_entropy;
  facts.nx_compatible = pe.nx_compatible, facts.force_integrity = pe.force_integrity;
}

}  // namespace

Inspected inspect_driver(const std::string& path) {
  Inspected result;
  const auto bytes = read_image_file(path);
  if (!bytes) return {{}, bytes.error().message};
  const auto image = PeImage::parse(*bytes);
  if (!image) return {{}, fmt::format("{}: {}", path, image.error().message)};
  DriverFacts& facts = result.facts;
  facts.file = path;
  facts.bytes = bytes->size();
  facts.port = imports_from(*image, "storport.sys") ? "storport" : imports_from(*image, "scsiport.sys") ? "scsiport" : "";
  facts.device = device_hinted_by(path, *bytes).value_or("");
  for (const PeImport& import : image->imports) facts.imports.push_back(import_facts(import));
  facts.notes = oddities(*image);
  add_layout(*image, facts);
  add_toolchain(*image, facts);
  return result;
}

}  // namespace drydock
