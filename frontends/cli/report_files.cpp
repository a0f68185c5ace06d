#include "report_files.h"

#include <cerrno>
#include <cstring>

#include "common/report_json.h"
#include "junit.h"
#include "sarif.h"

namespace drydock {
namespace {

std::string json_report(const RunRequest&, const RunEnded& ended) { return json_text(ended.report, true) + '\n'; }

}  // namespace

Result<ReportFiles> ReportFiles::open(const RunRequest& request) {
  ReportFiles files;
  const File wanted[] = {{request.json_file, nullptr, json_report}, {request.junit_file, nullptr, junit_report}, {request.sarif_file, nullptr, sarif_report}};
  for (File file : wanted) {
    if (file.path.empty()) continue;
    if (file.path == "-" && files.on_standard_output()) return refuse("only one report can go to standard output");
    file.stream = file.path == "-" ? stdout : std::fopen(file.path.c_str(), "we");
    if (file.stream == nullptr) return refuse("{}: {}", file.path, strerror(errno));
    files.files_.push_back(std::move(file));
  }
  return files;
}

bool ReportFiles::on_standard_output() const {
  for (const File& file : files_)
    if (file.stream == stdout) return true;
  return false;
}

Result<void> ReportFiles::write(const RunRequest& request, const RunEnded& ended) {
  Result<void> done;
  for (const File& file : files_) {
    const std::string text = file.text(request, ended);
    const bool written = std::fwrite(text.data(), 1, text.size(), file.stream) == text.size() && std::fflush(file.stream) == 0;
    if (!written && done) done = refuse("{}: {}", file.path == "-" ? "standard output" : file.path, strerror(errno));
  }
  return done;
}

}  // namespace drydock
