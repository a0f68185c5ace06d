#include "port/storport/request_pool.h"

namespace drydock::storport {

namespace {

constexpr std::uint32_t kSlotsMax = 4096;
constexpr std::uint32_t kLineSize = 64;

constexpr std::uint32_t line_up(std::uint32_t offset) { return (offset + kLineSize - 1) & ~(kLineSize - 1); }

}  // namespace

SlotLayout SlotLayout::plan(Srb::Form form, std::uint32_t list_elements, std::uint32_t extension_bytes) {
  SlotLayout layout{};
  layout.form = form;
  layout.sense = line_up(Srb::size_of(form));
  layout.list = line_up(layout.sense + kSenseLength);
  layout.list_end = layout.list + list_bytes(list_elements);
  layout.extension = line_up(layout.list_end);
  layout.extension_bytes = extension_bytes;
  layout.pages = static_cast<std::uint32_t>((layout.extension + extension_bytes + kPageMask) >> kPageShift);
  return layout;
}

RequestPool::RequestPool(PhysicalMemory& memory, DmaWindow& window, const SlotLayout& layout, std::uint64_t highest_address,
                         bool guard)
    : memory_(memory), window_(window), layout_(layout), highest_address_(highest_address), guard_(guard) {}

RequestPool::~RequestPool() {
  for (auto& request : requests_) request->mapping.discard();  // a machine that halted leaves some alive
  for (const PageRun& chunk : chunks_) {
    memory_.lend(chunk);  // the view is whole again for whoever gets the pages next
    for (std::uint32_t i = 0; i < chunk.count; ++i) window_.close(chunk.first + i, DmaDirection::both);
    memory_.free(chunk);
  }
}

// DOC: ST-60 an SRB extension is DMA-safe: slots are physically contiguous, and reachable by the device.
bool RequestPool::grow() {
  if (requests_.size() >= kSlotsMax) return false;
  const auto chunk = memory_.allocate_contiguous(kSlotsPerChunk * layout_.pages, {.highest = highest_address_});
  if (!chunk) return false;
  chunks_.push_back(*chunk);
  for (std::uint32_t i = 0; i < chunk->count; ++i) window_.open(chunk->first + i, DmaDirection::both);
  for (std::uint32_t i = 0; i < kSlotsPerChunk; ++i) {
    requests_.push_back(std::make_unique<Request>());
    place(*requests_.back(), {chunk->first + i * layout_.pages, layout_.pages});
    idle_.push(*requests_.back());
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

void RequestPool::lend(Request& request) {
  if (request.lent) return;
  if (slot_guard_) [[unlikely]] slot_guard_->seal(request);
  memory_.lend(request.pages);
  request.lent = true;
}

void RequestPool::take_back(Request& request) {
  if (!guard_ || !request.lent) return;
  memory_.take_back(request.pages);
  request.lent = false;
}

}  // namespace drydock::storport
