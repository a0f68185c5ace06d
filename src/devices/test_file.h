#pragma once
// TestFile: a file of zeroes under the temporary directory, gone at the end of the test.

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace drydock {

class TestFile {
 public:
  explicit TestFile(off_t size) : path_(testing::TempDir() + "drydock-disk-XXXXXX") {
    const int file = mkstemp(path_.data());
    EXPECT_GE(file, 0);
    EXPECT_EQ(ftruncate(file, size), 0);
    close(file);
  }
  ~TestFile() { unlink(path_.c_str()); }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace drydock
