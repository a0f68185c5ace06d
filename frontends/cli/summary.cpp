#include "summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/size.h"

namespace drydock {
namespace {

constexpr std::size_t kTextColumns = 92;

using Row = std::pair<std::string, std::string>;
using Section = std::vector<Row>;

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string unlimited_or(std::uint32_t value, std::string text) {
  return value == UINT32_MAX ? "unlimited" : std::move(text);
}

void add(Section& section, std::string name, std::string value) {
  if (!value.empty()) section.emplace_back(std::move(name), std::move(value));
}

/// A driver that is no miniport claims no limits, and no disk is behind it.
bool is_miniport(const Report& report) { return report.port != kNoPort; }
bool has_several(const Report& report) { return report.adapters.size() > 1; }

Section who(const Report& report) {
  Section section;
  add(section, "driver", file_name(report.driver));
  add(section, "port driver", report.port);
  if (!has_several(report) && is_miniport(report)) add(section, "device", report.device);
  for (const std::string& name : report.device_objects) add(section, "device object", name);
  return section;
}

std::string alignment_text(std::uint32_t mask) {
  return mask == 0 ? "any byte" : fmt::format("{} (mask 0x{:X})", size_text(std::uint64_t{mask} + 1), mask);
}

Section claims(const Limits& limits) {
  Section section;
  add(section, "transfer length", unlimited_or(limits.maximum_transfer_length, size_text(limits.maximum_transfer_length)));
  add(section, "physical breaks", unlimited_or(limits.physical_breaks, std::to_string(limits.physical_breaks)));
  add(section, "buffer alignment", alignment_text(limits.alignment_mask));
  add(section, "queue depth", std::to_string(limits.queue_depth));
  add(section, "targets, LUNs", fmt::format("{}, {}", limits.targets, limits.luns));
  add(section, "DMA", limits.dma);
  add(section, "request block", limits.srb);
  add(section, "buffers mapped", limits.map_buffers);
  add(section, "synchronization", limits.synchronization);
  add(section, "write cache", limits.caches_data ? "yes" : "no");
  add(section, "interrupts", limits.interrupt_messages == 0 ? "line" : fmt::format("{} messages", limits.interrupt_messages));
  return section;
}

/// Of a Report or an AdapterReport.
template <class Counts>
void add_traffic(Section& section, const Counts& counts) {
  add(section, "I/Os", fmt::format("{} ({} reads, {} writes, {} flushes, {} trims)", count_text(counts.ios),
                                   count_text(counts.reads), count_text(counts.writes), count_text(counts.flushes),
                                   count_text(counts.trims)));
  add(section, "data moved", size_text(counts.bytes));
}

/// One of several: what differs between them. The others' sum follows in the section of the whole machine.
Section one_of_several(const AdapterReport& adapter, std::size_t number) {
  Section section;
  add(section, fmt::format("adapter {}", number), fmt::format("{} on {}", adapter.device, file_name(adapter.disk)));
  for (Row& row : claims(adapter.limits)) section.push_back(std::move(row));
  add_traffic(section, adapter);
  add(section, "bounced pages", count_text(adapter.bounced_pages));
  add(section, "interrupts taken", count_text(adapter.interrupts));
  return section;
}

Section faults(const Report& report) {
  Section section;
  for (const FaultCount& fault : report.faults)
    add(section, "fault " + fault.name, fmt::format("{} of {} times", count_text(fault.strikes), count_text(fault.opportunities)));
  return section;
}

Section events(const Report& report) {
  Section section;
  if (!is_miniport(report)) {
    add(section, "traps", count_text(report.traps));
    add(section, "virtual time", fmt::format("{:.3f} ms", static_cast<double>(report.virtual_nanoseconds) / 1e6));
    return section;
  }
  add_traffic(section, report);
  if (has_several(report)) section.front().first = "all I/Os";
  if (report.failed != 0) add(section, "failed requests", count_text(report.failed));
  add(section, "scatter/gather", report.sg_max == 0 ? "no lists" : fmt::format("{} … {} elements, mean {:.1f}", report.sg_min, report.sg_max, report.sg_mean));
  add(section, "bounced pages", count_text(report.bounced_pages));
  add(section, "interrupts taken", count_text(report.interrupts));
  add(section, "traps", count_text(report.traps));
  add(section, "virtual time", fmt::format("{:.3f} ms", static_cast<double>(report.virtual_nanoseconds) / 1e6));
  return section;
}

Section verdict(const Report& report) {
  Section section;
  add(section, "findings", report.findings.empty() ? "none" : count_text(report.findings.size()));
  for (const AllowedRule& rule : report.allowed)
    add(section, "allowed", rule.count == 0 ? fmt::format("{}, never broken", rule.rule)
                                            : fmt::format("{}, broken {}", rule.rule, rule.count == 1 ? "once" : count_text(rule.count) + " times"));
  return section;
}

std::string times(std::size_t count, std::string_view what) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += what;
  return result;
}

std::string padded(const std::string& text, std::size_t width) { return text + std::string(width - std::min(width, width_of(text)), ' '); }

/// A box of sections, each of rows of two columns.
std::string box(const std::vector<Section>& sections) {
  std::size_t left = 0, right = 0;
  for (const auto& section : sections)
    for (const auto& [name, value] : section) left = std::max(left, width_of(name)), right = std::max(right, width_of(value));
  const auto rule = [&](const char* start, const char* middle, const char* end) {
    return fmt::format("{}{}{}{}{}\n", start, times(left + 2, "─"), middle, times(right + 2, "─"), end);
  };
  std::string result;
  for (const auto& section : sections) {
    if (section.empty()) continue;
    result += result.empty() ? rule("┌", "┬", "┐") : rule("├", "┼", "┤");
    for (const auto& [name, value] : section) result += fmt::format("│ {} │ {} │\n", padded(name, left), padded(value, right));
  }
  return result.empty() ? result : result + rule("└", "┴", "┘");
}

std::string plural(std::uint64_t count, std::string_view what) { return fmt::format("{} {}{}", count_text(count), what, count == 1 ? "" : "s"); }

std::string finding_text(std::size_t number, const Finding& finding, const Style& style) {
  std::string head = fmt::format("{:>3}. {}", number, style(Colour::yellow, finding.rule));
  if (!finding.code.empty()) head += "  " + finding.code;
  if (finding.count > 1) head += style(Colour::dim, fmt::format("  seen {} times", count_text(finding.count)));
  std::string text = head + "\n     " + wrapped(finding.message, kTextColumns, "     ") + '\n';
  if (!finding.parameters.empty()) text += fmt::format("     parameters {:#x}\n", fmt::join(finding.parameters, ", "));
  if (!finding.second.empty()) text += "     " + wrapped("then: " + finding.second, kTextColumns, "     ") + '\n';
  if (!finding.driver_location.empty()) text += "     at " + style(Colour::bold, finding.driver_location) + '\n';
  for (const auto& frame : finding.stack) text += style(Colour::dim, "        " + frame) + '\n';
  for (const auto& related : finding.related) {
    text += "     " + related.what + '\n';
    for (const auto& frame : related.stack) text += style(Colour::dim, "        " + frame) + '\n';
  }
  return text;
}

std::string_view trouble(Outcome outcome) {
  switch (outcome) {
    case Outcome::bad_input: return "bad input";
    case Outcome::refused: return "the driver would not start";
    case Outcome::driver_crashed: return "the driver crashed";
    default: return "drydock's own fault";
  }
}

}  // namespace

std::string summary_table(const Report& report, const Style& style) {
  std::vector<Section> sections = {who(report)};
  if (!has_several(report) && is_miniport(report)) sections.push_back(claims(report.limits));
  for (std::size_t i = 0; has_several(report) && i < report.adapters.size(); ++i) sections.push_back(one_of_several(report.adapters[i], i));
  sections.insert(sections.end(), {events(report), faults(report), verdict(report)});
  std::string text = box(sections);
  if (text.empty()) return text;
  return style(Colour::bold, is_miniport(report) ? "limits as the miniport claimed them, and what happened" : "entered, its devices opened and closed, unloaded") + '\n' + text;
}

std::string findings_text(const Report& report, const Style& style) {
  std::string text;
  for (std::size_t i = 0; i < report.findings.size(); ++i) text += finding_text(i + 1, report.findings[i], style);
  return text;
}

std::string closing_line(const Report& report, const Style& style) {
  switch (report.outcome) {
    case Outcome::clean: return style(Colour::green, "clean") + fmt::format(": {}, no findings", plural(report.ios, "I/O"));
    case Outcome::findings: return style(Colour::yellow, plural(report.findings.size(), "finding"));
    default: return style(Colour::red, trouble(report.outcome)) + (report.message.empty() ? "" : ": " + report.message);
  }
}

std::string last_words(const Report& report, std::size_t lines) {
  if (report.debug_output.empty()) return {};
  std::string text = "the driver's last debug output:\n";
  const std::size_t first = report.debug_output.size() - std::min(lines, report.debug_output.size());
  for (std::size_t i = first; i < report.debug_output.size(); ++i) text += "  | " + report.debug_output[i] + '\n';
  return text;
}

}  // namespace drydock
