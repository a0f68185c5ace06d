#pragma once
// A bare machine with fixtures of tests/drivers/wdm, and how tests speak of what was found.

#include <drydock/machine.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace drydock {

/// NAME.sys and NAME_twin.sys of tests/drivers/wdm.
inline std::string fixture(const std::string& name) { return std::string(DRYDOCK_TEST_DRIVERS) + "/" + name + ".sys"; }

/// Where NAME.c of tests/drivers/wdm has its comment "EXPECT mark": "NAME.c:40".
inline std::string place_of(const std::string& source, const std::string& mark) {
  std::ifstream file(std::string(DRYDOCK_TEST_SOURCES) + "/" + source);
  std::string line;
  for (unsigned number = 1; std::getline(file, line); ++number)
    if (line.find("EXPECT " + mark + " ") != std::string::npos) return source + ":" + std::to_string(number);
  return "no mark " + mark + " in " + source;
}

inline constexpr std::uint32_t kBuffered = 0, kInDirect = 1, kOutDirect = 2, kNeither = 3;
/// A control code of the fixtures: FILE_DEVICE_UNKNOWN, FILE_ANY_ACCESS unless said otherwise.
constexpr std::uint32_t control_code(std::uint32_t function, std::uint32_t method, std::uint32_t access = 0) {
  return 0x22u << 16 | access << 14 | (0x800 + function) << 2 | method;
}

class Workbench {
 public:
  explicit Workbench(Options options = {}) {
    if (const char* rule = std::getenv("DRYDOCK_ALLOW")) options.allowed_rules.emplace_back(rule);  // tests/system/check_rules.py
    machine_ = Machine::start(options).machine;
    EXPECT_NE(machine_, nullptr);
    client_ = machine_->client("test");
  }
  ~Workbench() { stop(); }

  Machine& machine() { return *machine_; }
  Client& client() { return *client_; }
  Workbench& with(const std::string& driver) {
    const auto loaded = machine_->load(fixture(driver));
    EXPECT_TRUE(loaded) << loaded.error.message;
    return *this;
  }
  std::unique_ptr<Device> open(std::string_view path = "\\\\.\\Conformance", Access access = Access::read_write) {
    auto opened = client_->open(path, access);
    EXPECT_TRUE(opened) << std::hex << opened.status;
    return std::move(opened.device);
  }
  Buffer buffer(std::uint32_t bytes, const Layout& layout = {}) { return client_->allocate(bytes, layout); }
  Buffer holding(std::string_view text) {
    const Buffer made = client_->allocate(static_cast<std::uint32_t>(text.size()));
    client_->store(made, std::as_bytes(std::span(text)));
    return made;
  }
  template <class T>
  T value_at(Buffer buffer) {
    const auto bytes = client_->load({buffer.address, sizeof(T)});
    T value{};
    EXPECT_EQ(bytes.size(), sizeof(T));
    if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::string text_at(Buffer buffer) {
    const auto bytes = client_->load(buffer);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// Ends the machine; the same report every time.
  const Report& stop() {
    if (machine_) {
      client_.reset();
      report_ = machine_->stop();
      machine_.reset();
    }
    return report_;
  }

 private:
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<Client> client_;
  Report report_;
};

/// Every finding, one a line; empty when there is none.
inline std::string findings_of(const Report& report) {
  std::string text;
  for (const Finding& finding : report.findings)
    text += finding.rule + " " + finding.code + ": " + finding.message + " at " + finding.driver_location + (finding.stack.empty() ? "" : " " + finding.stack.front()) + "\n";
  return text;
}

inline const Finding* finding_of(const Report& report, std::string_view rule) {
  for (const Finding& finding : report.findings)
    if (finding.rule == rule) return &finding;
  return nullptr;
}

}  // namespace drydock
