// Any bytes given as a driver image: parsed, mapped, relocated, bound, protected and unwound. Either one line of refusal
// or an image that keeps every promise of loader/pe_image.h. Nothing of it is ever run.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/seeded.h"
#include "loader/image.h"
#include "loader/symbols/unwind.h"

namespace {

using namespace drydock;

MSABI std::uint64_t missing_import(const MissingImport&, void*) { return 0; }

class HalfOfThem : public ImportResolver {
 public:
  void* resolve(std::string_view module, std::string_view name) override {
    return (module.size() + name.size()) % 2 ? this : nullptr;
  }
};

void check_promises(const PeImage& pe) {
  CHECK(pe.section_at(pe.entry_rva) && pe.section_at(pe.entry_rva)->executable, "the entry point lies in code");
  std::uint64_t end = pe.headers_size;
  for (const auto& section : pe.sections) {
    CHECK(section.rva >= end, "sections ascend without overlap");
    end = std::uint64_t{section.rva} + section.size;
    CHECK(end <= pe.size && std::uint64_t{section.file_offset} + section.file_size <= pe.file.size(), "a section lies inside");
  }
  for (const std::uint32_t rva : pe.relocations) CHECK(pe.holds(rva, 8), "a relocation lies inside");
  for (const auto& import : pe.imports) CHECK(pe.holds(import.slot_rva, 8), "an import slot lies inside");
  for (const auto& one : pe.exports) CHECK(one.rva < pe.size, "an export lies inside");
}

/// A stack of whatever the seed says, pointing into the image half of the time.
class SeededStack : public StackReader {
 public:
  SeededStack(const Image& image, Seeded& seeded) : image_(image), seeded_(seeded) {}
  std::optional<std::uint64_t> read(std::uint64_t) const override {
    if (seeded_.below(16) == 0) return std::nullopt;
    return seeded_.below(2) ? image_.base() + seeded_.below(image_.size()) : seeded_.next();
  }

 private:
  const Image& image_;
  Seeded& seeded_;
};

class OneImage : public CodeMap {
 public:
  explicit OneImage(const Image& image) : image_(image) {}
  std::optional<CodeImage> image_at(std::uint64_t address) const override {
    if (!image_.contains(address)) return std::nullopt;
    return CodeImage{&image_.pe(), image_.base()};
  }

 private:
  const Image& image_;
};

void walk_from(const Image& image, std::uint64_t rip, RipKind kind, Seeded& seeded) {
  RegisterContext context;
  for (unsigned i = 0; i < 16; ++i) context.general(i) = seeded.next();
  context.rip = rip;
  const auto found = walk_driver_frames(OneImage(image), context, kind, SeededStack(image, seeded));
  CHECK(found.frames.size() <= kDriverFramesMax, "a walk ends");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size) std::memcpy(bytes.data(), data, size);
  Seeded seeded(size);
  HalfOfThem resolver;
  auto image = Image::load_bytes(std::move(bytes), "fuzz.sys",
                                 {.seeded = seeded, .missing_import = &missing_import, .use_preferred_base = false, .name = {}}, resolver);
  if (!image) {
    CHECK(!image.error().message.empty() && image.error().message.find('\n') == std::string::npos, "one line says why");
    return 0;
  }
  check_promises(image->pe());
  for (int i = 0; i < 8; ++i) walk_from(*image, image->base() + seeded.below(image->size()), RipKind::exact, seeded);
  for (std::uint32_t row = 0; row < image->pe().pdata_size && row < 8 * 12; row += 12)
    if (const auto begin = image->pe().load<std::uint32_t>(image->pe().pdata_rva + row); begin && *begin < image->pe().size)
      walk_from(*image, image->base() + *begin + 8, RipKind::return_address, seeded);
  image->discard_init();
  return 0;
}
