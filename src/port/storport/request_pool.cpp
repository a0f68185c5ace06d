#include "port/storport/request_pool.h"

#include <algorithm>

#include <fmt/format.h>

namespace drydock::storport {

namespace {

constexpr std::uint32_t kSlotsMax = 4096;
constexpr std::uint32_t kLineSize = 64;

constexpr std::uint32_t line_up(std::uint32_t offset) { return (offset + kLineSize - 1) & ~(kLineSize - 1); }

}  // namespace

SlotLayout SlotLayout::plan(Srb::Form form, std::uint32_t list_elements, std::uint32_t extension_bytes, bool apart) {
  const auto pages_of = [](std::uint32_t bytes) { return static_cast<std::uint32_t>((bytes + kPageMask) >> kPageShift); };
  SlotLayout layout{};
  layout.form = form;
  layout.apart = apart;
  layout.sense = line_up(Srb::size_of(form));
  layout.list = line_up(layout.sense + kSenseLength);
  layout.list_end = layout.list + list_bytes(list_elements);
  layout.extension = line_up(layout.list_end);
  layout.extension_bytes = extension_bytes;
  layout.head_pages = layout.pages = pages_of(layout.extension + extension_bytes);
  if (apart) {
    constexpr auto kPage = static_cast<std::uint32_t>(kPageSize);
    layout.head_pages = pages_of(layout.list_end);
    layout.tail_pages = pages_of(extension_bytes);
    layout.extension = (layout.head_pages + 1 + layout.tail_pages) * kPage - (extension_bytes + 15) / 16 * 16;
    layout.pages = layout.head_pages + 1 + layout.tail_pages + (extension_bytes != 0 ? 1 : 0);
  }
  return layout;
}

SlotLayout::Object SlotLayout::at(std::uint32_t offset) const {
  const Object objects[] = {{"SRB", 0, Srb::size_of(form)}, {"sense buffer", sense, sense + kSenseLength},
                            {"scatter/gather list", list, list_end}, {"SRB extension", extension, extension_end()}};
  const Object* found = &objects[0];
  for (const Object& object : objects)
    if (offset >= object.start && (object.end != object.start)) found = &object;
  return *found;
}

RequestPool::RequestPool(PhysicalMemory& memory, DmaWindow& window, const SlotLayout& layout, std::uint64_t highest_address,
                         bool guard, ByteMarks* marks)
    : memory_(memory), window_(window), layout_(layout), highest_address_(highest_address), guard_(guard), marks_(marks) {}

RequestPool::~RequestPool() {
  for (auto& request : requests_) {
    request->mapping.discard();  // a machine that halted leaves some alive
    if (request->lent) change_window(*request, &DmaWindow::close);
  }
  for (const PageRun& chunk : chunks_) {
    memory_.lend(chunk);  // the view is whole again for whoever gets the pages next
    if (marks_ != nullptr) marks_->valid(std::uint64_t{chunk.first} << kPageShift, chunk.bytes());
    memory_.free(chunk);
  }
}

void RequestPool::change_window(const Request& request, void (DmaWindow::*change)(std::uint32_t, DmaDirection)) const {
  for (std::uint32_t i = 0; i < request.pages.count; ++i) (window_.*change)(request.pages.first + i, DmaDirection::both);
}

void RequestPool::mark(const Request& request) const {
  const std::uint64_t first = std::uint64_t{request.pages.first} << kPageShift;
  if (marks_ == nullptr) return;
  marks_->invalid(first, request.pages.bytes());
  for (const std::uint32_t start : {0u, layout_.sense, layout_.list, layout_.extension})
    if (const auto object = layout_.at(start); object.start == start) marks_->valid(first + start, object.end - start);
}

// DOC: ST-60 an SRB extension is DMA-safe: slots are physically contiguous, and reachable by the device.
bool RequestPool::grow() {
  if (requests_.size() >= kSlotsMax) return false;
  const auto chunk = memory_.allocate_contiguous(kSlotsPerChunk * layout_.pages, {.highest = highest_address_});
  if (!chunk) return false;
  chunks_.push_back(*chunk);
  for (std::uint32_t i = 0; i < kSlotsPerChunk; ++i) {
    requests_.push_back(std::make_unique<Request>());
    place(*requests_.back(), {chunk->first + i * layout_.pages, layout_.pages});
    idle_.push(*requests_.back());
    mark(*requests_.back());
    if (!guard_) change_window(*requests_.back(), &DmaWindow::open);
  }
  if (guard_) memory_.take_back(*chunk);
  return true;
}

void RequestPool::place(Request& request, PageRun pages) {
  std::byte* host = memory_.system(pages.first);
  const auto driver = [&](std::byte* at) -> void* { return memory_.in_view(View::lent, at); };
  request.pages = pages;
  request.number = static_cast<std::uint32_t>(requests_.size() - 1);
  request.srb = Srb(host, layout_.form);
  request.srb_driver = driver(host);
  request.original_driver = memory_.in_view(View::forbidden, host);
  request.sense_host = host + layout_.sense;
  request.sense_driver = driver(host + layout_.sense);
  request.list_host = reinterpret_cast<STOR_SCATTER_GATHER_LIST*>(host + layout_.list);
  request.list_driver = driver(host + layout_.list);
  request.extension_host = host + layout_.extension;
  request.extension_driver = layout_.extension_bytes != 0 ? driver(host + layout_.extension) : nullptr;
  std::byte* end = layout_.apart ? host + (layout_.head_pages + 1 + layout_.tail_pages) * kPageSize : host + pages.bytes();
  std::fill(host + layout_.extension_end(), end, SlotGuard::kNobodys);
  request.lent = !guard_;
}

Request* RequestPool::take() {
  if (idle_.empty() && !grow()) return nullptr;
  Request* request = idle_.pop();
  ++taken_;
  request->srb.format();
  request->mdl = nullptr;
  request->data_length = request->data_offset = 0;
  request->data_address = 0;
  request->direction = Request::Direction::none;
  request->busy_retries = request->escalation = request->class_retries = 0;
  request->class_context = nullptr;
  request->released = false;
  return request;
}

void RequestPool::give_back(Request& request) {
  request.state = Request::State::idle;
  --taken_;
  idle_.push(request);
}

// DOC: ST-40 a DataBuffer that the miniport wants mapped.
void RequestPool::show_mapped_data(Request& request) {
  const auto place = memory_.find(request.srb.data_buffer());
  if (place && place->view == View::system && request.data_length != 0) request.srb.set_data(shown_data_->show(request), request.data_length);
}

void RequestPool::lend(Request& request) {
  if (request.lent) return;
  if (slot_guard_) [[unlikely]] show_mapped_data(request), slot_guard_->seal(request);
  memory_.lend(head_of(request));
  if (layout_.tail_pages != 0) memory_.lend(tail_of(request));
  change_window(request, &DmaWindow::open);
  request.lent = true;
}

void RequestPool::take_back(Request& request) {
  if (!guard_ || !request.lent) return;
  memory_.take_back(request.pages);
  change_window(request, &DmaWindow::close);  // DOC: ST-60 VER-25 dead for the device, too
  request.lent = false;
}

// DOC: DRY-03 Nothing is looked at while requests travel: a slot's slack is filled once. A SlotGuard has told already.
void RequestPool::check(Trace& trace) const {
  if (slot_guard_) return;
  for (const auto& request : requests_) {
    const std::byte* from = request->extension_host + layout_.extension_bytes;
    const std::byte* slot = memory_.system(request->pages.first);
    const std::byte* end = slot + (layout_.apart ? (layout_.head_pages + 1 + layout_.tail_pages) * kPageSize : request->pages.bytes());
    if (std::all_of(from, end, [](std::byte b) { return b == SlotGuard::kNobodys; })) continue;
    trace.emit(RuleBroken{"DRY-03", "", fmt::format("bytes behind an SRB extension of {} bytes were changed, lately that of SRB {}{}",
                                                         layout_.extension_bytes, request->serial,
                                                         layout_.apart ? "" : " (--checks all shows the instruction)"), {}});
    return;
  }
}

}  // namespace drydock::storport
