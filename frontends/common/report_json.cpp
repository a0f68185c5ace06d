#include "report_json.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace drydock {
namespace {

using Json = nlohmann::ordered_json;

Json limits_json(const Limits& limits) {
  return {{"maximum_transfer_length", limits.maximum_transfer_length},
          {"physical_breaks", limits.physical_breaks},
          {"alignment_mask", limits.alignment_mask},
          {"queue_depth", limits.queue_depth},
          {"targets", limits.targets},
          {"luns", limits.luns},
          {"map_buffers", limits.map_buffers},
          {"synchronization", limits.synchronization},
          {"dma", limits.dma},
          {"srb", limits.srb},
          {"caches_data", limits.caches_data},
          {"interrupt_messages", limits.interrupt_messages}};
}

Limits limits_from(const Json& json) {
  Limits limits;
  limits.maximum_transfer_length = json.at("maximum_transfer_length");
  limits.physical_breaks = json.at("physical_breaks");
  limits.alignment_mask = json.at("alignment_mask");
  limits.queue_depth = json.at("queue_depth");
  limits.targets = json.at("targets");
  limits.luns = json.at("luns");
  limits.map_buffers = json.at("map_buffers");
  limits.synchronization = json.at("synchronization");
  limits.dma = json.at("dma");
  limits.srb = json.at("srb");
  limits.caches_data = json.at("caches_data");
  limits.interrupt_messages = json.at("interrupt_messages");
  return limits;
}

Json related_json(const Finding& finding) {
  Json stacks = Json::array();
  for (const RelatedFrames& related : finding.related) stacks.push_back({{"what", related.what}, {"stack", related.stack}});
  return stacks;
}

Json adapter_json(const AdapterReport& adapter) {
  return {{"device", adapter.device},
          {"disk", adapter.disk},
          {"limits", limits_json(adapter.limits)},
          {"ios", adapter.ios},
          {"bytes", adapter.bytes},
          {"reads", adapter.reads},
          {"writes", adapter.writes},
          {"flushes", adapter.flushes},
          {"trims", adapter.trims},
          {"bounced_pages", adapter.bounced_pages},
          {"interrupts", adapter.interrupts}};
}

AdapterReport adapter_from(const Json& json) {
  AdapterReport adapter;
  adapter.device = json.at("device");
  adapter.disk = json.at("disk");
  adapter.limits = limits_from(json.at("limits"));
  adapter.ios = json.at("ios");
  adapter.bytes = json.at("bytes");
  adapter.reads = json.at("reads");
  adapter.writes = json.at("writes");
  adapter.flushes = json.at("flushes");
  adapter.trims = json.at("trims");
  adapter.bounced_pages = json.at("bounced_pages");
  adapter.interrupts = json.at("interrupts");
  return adapter;
}

Json fault_json(const FaultCount& fault) {
  return {{"name", fault.name}, {"opportunities", fault.opportunities}, {"strikes", fault.strikes}};
}

/// As text: JSON's numbers are not that long everywhere.
Json parameters_json(const Finding& finding) {
  Json all = Json::array();
  for (const std::uint64_t parameter : finding.parameters) all.push_back(fmt::format("{:#x}", parameter));
  return all;
}

Json finding_json(const Finding& finding) {
  return {{"rule", finding.rule},
          {"code", finding.code},
          {"message", finding.message},
          {"driver_location", finding.driver_location},
          {"source_file", finding.source_file},
          {"source_line", finding.source_line},
          {"stack", finding.stack},
          {"count", finding.count},
          {"second", finding.second},
          {"related", related_json(finding)},
          {"parameters", parameters_json(finding)}};
}

Finding finding_from(const Json& json) {
  Finding finding{json.at("rule"),  json.at("code"), json.at("message"), json.at("driver_location"),
                  json.at("stack"), json.at("count"), json.at("second"), json.at("source_file"), json.at("source_line")};
  for (const Json& related : json.at("related")) finding.related.push_back({related.at("what"), related.at("stack")});
  for (const Json& parameter : json.at("parameters"))
    finding.parameters.push_back(std::strtoull(parameter.get_ref<const std::string&>().c_str(), nullptr, 0));
  return finding;
}

Outcome outcome_from(const std::string& name) {
  for (int number = 0; number <= static_cast<int>(Outcome::internal_error); ++number)
    if (name == name_of(static_cast<Outcome>(number))) return static_cast<Outcome>(number);
  return Outcome::internal_error;
}

Report report_from(const Json& json) {
  Report report;
  report.outcome = outcome_from(json.at("outcome"));
  report.message = json.at("message");
  report.driver = json.at("driver");
  report.port = json.at("port");
  report.device_objects = json.value("device_objects", std::vector<std::string>{});
  report.device = json.at("device");
  report.limits = limits_from(json.at("limits"));
  report.ios = json.at("ios");
  report.bytes = json.at("bytes");
  report.reads = json.at("reads");
  report.writes = json.at("writes");
  report.flushes = json.at("flushes");
  report.trims = json.at("trims");
  report.failed = json.at("failed");
  report.sg_min = json.at("sg").at("min");
  report.sg_mean = json.at("sg").at("mean");
  report.sg_max = json.at("sg").at("max");
  report.bounced_pages = json.at("bounced_pages");
  report.interrupts = json.at("interrupts");
  report.traps = json.at("traps");
  report.virtual_nanoseconds = json.at("virtual_nanoseconds");
  for (const Json& allowed : json.at("allowed")) report.allowed.push_back({allowed.at("rule"), allowed.at("count")});
  for (const Json& adapter : json.at("adapters")) report.adapters.push_back(adapter_from(adapter));
  for (const Json& fault : json.at("faults")) report.faults.push_back({fault.at("name"), fault.at("opportunities"), fault.at("strikes")});
  for (const Json& finding : json.at("findings")) report.findings.push_back(finding_from(finding));
  report.debug_output = json.at("debug_output");
  return report;
}

}  // namespace

Json to_json(const Report& report) {
  Json adapters = Json::array(), faults = Json::array(), findings = Json::array(), allowed = Json::array();
  for (const AdapterReport& adapter : report.adapters) adapters.push_back(adapter_json(adapter));
  for (const FaultCount& fault : report.faults) faults.push_back(fault_json(fault));
  for (const Finding& finding : report.findings) findings.push_back(finding_json(finding));
  for (const AllowedRule& rule : report.allowed) allowed.push_back({{"rule", rule.rule}, {"count", rule.count}});
  return {{"outcome", name_of(report.outcome)},
          {"exit_status", static_cast<int>(report.outcome)},
          {"message", report.message},
          {"driver", report.driver},
          {"port", report.port},
          {"device_objects", report.device_objects},
          {"device", report.device},
          {"limits", limits_json(report.limits)},
          {"ios", report.ios},
          {"bytes", report.bytes},
          {"reads", report.reads},
          {"writes", report.writes},
          {"flushes", report.flushes},
          {"trims", report.trims},
          {"failed", report.failed},
          {"sg", {{"min", report.sg_min}, {"mean", report.sg_mean}, {"max", report.sg_max}}},
          {"bounced_pages", report.bounced_pages},
          {"interrupts", report.interrupts},
          {"traps", report.traps},
          {"virtual_nanoseconds", report.virtual_nanoseconds},
          {"adapters", std::move(adapters)},
          {"faults", std::move(faults)},
          {"findings", std::move(findings)},
          {"allowed", std::move(allowed)},
          {"debug_output", report.debug_output}};
}

std::string json_text(const Report& report, bool indented) {
  return to_json(report).dump(indented ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

std::string serving_line(std::size_t disks) { return Json{{"serving", true}, {"disks", disks}}.dump() + '\n'; }

std::optional<std::size_t> parse_serving_line(std::string_view heard) {
  const auto end = heard.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const Json line = Json::parse(heard.substr(0, end), nullptr, false);
  if (!line.is_object() || !line.contains("serving")) return std::nullopt;
  return line.value("disks", std::size_t{1});
}

Result<Report> parse_report(std::string_view text) {
  try {
    return report_from(Json::parse(text));
  } catch (const Json::exception& error) {  // the library's only way to say no; it ends here
    return refuse("not a report: {}", error.what());
  }
}

}  // namespace drydock
