// Any bytes as the code, the unwind table (.pdata), its unwind codes and the stack of a driver: a walk ends, stays inside
// the image's own bytes, and reads the stack only through its reader.

#include <vector>

#include "base/check.h"
#include "input.h"
#include "loader/image.h"
#include "loader/symbols/unwind.h"
#include "loader/test_images/pe_editor.h"

namespace {

using namespace drydock;
using test::MiniPe;

constexpr std::uint32_t kCode = 0x1000, kUnwind = 0x1400, kTable = 0x1C00, kRows = 0x400 / 12;

class OneImage final : public CodeMap {
 public:
  explicit OneImage(const PeImage& pe) : pe_(pe) {}
  std::optional<CodeImage> image_at(std::uint64_t address) const override {
    if (address - pe_.preferred_base >= pe_.size) return std::nullopt;
    return CodeImage{&pe_, pe_.preferred_base};
  }

 private:
  const PeImage& pe_;
};

/// Words of the input, from the front, again and again; some addresses cannot be read.
class InputStack final : public StackReader {
 public:
  InputStack(std::span<const std::uint8_t> bytes, std::uint64_t base) : bytes_(bytes), base_(base) {}
  std::optional<std::uint64_t> read(std::uint64_t address) const override {
    if (bytes_.size() < 8 || address % 64 == 56) return std::nullopt;
    std::uint64_t value;
    std::memcpy(&value, bytes_.data() + address % (bytes_.size() - 7), sizeof value);
    return value % 3 ? base_ + value % 0x1000 + kCode : value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::uint64_t base_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  MiniPe file;
  for (std::size_t i = 0; i < size && i < MiniPe::kSize; ++i) file.put(kCode + static_cast<std::uint32_t>(i), data[i]);
  // Rows whose ends and unwind data are plausible half of the time, so that walks go beyond the first look.
  fuzz::Input rows(data, size);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    const auto begin = kCode + row * 16, unwind = kUnwind + static_cast<std::uint32_t>(rows.below(0x700) & ~3u);
    if (rows.byte() % 2 == 0) continue;
    file.put(kTable + row * 12, begin).put(kTable + row * 12 + 4, begin + 16).put(kTable + row * 12 + 8, unwind);
  }
  file.directory(pe::kExceptionDirectory, kTable, kRows * 12);
  const auto parsed = PeImage::parse(file.bytes());
  CHECK(parsed.has_value(), "the image itself is good");
  const InputStack stack({data, size}, parsed->preferred_base);
  for (std::uint32_t at = kCode; at < kCode + 0x400; at += 24)
    for (const RipKind kind : {RipKind::exact, RipKind::return_address}) {
      RegisterContext context;
      for (unsigned i = 0; i < 16; ++i) context.general(i) = 0x7000'0000 + i * 0x1000;
      context.rip = parsed->preferred_base + at;
      const auto found = walk_driver_frames(OneImage(*parsed), context, kind, stack);
      CHECK(found.frames.size() <= kDriverFramesMax, "a walk ends");
    }
  return 0;
}
