#include "machine/driver.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "abi/wdk.h"
#include "ddi/modules.h"
#include "ddi/row.h"
#include "kasan/instrumentation.h"

namespace drydock {

namespace {

constexpr std::uint32_t kDriverTag = 0x76697244;  // 'Driv'
constexpr CSHORT kDriverObjectType = 4;

/// "\Driver\name" in machine memory, behind the UNICODE_STRING at `to`.
void write_text(UNICODE_STRING* to, const std::string& text) {
  auto* units = reinterpret_cast<char16_t*>(to + 1);
  for (std::size_t i = 0; i < text.size(); ++i) units[i] = static_cast<unsigned char>(text[i]);
  units[text.size()] = 0;
  to->Length = static_cast<USHORT>(text.size() * 2);
  to->MaximumLength = static_cast<USHORT>(text.size() * 2 + 2);
  to->Buffer = reinterpret_cast<decltype(to->Buffer)>(units);
}

std::string stem(const std::string& name) { return name.substr(0, name.find_last_of('.')); }

}  // namespace

Driver::~Driver() {
  if (image_) hooks_.images.remove(image_->base());
  if (object_ != nullptr) (void)board_.pool->free(object_);
  if (path_ != nullptr) (void)board_.pool->free(path_);
}

Result<void> Driver::load(const std::string& path, std::uint64_t seed, MissingImportHandler missing, void* context) {
  Seeded seeded(seed ^ 0x636F6F6B6965);
  const LoadOptions options{.seeded = seeded, .missing_import = missing, .missing_context = context,
                            .arena_base = board_.memory->slot() + kImageArena, .arena_size = kArenaSize, .name = {}};
  auto image = Image::load(path, options, *this);
  if (!image) return tl::unexpected(image.error());
  image_.emplace(std::move(*image));
  if (!hooks_.images.add(image_->base(), image_->base() + image_->size(), this)) return refuse("too many images are loaded");
  return {};
}

void* Driver::driver_object() {
  if (object_ != nullptr) return object_;
  const std::string name = "\\Driver\\" + stem(image_->name());
  const std::size_t bytes = sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION) + sizeof(UNICODE_STRING) + 2 * name.size() + 2;
  object_ = board_.pool->allocate(bytes, PoolKind::nonpaged, kDriverTag);
  CHECK(object_ != nullptr, "no pool for the driver object");
  std::memset(object_, 0, bytes);
  auto& object = *static_cast<DRIVER_OBJECT*>(object_);
  object.Type = kDriverObjectType;
  object.Size = sizeof object;
  object.DriverStart = reinterpret_cast<PVOID>(image_->base());
  object.DriverSize = static_cast<ULONG>(image_->size());
  object.DriverInit = reinterpret_cast<decltype(object.DriverInit)>(image_->entry());
  std::fill(std::begin(object.MajorFunction), std::end(object.MajorFunction), ddi::default_dispatch_routine());
  object.DriverExtension = reinterpret_cast<DRIVER_EXTENSION*>(&object + 1);
  object.DriverExtension->DriverObject = &object;
  auto* text = reinterpret_cast<UNICODE_STRING*>(object.DriverExtension + 1);
  write_text(text, name);
  object.DriverName = *text;
  return object_;
}

void* Driver::registry_path() {
  if (path_ != nullptr) return path_;
  const std::string text = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\" + stem(image_->name());
  board_.registry.create_path(text);
  path_ = board_.pool->allocate(sizeof(UNICODE_STRING) + 2 * text.size() + 2, PoolKind::nonpaged, kDriverTag);
  CHECK(path_ != nullptr, "no pool for the registry path");
  write_text(static_cast<UNICODE_STRING*>(path_), text);
  return path_;
}

bool Driver::imports_instrumentation(bool of_coverage) const {
  if (!image_) return false;
  for (const auto& import : image_->pe().imports) {
    const auto* known = import.module == kInstrumentationModule ? find_instrumentation_import(import.name) : nullptr;
    if (known != nullptr && known->of_coverage == of_coverage) return true;
  }
  return false;
}

void* Driver::resolve(std::string_view module, std::string_view name) {
  if (module == kInstrumentationModule) {
    const auto* known = find_instrumentation_import(name);
    return known == nullptr ? nullptr : const_cast<void*>(known->address);
  }
  const ddi::Row* row = ddi::find_row(module, name);
  if (row == nullptr) return nullptr;
  if (row->protects_mappings) board_.mdls->map_apart();
  if (row->variable != ddi::MachineVariable::none) return const_cast<std::uint64_t*>(static_cast<ddi::Kernel&>(hooks_).variable(row->variable));
  return const_cast<void*>(meets_processes_ && row->faulting != nullptr ? row->faulting : row->address);
}

std::string Driver::location(std::uint64_t address, RipKind kind) {
  if (!image_ || !image_->contains(address)) return fmt::format("{:#x}", address);
  const SourceLocation place = source(address, kind);
  return place.file.empty() ? image_->name_of(address) : fmt::format("{}:{}", place.file, place.line);
}

SourceLocation Driver::source(std::uint64_t address, RipKind kind) {
  if (!image_ || !image_->contains(address)) return {};
  const auto places = symboliser_.locate(*image_, address, kind);
  return places.empty() || places.front().file.empty() ? SourceLocation{} : telling_place(places);
}

std::string Driver::frame_text(std::uint64_t address, RipKind kind) {
  return image_ && image_->contains(address) ? symboliser_.describe(*image_, address, kind) : fmt::format("{:#x}", address);
}

// Sections are protected in whole pages; what lies between them is inaccessible.
bool Driver::may_touch(std::uint64_t address, std::uint64_t size, bool write) const {
  if (!contains(address, size)) return false;
  const PeImage& pe = image_->pe();
  if (pe.shares_pages()) return true;
  const std::uint64_t first = address - image_->base(), end = first + size;
  const auto whole_pages = [](std::uint64_t bytes) { return (bytes + kPageMask) & ~kPageMask; };
  if (end <= whole_pages(pe.headers_size)) return !write;
  for (const PeSection& section : pe.sections)
    if (first >= section.rva && end <= whole_pages(std::uint64_t{section.rva} + section.size)) return write ? section.writable : section.readable;
  return false;
}

}  // namespace drydock
