#pragma once
// A run with findings, for the tests of what is written about it.

#include "report_files.h"

namespace drydock {

inline RunRequest sample_request() {
  RunRequest request;
  request.options.driver = "/src/out/my.sys";
  request.options.seed = 7;
  return request;
}

inline RunEnded sample_end() {
  RunEnded ended;
  ended.started = true;
  ended.report.outcome = Outcome::findings;
  ended.report.device = "virtio-blk";
  ended.report.findings = {{"ST-42", "", "DataBuffer+0x0 was read <twice> & \"quoted\"", "my.c:20", {"LookAtData my.c:20", "BuildIo my.c:27"}, 3, "", "/src/my.c", 20},
                           {"VER-45", "0xF1/0x2004", "SRB 7 was completed twice", "my.sys+0x1234", {"my.sys+0x1234"}, 1, "", "", 0}};
  ended.report.debug_output = {"hello \x01 there", "bad \xFF byte"};
  return ended;
}

inline RunEnded failed_start(Outcome outcome, const char* message) {
  RunEnded ended;
  ended.report.outcome = outcome;
  ended.report.message = message;
  return ended;
}

}  // namespace drydock
