#pragma once
// Names and source lines for driver addresses, asked of a child llvm-symbolizer: it reads DWARF and PDB of every
// toolchain, and keeps LLVM out of our process. Started at the first question; dies with us; silent within its time
// limit or absent, the answer is just "viostor.sys+0x1234". For messages to people only: nothing that must repeat from
// run to run may depend on it.
//
// One thread at a time (the machine's driving thread).

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loader/image.h"
#include "loader/symbols/unwind.h"

namespace drydock {

inline constexpr std::size_t kSymbolCacheMax = 4096;
inline constexpr std::size_t kSymbolAnswerMax = 1u << 20;
inline constexpr int kSymboliserFailuresMax = 3;

struct SourceLocation {
  std::string function;
  std::string file;       // base name: "mini.c"
  std::string file_path;  // as the compiler recorded it
  std::uint32_t line = 0;
};

/// Of a chain of inlined functions, innermost first, the one whose line tells most: the innermost outside a header, as
/// helpers of the WDK headers are inlined into the driver's own lines. The chain is not empty.
const SourceLocation& telling_place(const std::vector<SourceLocation>& chain);

class Symboliser {
 public:
  struct Options {
    std::vector<std::string> programs{"llvm-symbolizer-19", "llvm-symbolizer", "llvm-symbolizer-14"};  // first that exists
    int timeout_ms = 5000;
  };

  Symboliser() = default;
  explicit Symboliser(Options options) : options_(std::move(options)) {}
  Symboliser(const Symboliser&) = delete;
  Symboliser& operator=(const Symboliser&) = delete;
  ~Symboliser();

  /// Innermost inlined function first; empty when nobody knows. `link_address` is a link-time virtual address.
  std::vector<SourceLocation> locate(const std::string& image_path, std::uint64_t link_address);
  /// A run-time address in a loaded image. A return address is looked up one byte earlier: inside the call.
  std::vector<SourceLocation> locate(const Image& image, std::uint64_t address, RipKind kind);
  /// "TouchForbidden mini.c:40", or "viostor.sys+0x1234".
  std::string describe(const Image& image, std::uint64_t address, RipKind kind);

 private:
  using Key = std::pair<std::string, std::uint64_t>;

  bool start();
  bool spawn(const std::string& program);
  void stop();
  std::vector<SourceLocation> ask(const Key& key);
  bool send(const std::string& question);
  bool receive_line(std::string& line);

  Options options_;
  pid_t child_ = -1;
  int channel_ = -1;
  int failures_ = 0;
  std::string received_;  // bytes behind the last answer
  std::map<Key, std::vector<SourceLocation>> cache_;
};

}  // namespace drydock
