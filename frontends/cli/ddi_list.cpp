#include "ddi_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace drydock {
namespace {

using Json = nlohmann::ordered_json;

std::string printed(const Json& json) { return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n'; }

template <class Routine>
std::size_t widest(std::span<const Routine> routines) {
  std::size_t width = 0;
  for (const Routine& routine : routines) width = std::max(width, routine.name.size());
  return width;
}

std::string remarks(const ExportedRoutine& routine) {
  std::string text = routine.is_data ? "data" : "at IRQL " + (routine.highest_irql == "any" ? "any" : "<= " + routine.highest_irql);
  if (routine.raises) text += ", may raise";
  return text;
}

template <class Routine>
std::string heading(std::span<const Routine> routines, const std::string& module) {
  const auto count = std::count_if(routines.begin(), routines.end(), [&](const Routine& r) { return r.module == module; });
  return fmt::format("{}  {}\n", module, count);
}

/// The page that a rule cites for a routine without a row: its name is the page's last word.
std::string cited_page(const std::string& name, const RuleBook& book) {
  std::string ending = '-' + name;
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const DocumentedRule& rule : book.rules())
    for (const std::string& page : rule.pages)
      if (page.starts_with("nf-") && page.ends_with(ending)) return page;
  return {};
}

std::vector<std::string> rules_about(const std::string& name, const std::string& page, const RuleBook& book) {
  std::vector<std::string> ids;
  for (const DocumentedRule* rule : book.about(name, page)) ids.push_back(rule->id);
  return ids;
}

}  // namespace

std::string exports_text(std::span<const ExportedRoutine> routines) {
  const std::size_t width = widest(routines);
  std::string text, module;
  for (const ExportedRoutine& routine : routines) {
    if (routine.module != module) text += heading(routines, module = routine.module);
    text += fmt::format("  {:<{}}  {:<8}  {:<20}  {}\n", routine.name, width, name_of(routine.coverage), remarks(routine), routine.page);
    if (!routine.note.empty()) text += (routine.coverage == Coverage::partial ? "      except: " : "      ") + routine.note + '\n';
  }
  return text;
}

std::string exports_json(std::span<const ExportedRoutine> routines, const RuleBook& book) {
  Json rows = Json::array();
  for (const ExportedRoutine& r : routines)
    rows.push_back({{"name", r.name}, {"module", r.module}, {"kind", r.is_data ? "data" : "function"}, {"coverage", name_of(r.coverage)},
                    {"highest_irql", r.highest_irql}, {"raises", r.raises}, {"page", r.page}, {"address", book.address_of(r.page)},
                    {"note", r.note}, {"rules", rules_about(r.name, r.page, book)}});
  return printed(rows);
}

std::string missing_text(std::span<const MissingRoutine> routines) {
  const std::size_t width = widest(routines);
  std::string text, module;
  for (const MissingRoutine& routine : routines) {
    if (routine.module != module) text += heading(routines, module = routine.module);
    text += fmt::format("  {:<{}}  missing   declared in {}\n", routine.name, width, routine.header);
  }
  return text;
}

std::string missing_json(std::span<const MissingRoutine> routines, const RuleBook& book) {
  Json rows = Json::array();
  for (const MissingRoutine& r : routines) {
    const std::string page = cited_page(r.name, book);
    rows.push_back({{"name", r.name}, {"module", r.module}, {"coverage", name_of(Coverage::missing)}, {"header", r.header}, {"page", page},
                    {"address", page.empty() ? "" : book.address_of(page)}, {"rules", rules_about(r.name, page, book)}});
  }
  return printed(rows);
}

}  // namespace drydock
