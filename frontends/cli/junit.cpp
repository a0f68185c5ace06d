#include "junit.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

#include "common/rule_book.h"
#include "report_rules.h"

namespace drydock {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void set(pugi::xml_node node, const char* name, std::string_view value) { node.append_attribute(name) = xml_text(value).c_str(); }

/// The suite, and its counts as they grow.
class Suite {
 public:
  explicit Suite(const RunRequest& request) : class_name_(file_name(request.options.driver)) {}

  void begin(pugi::xml_node suite) {
    suite_ = suite;
    set(suite_, "name", class_name_);
    for (const char* count : {"tests", "failures", "errors", "skipped"}) suite_.append_attribute(count) = 0;
    suite_.append_attribute("time") = "0";
    properties_ = suite_.append_child("properties");
  }
  void property(const char* name, std::string_view value) {
    auto node = properties_.append_child("property");
    set(node, "name", name);
    set(node, "value", value);
  }
  void passed(std::string_view name) { add(name); }
  void not_run(std::string_view name) {
    add(name).append_child("skipped");
    ++skipped_;
  }
  void failed(std::string_view name, std::string_view type, std::string_view message, std::string_view text) {
    ++failures_;
    tell(add(name).append_child("failure"), type, message, text);
  }
  void broke(std::string_view name, std::string_view type, std::string_view message) {
    ++errors_;
    tell(add(name).append_child("error"), type, message, message);
  }
  void count(pugi::xml_node node) const {
    node.attribute("tests") = tests_, node.attribute("failures") = failures_, node.attribute("errors") = errors_;
    if (auto skipped = node.attribute("skipped")) skipped = skipped_;
  }
  pugi::xml_node node() const { return suite_; }

 private:
  pugi::xml_node add(std::string_view name) {
    ++tests_;
    auto node = suite_.append_child("testcase");
    set(node, "classname", class_name_);
    set(node, "name", name);
    node.append_attribute("time") = "0";
    return node;
  }
  static void tell(pugi::xml_node node, std::string_view type, std::string_view message, std::string_view text) {
    set(node, "message", message);
    set(node, "type", type);
    node.text().set(xml_text(text).c_str());
  }

  std::string class_name_;
  pugi::xml_node suite_, properties_;
  unsigned tests_ = 0, failures_ = 0, errors_ = 0, skipped_ = 0;
};

std::string finding_text(const Finding& finding, const ReportedRule& rule) {
  std::string text = finding.message + '\n';
  if (!finding.driver_location.empty()) text += "at " + finding.driver_location + '\n';
  for (const std::string& frame : finding.stack) text += "   " + frame + '\n';
  if (!finding.second.empty()) text += "the second time: " + finding.second + '\n';
  if (finding.count > 1) text += fmt::format("seen {} times\n", finding.count);
  text += '\n' + rule.id + ": " + rule.text + '\n';
  for (const std::string& address : rule.addresses) text += address + '\n';
  return text;
}

void add_start(Suite& suite, const RunEnded& ended) {
  const Report& report = ended.report;
  const std::string name = report.device.empty() ? "starts" : "starts on " + report.device;
  if (ended.started || report.outcome < Outcome::bad_input) suite.passed(name);
  else if (report.outcome == Outcome::driver_crashed) suite.failed(name, "crash", report.message, report.message);
  else suite.broke(name, name_of(report.outcome), report.message);
}

void add_work(Suite& suite, const RunRequest& request, const RunEnded& ended) {
  const Report& report = ended.report;
  const char* name = request.serves() ? "serves its disk" : "self-check";
  if (!ended.started) return suite.not_run(name);
  if (report.outcome == Outcome::driver_crashed) return suite.failed(name, "crash", report.message, report.message);
  if (report.outcome > Outcome::findings) return suite.broke(name, name_of(report.outcome), report.message);
  suite.passed(name);
}

void add_command(Suite& suite, const RunRequest& request, const RunEnded& ended) {
  if (!request.command) return;
  const std::string name = "command: " + *request.command;
  if (!ended.command_status) return suite.not_run(name);
  if (*ended.command_status == 0) return suite.passed(name);
  const std::string message = fmt::format("the command ended with status {}", *ended.command_status);
  suite.failed(name, "command", message, message);
}

void add_findings(Suite& suite, const RunEnded& ended) {
  for (const Finding& finding : ended.report.findings) {
    const ReportedRule rule = rule_of(finding, RuleBook::get());
    const std::string where = finding.driver_location.empty() ? "" : " at " + finding.driver_location;
    suite.failed(rule.id + where, rule.id, finding.message, finding_text(finding, rule));
  }
  if (!ended.report.findings.empty()) return;
  if (ended.started) suite.passed("keeps the rules");
  else suite.not_run("keeps the rules");
}

void add_properties(Suite& suite, const RunRequest& request, const Report& report) {
  suite.property("drydock", DRYDOCK_VERSION);
  suite.property("driver", request.options.driver);
  suite.property("device", report.device);
  suite.property("seed", std::to_string(request.options.seed));
  suite.property("phys", request.options.phys);
  suite.property("outcome", name_of(report.outcome));
}

void add_output(Suite& suite, const Report& report) {
  if (report.debug_output.empty()) return;
  std::string text;
  for (const std::string& line : report.debug_output) text += line + '\n';
  suite.node().append_child("system-out").text().set(xml_text(text).c_str());
}

/// The length of the character at the beginning of `text`, and the character; 0 where there is none in UTF-8.
std::size_t character(std::string_view text, char32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80 ? 1 : byte(0) >> 5 == 0x6 ? 2 : byte(0) >> 4 == 0xE ? 3 : byte(0) >> 3 == 0x1E ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  code = length == 1 ? byte(0) : byte(0) & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 0x2) return 0;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return code < kLeast[length] ? 0 : length;
}

/// XML 1.0, production 2 (Char).
bool is_writable(char32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
}

}  // namespace

std::string xml_text(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    char32_t code = 0;
    const std::size_t length = character(text, code);
    if (length != 0 && is_writable(code)) result += text.substr(0, length);
    else result += kReplacement;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

std::string junit_report(const RunRequest& request, const RunEnded& ended) {
  pugi::xml_document document;
  auto declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  auto suites = document.append_child("testsuites");
  suites.append_attribute("name") = "drydock";
  for (const char* count : {"tests", "failures", "errors"}) suites.append_attribute(count) = 0;
  Suite suite(request);
  suite.begin(suites.append_child("testsuite"));
  add_properties(suite, request, ended.report);
  add_start(suite, ended);
  add_work(suite, request, ended);
  add_command(suite, request, ended);
  add_findings(suite, ended);
  add_output(suite, ended.report);
  suite.count(suite.node());
  suite.count(suites);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_default, pugi::encoding_utf8);
  return text.str();
}

}  // namespace drydock
