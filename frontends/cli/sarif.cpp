#include "sarif.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "common/rule_book.h"
#include "exit_status.h"
#include "report_rules.h"

namespace drydock {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
constexpr const char* kRoot = "SRCROOT";
constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

std::string percent_encoded(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (kUnreserved.find(c) != std::string_view::npos) text += c;
    else text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

/// "C:\src\my.c" as its linker recorded it is an absolute path too.
std::string file_uri(std::string path) {
  for (char& c : path) c = c == '\\' ? '/' : c;
  const bool drive = path.size() > 2 && path[1] == ':' && path[2] == '/';
  return drive ? "file:///" + path.substr(0, 2) + percent_encoded(path.substr(2)) : "file://" + percent_encoded(path);
}

Json artifact(const std::string& recorded, const std::string& root) {
  const SourcePlace place = place_of(recorded, root);
  if (place.relative) return {{"uri", percent_encoded(place.path)}, {"uriBaseId", kRoot}};
  return {{"uri", file_uri(place.path)}};
}

/// The line in the driver's source; without debug information, the driver's file and the offset in words.
Json location(const RunRequest& request, const Finding& finding, const std::string& root) {
  Json result;
  if (!finding.source_file.empty()) {
    result["physicalLocation"] = {{"artifactLocation", artifact(finding.source_file, root)}};
    if (finding.source_line != 0) result["physicalLocation"]["region"] = {{"startLine", finding.source_line}};
  } else {
    result["physicalLocation"] = {{"artifactLocation", artifact(std::filesystem::absolute(request.options.driver).string(), root)}};
  }
  if (!finding.driver_location.empty()) result["message"] = {{"text", finding.driver_location}};
  return result;
}

Json stack(const Finding& finding) {
  Json frames = Json::array();
  for (const std::string& frame : finding.stack)
    frames.push_back({{"location", {{"logicalLocations", Json::array({{{"fullyQualifiedName", frame}}})}, {"message", {{"text", frame}}}}}});
  return {{"message", {{"text", "the driver's stack"}}}, {"frames", std::move(frames)}};
}

std::string help_text(const ReportedRule& rule) {
  std::string text = rule.text;
  for (const std::string& address : rule.addresses) text += '\n' + address;
  return text;
}

std::string help_markdown(const ReportedRule& rule) {
  std::string text = rule.text + '\n';
  for (const std::string& address : rule.addresses) text += fmt::format("\n- <{}>", address);
  return text;
}

std::string first_sentence(const std::string& text) {
  constexpr std::size_t kMax = 120;
  const auto end = std::min(text.find(". "), text.find(": "));
  if (end != std::string::npos && end < kMax) return text.substr(0, end) + '.';
  if (text.size() <= kMax) return text;
  return text.substr(0, text.rfind(' ', kMax)) + " …";
}

Json descriptor(const ReportedRule& rule) {
  Json json = {{"id", rule.id}, {"shortDescription", {{"text", first_sentence(rule.text)}}}, {"fullDescription", {{"text", rule.text}}}};
  if (!rule.address.empty()) json["helpUri"] = rule.address;
  json["help"] = {{"text", help_text(rule)}, {"markdown", help_markdown(rule)}};
  json["defaultConfiguration"] = {{"level", "error"}};
  json["properties"] = {{"tags", Json::array({"windows-driver"})}};
  if (!rule.chapter.empty()) json["properties"]["tags"].push_back(rule.chapter);
  return json;
}

/// Rules in the order they were first broken, and each one's place in that list.
class Rules {
 public:
  std::size_t index_of(const Finding& finding) {
    ReportedRule rule = rule_of(finding, RuleBook::get());
    const auto [at, fresh] = places_.try_emplace(rule.id, descriptors_.size());
    if (fresh) descriptors_.push_back(descriptor(rule));
    return at->second;
  }
  std::string id(std::size_t index) const { return descriptors_[index].at("id"); }
  Json& descriptors() { return descriptors_; }

 private:
  std::map<std::string, std::size_t> places_;
  Json descriptors_ = Json::array();
};

Json result_of(const RunRequest& request, const Finding& finding, Rules& rules, const std::string& root) {
  const std::size_t rule = rules.index_of(finding);
  Json json = {{"ruleId", rules.id(rule)}, {"ruleIndex", rule}, {"kind", "fail"}, {"level", "error"}, {"message", {{"text", finding.message}}},
               {"locations", Json::array({location(request, finding, root)})}};
  if (!finding.stack.empty()) json["stacks"] = Json::array({stack(finding)});
  json["occurrenceCount"] = finding.count;
  json["partialFingerprints"] = {{"drydockFinding/v1", fmt::format("{}@{}", rules.id(rule), finding.driver_location)}};
  if (!finding.code.empty()) json["properties"] = {{"bugCheck", finding.code}};
  return json;
}

Json invocation(const RunRequest& request, const RunEnded& ended) {
  const Report& report = ended.report;
  const bool ran = report.outcome < Outcome::bad_input || report.outcome == Outcome::driver_crashed;
  Json notifications = Json::array();
  if (!ran) notifications.push_back({{"level", "error"}, {"message", {{"text", report.message.empty() ? name_of(report.outcome) : report.message}}}});
  return {{"executionSuccessful", ran}, {"exitCode", exit_status(report.outcome, ended.command_status)},
          {"exitCodeDescription", name_of(report.outcome)}, {"toolExecutionNotifications", std::move(notifications)},
          {"properties", {{"driver", request.options.driver}, {"device", report.device}, {"seed", request.options.seed}, {"phys", request.options.phys}}}};
}

}  // namespace

std::string sarif_report(const RunRequest& request, const RunEnded& ended) {
  const std::string root = source_root();
  Rules rules;
  Json results = Json::array();
  for (const Finding& finding : all_told(ended)) results.push_back(result_of(request, finding, rules, root));
  const std::string root_uri = file_uri(root) + (root.ends_with('/') ? "" : "/");
  const Json run = {{"tool", {{"driver", {{"name", "drydock"}, {"version", DRYDOCK_VERSION}, {"semanticVersion", DRYDOCK_VERSION}, {"rules", std::move(rules.descriptors())}}}}},
                    {"invocations", Json::array({invocation(request, ended)})},
                    {"originalUriBaseIds", {{kRoot, {{"uri", root_uri}}}}},
                    {"columnKind", "utf16CodeUnits"}, {"results", std::move(results)}};
  const Json log = {{"$schema", kSchema}, {"version", "2.1.0"}, {"runs", Json::array({run})}};
  return log.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace drydock
