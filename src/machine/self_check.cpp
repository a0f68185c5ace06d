#include "machine/self_check.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "base/seeded.h"

namespace drydock {

namespace {

constexpr std::uint64_t kRandomRounds = 300;
constexpr std::uint64_t kScratchMax = 16u << 20;
constexpr std::uint32_t kSizes[] = {512, 1024, 4096, 8192, 16384, 65536, 131072, 262144, 524288, 1048576};
constexpr int kComplaintsMax = 10;

class SelfCheck {
 public:
  SelfCheck(MachineDisk& disk, std::uint64_t seed, const SelfCheckWatcher& watcher)
      : disk_(disk), choose_(seed ^ 0x73656C66), watcher_(watcher), block_(disk.block_size()),
        area_(std::min<std::uint64_t>(disk.size(), kScratchMax) / block_ * block_), expected_(area_) {}

  bool run() {
    if (area_ != 0) disk_.read_only() ? read_only_pass() : full_pass();
    if (!stop_) tell("done");
    return !cancelled_;
  }

 private:
  void full_pass() {
    fill();
    sizes_and_shapes();
    random_mix();
    trims_and_zeroes();
    final_compare();
  }
  void tell(std::string_view what) {
    if (watcher_.progress({done_, total_, what})) return;
    stop_ = cancelled_ = true;
  }
  void step(std::string_view what) {
    if (++done_ % 8 == 0) tell(what);
  }
  bool failed(int error, const char* what, std::uint64_t offset, std::uint64_t length) {
    if (error == 0) return false;
    if (watcher_.excused()) return true;
    complain(fmt::format("self-check: {} of {} bytes at {} failed: {}", what, length, offset, std::strerror(error)));
    return true;
  }
  void complain(std::string text) {
    if (complaints_++ < kComplaintsMax) watcher_.complain(std::move(text));
    stop_ = stop_ || complaints_ >= kComplaintsMax;
  }
  std::uint64_t any_offset(std::uint64_t length) { return choose_.below((area_ - length) / block_ + 1) * block_; }
  std::uint32_t any_shift() {
    const std::uint32_t grain = std::max<std::uint32_t>(disk_.alignment(), 4);
    return static_cast<std::uint32_t>(choose_.below(kPageSize / grain)) * grain;
  }
  void make_pattern(std::span<std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const std::uint64_t word = choose_.next();
      std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, bytes.size() - i));
    }
  }

  void write(std::uint64_t offset, std::uint64_t length, bool fua, std::uint32_t shift) {
    const auto bytes = std::span(expected_).subspan(offset, length);
    before_.assign(bytes.begin(), bytes.end());
    make_pattern(bytes);
    settle(failed(disk_.write_blocks(bytes, offset, fua, shift), "a write", offset, length), offset, length);
  }
  /// After a change of [offset, +length) from before_: it is done, or may be, sector by sector.
  void settle(bool failed, std::uint64_t offset, std::uint64_t length) {
    if (!failed && doubts_.empty() && unknown_.empty()) [[likely]] return;
    for (std::uint64_t at = 0; at < length; at += kSectorSize) {
      if (!failed) doubts_.erase(offset + at), unknown_.erase(offset + at);
      else if (filling_) unknown_.insert(offset + at);
      else doubt(offset + at, std::span(before_).subspan(at, kSectorSize));
    }
  }
  void doubt(std::uint64_t offset, std::span<const std::byte> perhaps) { doubts_[offset].emplace_back(perhaps.begin(), perhaps.end()); }
  /// What is read of a sector in doubt is what it holds from now on.
  void resolve_doubts(std::span<const std::byte> got, std::uint64_t offset) {
    for (auto at = unknown_.lower_bound(offset); at != unknown_.end() && *at < offset + got.size(); at = unknown_.erase(at)) {
      const auto sector = got.subspan(*at - offset, kSectorSize);
      std::copy(sector.begin(), sector.end(), expected_.begin() + static_cast<std::ptrdiff_t>(*at));
      doubts_.erase(*at);
    }
    for (auto doubtful = doubts_.lower_bound(offset); doubtful != doubts_.end() && doubtful->first < offset + got.size();) {
      const auto sector = got.subspan(doubtful->first - offset, kSectorSize);
      const auto is = [&](const std::vector<std::byte>& content) { return std::equal(sector.begin(), sector.end(), content.begin()); };
      if (std::any_of(doubtful->second.begin(), doubtful->second.end(), is))
        std::copy(sector.begin(), sector.end(), expected_.begin() + static_cast<std::ptrdiff_t>(doubtful->first));
      doubtful = doubts_.erase(doubtful);
    }
  }
  void read(std::uint64_t offset, std::uint64_t length, std::uint32_t shift) {
    std::vector<std::byte> got(length);
    if (failed(disk_.read_blocks(got, offset, shift), "a read", offset, length)) return;
    compare(got, offset);
  }
  void compare(std::span<const std::byte> got, std::uint64_t offset) {
    if (!disk_.moves_data()) return;
    resolve_doubts(got, offset);
    const auto want = std::span(expected_).subspan(offset, got.size());
    const auto [at, _] = std::mismatch(got.begin(), got.end(), want.begin());
    if (at != got.end())
      complain(fmt::format("self-check: byte {} of the disk reads back wrong (a read of {} bytes at {})",
                           offset + static_cast<std::uint64_t>(at - got.begin()), got.size(), offset));
  }

  void read_only_pass() {
    for (std::uint64_t offset = 0; offset < area_ && !stop_; offset += kSizes[7]) {
      std::vector<std::byte> got(std::min<std::uint64_t>(kSizes[7], area_ - offset));
      failed(disk_.read_blocks(got, offset, 0), "a read", offset, got.size());
      step("reading");
    }
    if (stop_) return;
    const std::vector<std::byte> block(block_);
    if (disk_.write(block, 0, false) != EROFS) complain("self-check: a write to a read-only disk did not fail with EROFS");
  }
  void fill() {
    filling_ = true;
    for (std::uint64_t offset = 0; offset < area_ && !stop_; offset += kSizes[9]) {
      write(offset, std::min<std::uint64_t>(kSizes[9], area_ - offset), false, 0);
      step("filling");
    }
    filling_ = false;
  }
  void sizes_and_shapes() {
    for (const std::uint32_t size : kSizes) {
      if (size % block_ != 0 || size > area_ || stop_) continue;
      for (const std::uint32_t shift : {0u, any_shift(), any_shift()}) {
        if (stop_) return;
        const std::uint64_t offset = any_offset(size);
        write(offset, size, false, shift);
        read(offset, size, any_shift());
        step("sizes and shapes");
      }
    }
  }
  void random_mix() {
    for (std::uint64_t i = 0; i < kRandomRounds && !stop_; ++i) {
      const std::uint64_t length = std::min<std::uint64_t>(area_, (1 + choose_.below(128 * 1024 / block_)) * block_);
      const std::uint64_t offset = any_offset(length);
      if (choose_.below(2) == 0) write(offset, length, choose_.below(8) == 0, any_shift());
      else read(offset, length, any_shift());
      if (choose_.below(16) == 0) failed(disk_.flush(), "a flush", 0, 0);
      step("random reads and writes");
    }
  }
  void trims_and_zeroes() {
    const std::uint64_t length = std::min<std::uint64_t>(64 * 1024, area_) / block_ * block_;
    if (disk_.can_zero() && !stop_) {
      const std::uint64_t offset = any_offset(length);
      begin_zeroes(offset, length);
      settle(failed(disk_.zero(offset, length, false, false), "write zeroes", offset, length), offset, length);
      read(offset, length, 0);
    }
    if (disk_.can_trim() && !stop_) {
      const std::uint64_t offset = any_offset(length);
      begin_zeroes(offset, length);
      failed(disk_.trim(offset, length, false), "a trim", offset, length);
      settle(true, offset, length);     // trimmed bytes are zeroes or as before
      write(offset, length, false, 0);  // until written
      read(offset, length, 0);
    }
    if (!stop_) step("trims and zeroes");
  }
  void begin_zeroes(std::uint64_t offset, std::uint64_t length) {
    const auto bytes = std::span(expected_).subspan(offset, length);
    before_.assign(bytes.begin(), bytes.end());
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
  }
  void final_compare() {
    for (std::uint64_t offset = 0; offset < area_ && !stop_; offset += kSizes[8]) {
      read(offset, std::min<std::uint64_t>(kSizes[8], area_ - offset), 0);
      step("comparing everything");
    }
    if (!stop_) failed(disk_.flush(), "a flush", 0, 0);
  }

  MachineDisk& disk_;
  Seeded choose_;
  const SelfCheckWatcher& watcher_;
  std::uint32_t block_;
  std::uint64_t area_;
  std::vector<std::byte> expected_, before_;
  /// What else a sector may hold, by its offset on the disk.
  std::map<std::uint64_t, std::vector<std::vector<std::byte>>> doubts_;
  std::set<std::uint64_t> unknown_;  ///< sectors that hold what was on the disk before us: their first write failed
  bool filling_ = false;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = area_ / kSizes[9] + std::size(kSizes) * 3 + kRandomRounds + 1 + area_ / kSizes[8];
  int complaints_ = 0;
  bool stop_ = false, cancelled_ = false;
};

}  // namespace

bool run_self_check(MachineDisk& disk, std::uint64_t seed, const SelfCheckWatcher& watcher) {
  return SelfCheck(disk, seed, watcher).run();
}

}  // namespace drydock
