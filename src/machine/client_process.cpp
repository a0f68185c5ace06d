#include "machine/client_process.h"

#include "machine/open_device.h"
#include "mem/locked_page_report.h"

namespace drydock {

namespace {

PageAccess access_of(Protection protection) {
  switch (protection) {
    case Protection::none: return PageAccess::none;
    case Protection::read: return PageAccess::read;
    default: return PageAccess::read_write;
  }
}

BufferLayout layout_of(const Layout& layout) {
  BufferLayout wanted{.offset = layout.offset, .guarded = layout.guarded};
  wanted.runs = layout.pages == Layout::Pages::contiguous ? PhysicalRuns::contiguous
                : layout.pages == Layout::Pages::scattered ? PhysicalRuns::scattered : PhysicalRuns::as_it_comes;
  wanted.place = layout.place == Layout::Place::below_4g ? PhysicalPlace::below_4g
                 : layout.place == Layout::Place::above_4g ? PhysicalPlace::above_4g : PhysicalPlace::anywhere;
  return wanted;
}

}  // namespace

ClientProcess::~ClientProcess() {
  const std::lock_guard lock(host_.clients.machine_mutex());
  if (host_.kernel.services().checking()) report_locked_pages(host_.board.trace, *host_.board.mdls, space_.get());
  space_.reset();
}

Client::Opened ClientProcess::open(std::string_view path, Access access) { return OpenDevice::open(*this, path, access); }

Buffer ClientProcess::allocate(std::uint32_t bytes, const Layout& layout) {
  const std::lock_guard lock(host_.clients.machine_mutex());
  const auto address = space_->allocate(bytes, layout_of(layout));
  return address ? Buffer{*address, bytes} : Buffer{};
}

bool ClientProcess::free(Buffer buffer) {
  const std::lock_guard lock(host_.clients.machine_mutex());
  return space_->free(buffer.address).has_value();
}

bool ClientProcess::protect(Buffer range, Protection protection) {
  const std::lock_guard lock(host_.clients.machine_mutex());
  return space_->protect(range.address, range.length, access_of(protection)).has_value();
}

bool ClientProcess::unmap(Buffer range) {
  const std::lock_guard lock(host_.clients.machine_mutex());
  return space_->unmap(range.address, range.length).has_value();
}

bool ClientProcess::remap(Buffer range) {
  const std::lock_guard lock(host_.clients.machine_mutex());
  return space_->remap(range.address, range.length).has_value();
}

bool ClientProcess::store(Buffer to, std::span<const std::byte> bytes) {
  const std::lock_guard lock(host_.clients.machine_mutex());
  return bytes.size() <= to.length && space_->write(to.address, bytes).has_value();
}

std::vector<std::byte> ClientProcess::load(Buffer from) {
  const std::lock_guard lock(host_.clients.machine_mutex());
  std::vector<std::byte> bytes(from.length);
  if (!space_->read(from.address, bytes)) bytes.clear();
  return bytes;
}

}  // namespace drydock
