#include "inspection.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "base/size.h"

namespace drydock {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRulesShown = 6, kColumns = 92;

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string yes_no(bool yes) { return yes ? "yes" : "no"; }

std::string port_text(const DriverFacts& facts) {
  if (facts.port.empty()) return "none: it imports neither storport.sys nor scsiport.sys";
  return facts.port;
}

std::string debug_text(const DriverFacts& facts) {
  if (facts.pdb) return fmt::format("PDB {} {} ({})", facts.pdb_path, facts.pdb_id, facts.pdb_is_there ? "found" : "not found here");
  if (facts.dwarf) return "DWARF, in the image";
  if (facts.coff_symbols != 0) return fmt::format("{} COFF symbols, no lines", facts.coff_symbols);
  return "none: findings will name offsets";
}

std::string time_text(const DriverFacts& facts) {
  if (facts.reproducible) return fmt::format("reproducible build ({:08X} is a hash)", facts.timestamp);
  if (facts.timestamp == 0) return "none (reproducible build)";
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(facts.timestamp)));
}

std::string checksum_text(const DriverFacts& facts) {
  if (facts.checksum == 0) return "none (Windows wants one of a boot driver)";
  return fmt::format("{:#x}, {}", facts.checksum, facts.checksum_is_right ? "right" : "wrong: the file was changed after it was linked");
}

std::string rights(const SectionFacts& section) {
  return fmt::format("{}{}{}{}", section.readable ? 'r' : '-', section.writable ? 'w' : '-', section.executable ? 'x' : '-',
                     section.discardable ? " discardable" : "");
}

std::string joined_features(const DriverFacts& facts) {
  std::string text;
  const auto add = [&text](bool has, const char* name) {
    if (has) text += (text.empty() ? "" : ", ") + std::string(name);
  };
  add(facts.dynamic_base, "/DYNAMICBASE");
  add(facts.high_entropy, "/HIGHENTROPYVA");
  add(facts.nx_compatible, "/NXCOMPAT");
  add(facts.force_integrity, "/INTEGRITYCHECK");
  return text.empty() ? "none" : text;
}

std::string line(std::string_view name, const std::string& value) { return fmt::format("  {:<20}{}\n", name, value); }

std::string head(const DriverFacts& facts, const Style& style) {
  std::string text = style(Colour::bold, file_name(facts.file)) + fmt::format("  {} bytes, x86-64 kernel driver\n", count_text(facts.bytes));
  text += line("port driver", port_text(facts));
  text += line("device", facts.device.empty() ? "none of drydock's, by its hardware IDs" : facts.device + " (by its hardware IDs)");
  text += line("entry", fmt::format("{:#x} in {}", facts.entry_rva, facts.entry_section));
  text += line("image", fmt::format("{:#x} bytes at {:#x}, {} relocations", facts.image_size, facts.image_base, facts.relocations));
  text += line("unwind entries", facts.unwind_entries == 0 ? "none: stacks end at the first frame" : std::to_string(facts.unwind_entries));
  return text;
}

std::string toolchain(const DriverFacts& facts) {
  std::string text = line("linker", fmt::format("{}{}", facts.linker_version, facts.rich_header ? " (Microsoft's: Rich header)" : ", no Rich header"));
  text += line("for Windows", fmt::format("{} (subsystem {})", facts.os_version, facts.subsystem_version));
  text += line("built", time_text(facts));
  text += line("debug information", debug_text(facts));
  text += line("stack cookie (/GS)", yes_no(facts.stack_cookie));
  text += line("flow guard (CFG)", yes_no(facts.control_flow_guard));
  text += line("link options", joined_features(facts));
  text += line("checksum", checksum_text(facts));
  text += line("signature", facts.signature_bytes == 0 ? "none" : fmt::format("{} bytes, not verified here", facts.signature_bytes));
  return text;
}

std::string section_lines(const DriverFacts& facts) {
  std::string text;
  for (const SectionFacts& s : facts.sections) text += fmt::format("  {:<20}{:#010x}  {:>10} bytes  {}\n", s.name, s.rva, count_text(s.size), rights(s));
  return text;
}

std::vector<std::string> rule_ids(const RuleBook& book, const std::string& name, const std::string& page) {
  std::vector<std::string> ids;
  for (const DocumentedRule* rule : book.about(name, page)) ids.push_back(rule->id);
  return ids;
}

std::string ids_text(const std::vector<std::string>& ids) {
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), kRulesShown); ++i) text += (i == 0 ? "" : " ") + ids[i];
  return ids.size() > kRulesShown ? text + fmt::format(" and {} more", ids.size() - kRulesShown) : text;
}

Colour colour_of(Coverage coverage) {
  return coverage == Coverage::complete ? Colour::green : coverage == Coverage::partial ? Colour::yellow : Colour::red;
}

std::string import_lines(const ImportFacts& import, std::size_t width, const RuleBook& book, const Style& style) {
  const std::string coverage = fmt::format("{:<8}", name_of(import.coverage));
  std::string text = fmt::format("    {:<{}}  {}  {}\n", import.name, width, style(colour_of(import.coverage), coverage), import.page);
  if (!import.note.empty()) text += "      " + wrapped((import.coverage == Coverage::partial ? "except: " : "") + import.note, kColumns, "      ") + '\n';
  const auto ids = rule_ids(book, import.name, import.page);
  if (!ids.empty()) text += style(Colour::dim, "      rules " + ids_text(ids)) + '\n';
  return text;
}

std::map<Coverage, std::size_t> counted(const DriverFacts& facts) {
  std::map<Coverage, std::size_t> counts;
  for (const ImportFacts& import : facts.imports) ++counts[import.coverage];
  return counts;
}

std::string imports_text(const DriverFacts& facts, const RuleBook& book, const Style& style) {
  auto counts = counted(facts);
  std::string text = fmt::format("{}: {}; {} complete, {} partial, {} missing\n", style(Colour::bold, "imports"), facts.imports.size(),
                                 counts[Coverage::complete], counts[Coverage::partial], counts[Coverage::missing]);
  std::size_t width = 0;
  for (const ImportFacts& import : facts.imports) width = std::max(width, import.name.size());
  std::string module;
  for (const ImportFacts& import : facts.imports) {
    if (import.module != module) text += "  " + (module = import.module) + '\n';
    text += import_lines(import, width, book, style);
  }
  return text;
}

Json section_json(const SectionFacts& s) {
  return {{"name", s.name}, {"rva", s.rva}, {"size", s.size}, {"file_size", s.file_size}, {"readable", s.readable},
          {"writable", s.writable}, {"executable", s.executable}, {"discardable", s.discardable}};
}

Json import_json(const ImportFacts& import, const RuleBook& book) {
  return {{"module", import.module}, {"name", import.name}, {"coverage", name_of(import.coverage)}, {"page", import.page},
          {"address", import.page.empty() ? "" : book.address_of(import.page)}, {"note", import.note},
          {"rules", rule_ids(book, import.name, import.page)}};
}

Json toolchain_json(const DriverFacts& facts) {
  return {{"linker_version", facts.linker_version}, {"os_version", facts.os_version}, {"subsystem_version", facts.subsystem_version},
          {"rich_header", facts.rich_header}, {"timestamp", facts.timestamp}, {"reproducible", facts.reproducible || facts.timestamp == 0},
          {"debug", facts.pdb ? "pdb" : facts.dwarf ? "dwarf" : facts.coff_symbols != 0 ? "coff" : "none"},
          {"pdb_path", facts.pdb_path}, {"pdb_id", facts.pdb_id}, {"pdb_found", facts.pdb_is_there},
          {"stack_cookie", facts.stack_cookie}, {"control_flow_guard", facts.control_flow_guard},
          {"dynamic_base", facts.dynamic_base}, {"high_entropy", facts.high_entropy}, {"nx_compatible", facts.nx_compatible},
          {"force_integrity", facts.force_integrity}, {"checksum", facts.checksum}, {"checksum_is_right", facts.checksum_is_right},
          {"signature_bytes", facts.signature_bytes}};
}

}  // namespace

std::string inspection_text(const DriverFacts& facts, const RuleBook& book, const Style& style) {
  std::string text = head(facts, style) + style(Colour::bold, "built with") + '\n' + toolchain(facts);
  text += style(Colour::bold, "sections") + '\n' + section_lines(facts);
  text += imports_text(facts, book, style);
  if (!facts.notes.empty()) text += style(Colour::bold, "worth a look") + '\n';
  for (const std::string& note : facts.notes) text += "  " + note + '\n';
  return text;
}

std::string inspection_json(const DriverFacts& facts, const RuleBook& book) {
  Json sections = Json::array(), imports = Json::array();
  for (const SectionFacts& section : facts.sections) sections.push_back(section_json(section));
  for (const ImportFacts& import : facts.imports) imports.push_back(import_json(import, book));
  auto counts = counted(facts);
  const Json json = {{"file", facts.file}, {"bytes", facts.bytes}, {"port", facts.port}, {"device", facts.device},
                     {"image_base", facts.image_base}, {"image_size", facts.image_size},
                     {"entry", {{"rva", facts.entry_rva}, {"section", facts.entry_section}}},
                     {"relocations", facts.relocations}, {"unwind_entries", facts.unwind_entries}, {"built_with", toolchain_json(facts)},
                     {"sections", std::move(sections)}, {"exports", facts.exports}, {"notes", facts.notes},
                     {"coverage", {{"complete", counts[Coverage::complete]}, {"partial", counts[Coverage::partial]}, {"missing", counts[Coverage::missing]}}},
                     {"imports", std::move(imports)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace drydock
